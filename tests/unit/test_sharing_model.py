"""Random lives of a team against a small model of it: whatever is shared, taken, left, opened, linked and unlinked, in
whatever order, everybody's role is the model's.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bridge.bot.joining import join
from bridge.interfaces import Tx
from bridge.model import Account, Credentials, Gathering, Identity, Linked, OfferState, Role, Room, RoomLost
from bridge.vault import Vault
from tests.unit.bot_scene import ANA, BEN, EVE, LOBBY, PRESS, Scene, open_scene

T = TypeVar("T")

PEOPLE = st.sampled_from([ANA, BEN, EVE])
ROOMS = st.sampled_from([PRESS, LOBBY])
ROLES = st.sampled_from(list(Role))
RANK = [Role.CONTRIBUTOR, Role.POSTER, Role.APPROVER, Role.OWNER]
TALK = Room("matrix", "!talk")
KEYS = Vault([bytes(range(32))])


def gives(giver: Role | None, role: Role) -> bool:
    return giver is Role.OWNER or (giver is Role.APPROVER and role in (Role.POSTER, Role.CONTRIBUTOR))


class Team(RuleBasedStateMachine):
    """``own``, ``given``, ``offers``, ``inside`` and ``closed`` are the model; the scene is the real thing."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.open = AsyncExitStack()
        self.own: dict[Identity, Role] = {}
        self.given: dict[Room, Role] = {}
        self.offers: dict[Identity, tuple[Role, Identity]] = {}
        self.inside: dict[Room, set[Identity]] = {PRESS: set(), LOBBY: set()}
        self.closed: dict[Room, bool | None] = {PRESS: None, LOBBY: None}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.scene: Scene = self.run(self.open.enter_async_context(open_scene(None)))
        self.acme: Account = self.run(self.scene.account("acme", "1"))
        self.link(ANA)
        for room, people in ((PRESS, {ANA, BEN}), (LOBBY, {BEN, EVE})):
            self.inside[room] |= people
            self._tell(room, closed=True)

    def teardown(self) -> None:
        self.run(self.open.aclose())
        self.runner.close()

    def role(self, who: Identity) -> Role | None:
        """What the model says."""
        found = [self.own[who]] if who in self.own else []
        found += [role for room, role in self.given.items() if self.closed[room] and who in self.inside[room]]
        return max(found, key=RANK.index, default=None)

    def is_last(self, who: Identity) -> bool:
        rest = [role for other, role in self.own.items() if other != who]
        return not rest or (self.own[who] is Role.OWNER and Role.OWNER not in rest)

    def say(self, who: Identity, text: str, room: Room = TALK, *, direct: bool = False) -> None:
        self.run(self.scene.say(who, text, room, direct=direct))

    # ------------------------------------------------------------ people

    @rule(by=PEOPLE, who=PEOPLE, role=ROLES)
    def share(self, by: Identity, who: Identity, role: Role) -> None:
        self.say(by, f"!share @acme {who.name} {role.value}")
        self.run(self.scene.store.transact(_asked))
        mine, current = self.role(by), self.own.get(who)
        if not gives(mine, role):
            return
        if current is None:
            waiting = self.offers.get(who)
            if who != by and (waiting is None or (gives(mine, waiting[0]) and waiting[0] is not role)):
                self.offers[who] = (role, by)
        elif who == by:
            if RANK.index(role) < RANK.index(current) and not (current is Role.OWNER and self.is_last(who)):
                self._decide(who, role)
        elif role is not current and gives(mine, current) and not (current is Role.OWNER and self.is_last(who)):
            self._decide(who, role)

    def _decide(self, who: Identity, role: Role | None) -> None:
        """Decided anew, so that an offer from before does not stand."""
        self.offers.pop(who, None)
        if role is None:
            del self.own[who]
        else:
            self.own[who] = role

    @rule(who=PEOPLE, yes=st.booleans())
    def answer(self, who: Identity, yes: bool) -> None:
        self.say(who, "!accept" if yes else "!decline", direct=True)
        role, by = self.offers.pop(who, (None, None))
        if yes and role is not None and by is not None and gives(self.role(by), role):
            self.own[who] = max(role, self.own.get(who, role), key=RANK.index)

    @rule(by=PEOPLE, who=PEOPLE)
    def unshare(self, by: Identity, who: Identity) -> None:
        self.say(by, f"!unshare @acme {who.name}")
        mine = self.role(by)
        if who in self.own:
            if mine is not None and (who == by or gives(mine, self.own[who])) and not self.is_last(who):
                self._decide(who, None)
        elif who in self.offers and gives(mine, self.offers[who][0]):
            del self.offers[who]

    @rule(who=PEOPLE)
    def link(self, who: Identity) -> None:
        def work(tx: Tx) -> None:
            link = tx.links.add(who, "x", PRESS, "$link", None, None, self.scene.now)
            linked = Linked("1", "acme", Credentials("t", "s"))
            assert join(tx, link, linked, KEYS, prefix="!", now=self.scene.now)

        self.run(self.scene.store.transact(work))
        if Role.OWNER not in self.own.values():
            self.own[who] = Role.OWNER
        else:
            self.own[who] = max(Role.POSTER, self.own.get(who, Role.POSTER), key=RANK.index)

    @rule(who=PEOPLE, word=st.sampled_from(["", "all"]))
    def unlink(self, who: Identity, word: str) -> None:
        self.say(who, f"!unlink @acme {word}", direct=True)
        others = [role for person, role in self.own.items() if person != who]
        owns, last = self.own.get(who) is Role.OWNER, Role.OWNER not in others
        if word == "all" and not (owns and last):
            return
        if word == "all":
            self.own = {who: Role.OWNER}
        if self.own.pop(who, None) is not None and not self.own:
            self.given.clear()
            self.offers.clear()

    # ------------------------------------------------------------ rooms

    @rule(by=PEOPLE, room=ROOMS, role=ROLES)
    def share_room(self, by: Identity, room: Room, role: Role) -> None:
        self.say(by, f"!share @acme room {role.value}", room)
        mine, current = self.role(by), self.given.get(room)
        may = role is not Role.OWNER and gives(mine, role) and (current is None or gives(mine, current))
        if may and self.closed[room]:
            self.given[room] = role

    @rule(by=PEOPLE, room=ROOMS)
    def unshare_room(self, by: Identity, room: Room) -> None:
        self.say(by, f"!unshare @acme {room.id}")
        if room in self.given and gives(self.role(by), self.given[room]):
            del self.given[room]

    @rule(room=ROOMS, who=PEOPLE, inside=st.booleans())
    def move(self, room: Room, who: Identity, inside: bool) -> None:
        (self.inside[room].add if inside else self.inside[room].discard)(who)
        self._tell(room, bool(self.closed[room]) or self.closed[room] is None)

    @rule(room=ROOMS, closed=st.booleans())
    def close(self, room: Room, closed: bool) -> None:
        self._tell(room, closed)

    @rule(room=ROOMS)
    def lose(self, room: Room) -> None:
        self.scene.count += 1
        self.run(self.scene.bot.deliver([RoomLost(f"$lost-{self.scene.count}", room)]))
        self.closed[room] = None

    def _tell(self, room: Room, closed: bool) -> None:
        self.scene.count += 1
        event = Gathering(f"$g{self.scene.count}", room, frozenset(self.inside[room]), closed)
        self.run(self.scene.bot.deliver([event]))
        self.closed[room] = closed
        if not closed:
            self.given.pop(room, None)

    @invariant()
    def everybodys_role_is_the_models(self) -> None:
        if not hasattr(self, "acme"):
            return

        def work(tx: Tx) -> None:
            team = dict(tx.accounts.team(self.acme.id))
            for who in (ANA, BEN, EVE):
                role = tx.accounts.role(self.acme.id, who)
                assert role is self.role(who)
                assert [theirs for _, theirs in tx.accounts.usable_by(who)] == ([] if role is None else [role])
                assert team.get(who) is role
            assert dict(tx.accounts.people(self.acme.id)) == self.own

        self.run(self.scene.store.transact(work))


def _asked(tx: Tx) -> None:
    """What the offerer does."""
    for offer in tx.shares.open_offers():
        tx.shares.save_offer(replace(offer, state=OfferState.ASKED))


TestTeam = Team.TestCase
TestTeam.settings = settings(max_examples=60, stateful_step_count=40)
