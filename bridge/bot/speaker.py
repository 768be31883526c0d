"""The speaker: says in the rooms what stands in the store to be said, in the order of each room.

It is the only one that sends answers. It knows batches, rooms and keys, and nothing of what an answer is about. A room
says one thing at a time; rooms do not wait for each other. One transaction records what was said since the last one
and claims what comes next. A crash between saying and recording says it again with the same key, which is one event.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from bridge.bot.sealing import opened
from bridge.bot.turns import broke, in_turns
from bridge.errors import ChatError, ChatRefused
from bridge.interfaces import ChatNetwork, Clock, Store, Topic, Tx
from bridge.model import Answer, Outgoing, Room, Speech
from bridge.retry import pause
from bridge.vault import Vault, VaultError

log = structlog.get_logger(__name__)

_ROOMS_AT_ONCE = 32
_LONGEST_PAUSE = 60.0
_LONGEST_SEND = 120.0
"""Seconds after which a send that did not return counts as unreachable: a room must not be mute for ever."""
_BUGS = 3
"""So often is something said that breaks our own code, before it is given up."""


@dataclass(frozen=True, slots=True)
class _End:
    """What became of a batch. ``event_id`` is None when it is given up; of a ``lost`` picture, people are told."""

    key: str
    event_id: str | None
    lost: Answer | None = None

    def record(self, tx: Tx, now: float) -> None:
        if self.event_id is None:
            tx.answers.give_up(self.key, now)
            if self.lost is not None:
                words = f"The picture {self.lost.body} cannot be shown here."
                tx.answers.add(self.lost.room, Speech.TEXT, words, thread=self.lost.thread, post_id=self.lost.post_id)
        else:
            tx.answers.sent(self.key, self.event_id, now)


def joined(key: str, batch: Sequence[Answer]) -> Outgoing:
    """One thing to send for a batch: several texts become one, with a blank line between them.

    It replies to a message, and mentions a person, only when all of them do so to the same one.
    """
    first = batch[0]
    same_target = all(answer.target == first.target for answer in batch)
    same_mention = all(answer.mention == first.mention for answer in batch)
    return Outgoing(
        key=key,
        room=first.room,
        speech=first.speech,
        body="\n\n".join(answer.body for answer in batch),
        target=first.target if same_target else None,
        thread=first.thread,
        mention=first.mention if same_mention else None,
        medium=first.medium,
    )


class Speaker:
    """Sends the answers of the store through the networks until cancelled. One task runs it, and only once."""

    def __init__(self, store: Store, networks: Mapping[str, ChatNetwork], vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._networks = networks
        self._clock = clock
        self._bell = store.bell(Topic.ANSWERS)
        self._speaking: set[Room] = set()
        self._ends: list[_End] = []
        # A room that could not be reached waits as a whole, and in memory: later answers must not overtake, and a
        # restart tries again at once, in order.
        self._rest_until: dict[Room, float] = {}
        self._failures: Counter[Room] = Counter()
        self._bugs: Counter[str] = Counter()
        self._foreign: set[Room] = set()

    async def run(self) -> None:
        """Speak until cancelled. What is being said then may be said again at the next start, with the same key."""
        await in_turns(
            self._turn, self._bell, self._clock, trouble="answers cannot be read or recorded", most=_LONGEST_PAUSE
        )

    async def _turn(self, group: asyncio.TaskGroup) -> float | None:
        """Record what was said, begin to say what comes next, and give the time of the next turn if nothing rings."""
        now = self._clock()
        for room in [room for room, until in self._rest_until.items() if until <= now]:
            del self._rest_until[room]
        ends = tuple(self._ends)
        free = _ROOMS_AT_ONCE - len(self._speaking)
        busy = self._speaking | self._rest_until.keys() | self._foreign

        def work(tx: Tx) -> tuple[list[tuple[str, list[Answer]]], float | None]:
            for end in ends:
                end.record(tx, now)
            return tx.answers.claim(now, busy, free) if free else [], tx.answers.next_due(now)

        batches, due = await self._store.transact(work)
        del self._ends[: len(ends)]
        for key, batch in batches:
            self._begin(group, key, batch)
        times = [t for t in (due, *self._rest_until.values()) if t is not None]
        return min(times, default=None)

    def _begin(self, group: asyncio.TaskGroup, key: str, batch: list[Answer]) -> None:
        room, speech, target = batch[0].room, batch[0].speech, batch[0].target
        network = self._networks.get(room.network)
        if network is None:
            self._foreign.add(room)
            log.warning("there is something to say in a network that is not configured", room=str(room))
        elif speech not in (Speech.TEXT, Speech.MEDIA) and target is None:
            self._end(key, None)  # what it was meant for has never been said
            self._bell.set()
        else:
            self._speaking.add(room)
            group.create_task(self._say(network, room, key, batch))

    async def _say(self, network: ChatNetwork, room: Room, key: str, batch: list[Answer]) -> None:
        try:
            plain = [replace(answer, body=opened(self._vault, answer.body)) for answer in batch]
            async with asyncio.timeout(_LONGEST_SEND):
                event_id = await network.send(joined(key, plain))
        except (ChatRefused, VaultError) as error:
            log.warning("an answer was refused and is given up", room=str(room), key=key, error=str(error))
            self._failures.pop(room, None)
            self._end(key, None, lost=batch[0] if batch[0].speech is Speech.MEDIA else None)
        except (ChatError, TimeoutError) as error:
            log.info("a room cannot be reached", room=str(room), key=key, error=str(error))
            self._rest(room)
        except Exception as error:  # noqa: BLE001  # a bug in one send must not silence the other rooms
            self._broke(room, key, error)
        else:
            self._failures.pop(room, None)
            self._end(key, event_id)
        finally:
            self._speaking.discard(room)
            self._bell.set()

    def _end(self, key: str, event_id: str | None, lost: Answer | None = None) -> None:
        self._bugs.pop(key, None)
        self._ends.append(_End(key, event_id, lost))

    def _rest(self, room: Room) -> None:
        self._failures[room] += 1
        self._rest_until[room] = self._clock() + pause(self._failures[room], most=_LONGEST_PAUSE)

    def _broke(self, room: Room, key: str, error: Exception) -> None:
        broke("sending", error, room=str(room), key=key)
        self._bugs[key] += 1
        if self._bugs[key] >= _BUGS:
            self._end(key, None)
        else:
            self._rest(room)
