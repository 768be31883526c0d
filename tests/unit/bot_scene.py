"""A bot with a real store, and people who talk to it: what the tests of its commands share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from bridge.bot import Bot
from bridge.interfaces import Tx
from bridge.model import (
    Account,
    Answer,
    Edit,
    Event,
    Identity,
    Medium,
    Message,
    Post,
    Reaction,
    Redaction,
    Role,
    Room,
    Speech,
)
from bridge.store import Database
from bridge.store.answers import SqlAnswers
from bridge.store.posts import SqlPosts
from bridge.vault import Vault
from tests.fakes.network import FakeNetwork
from tests.fakes.publisher import FakePublisher

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
EVE = Identity("matrix", "@eve:elsewhere.org")
ADMIN = Identity("matrix", "@root:example.org")
PRESS = Room("matrix", "!press")
LOBBY = Room("matrix", "!lobby")
DM = Room("matrix", "!dm-ana")
COPY = Medium("mxc://example.org/copy", "image/jpeg", 200_000, "cat.jpg")
"""What the looker made of a picture."""
NOW = 1_800_000_000.0
STALE = 600.0
CAP = 50
SOON = "in 10 s. To stop it: !undo k1"
"""When a post with an unusual price goes out."""


@dataclass
class Scene:
    """``now`` is the bot's clock. What is said gets counted ids, ``$1`` and on."""

    store: Database
    network: FakeNetwork
    publisher: FakePublisher
    bot: Bot
    clock: list[float]
    count: int = 0
    seen: int = 0
    room: Room = field(default=PRESS)

    @property
    def now(self) -> float:
        return self.clock[0]

    def later(self, seconds: float) -> None:
        self.clock[0] += seconds

    # ------------------------------------------------------------ people

    def message(
        self, who: Identity, text: str, room: Room | None = None, *, age: float = 0.0, **more: object
    ) -> Message:
        """A message that was not delivered yet."""
        self.count += 1
        room = room or self.room
        fields: dict[str, object] = {"id": f"${self.count}", "direct": room == DM} | more
        message = Message(room=room, sender=who, text=text, sent_at=self.now - age, **fields)  # type: ignore[arg-type]  # a table of fields
        return replace(message, media=_of(message.id, message.media))

    async def say(self, who: Identity, text: str, room: Room | None = None, *, age: float = 0.0, **more: object) -> str:
        """Say it to the bot; give the message's id."""
        message = self.message(who, text, room, age=age, **more)
        await self.bot.deliver([message])
        return message.id

    async def ask(self, who: Identity, text: str, room: Room | None = None, **more: object) -> str:
        """Say it, and give the words that the bot added, joined by a line."""
        await self.heard()
        await self.say(who, text, room, **more)  # type: ignore[arg-type]  # a table of fields
        return "\n".join(await self.heard())

    async def edit(
        self, who: Identity, target: str, text: str, room: Room | None = None, media: tuple[Medium, ...] = ()
    ) -> str:
        """Change a message; give the words that the bot added."""
        self.count += 1
        room = room or self.room
        edit = Edit(f"${self.count}", room, who, target, text, self.now, direct=room == DM, media=_of(target, media))
        return await self._did(edit)

    async def react(self, who: Identity, target: str, key: str, *, age: float = 0.0, room: Room | None = None) -> str:
        """Put an emoji on something; give the words that the bot added."""
        self.count += 1
        return await self._did(Reaction(f"${self.count}", room or self.room, who, target, key, self.now - age))

    async def redact(self, who: Identity, target: str, room: Room | None = None) -> str:
        """Remove a message; give the words that the bot added."""
        self.count += 1
        return await self._did(Redaction(f"${self.count}", room or self.room, who, target, self.now))

    async def _did(self, event: Event) -> str:
        await self.heard()
        await self.bot.deliver([event])
        return "\n".join(await self.heard())

    # ------------------------------------------------------------ what stands in the store

    async def account(self, handle: str, remote_id: str | None = None, /, **roles: Role) -> Account:
        """An account; ``ana=Role.OWNER`` gives her a role on it."""
        names = {"ana": ANA, "ben": BEN, "eve": EVE, "admin": ADMIN}

        def work(tx: Tx) -> Account:
            account = tx.accounts.put("x", remote_id or str(1000 + sum(map(ord, handle))), handle)
            for name, role in roles.items():
                tx.accounts.grant(account.id, names[name], role, NOW)
            return account

        return await self.store.transact(work)

    async def posts(self) -> list[Post]:
        """All rows of the outbox."""
        return await self.store.transact(lambda tx: cast(SqlPosts, tx.posts)._all("1 = 1 ORDER BY id"))

    async def post(self, number: int = -1) -> Post:
        """One row, by its place; the latest."""
        return (await self.posts())[number]

    async def answers(self, speech: Speech | None = None) -> list[Answer]:
        """All that the bot has said or will say."""
        found = await self.store.transact(lambda tx: cast(SqlAnswers, tx.answers)._all("1 = 1 ORDER BY id"))
        return [a for a in found if speech is None or a.speech is speech]

    async def heard(self) -> list[str]:
        """The texts that were added since the last time this was asked."""
        texts = [a for a in await self.answers(Speech.TEXT) if a.id > self.seen]
        self.seen = max([self.seen, *(a.id for a in texts)])
        return [a.body for a in texts]

    async def signs(self, message_id: str) -> list[str]:
        """The emoji that stand or will stand on that message."""
        return [a.body for a in await self.answers(Speech.REACTION) if a.target == message_id]

    async def set(self, post: Post) -> None:
        """What the outbox would write."""
        await self.store.transact(lambda tx: tx.posts.save(post))

    async def said(self, answer: Answer, event_id: str) -> None:
        """What the speaker would write: everything that waits was said; ``answer`` by that event."""

        def work(tx: Tx) -> None:
            for key, batch in tx.answers.claim(self.now + 10.0, (), 1000):
                event = event_id if any(a.id == answer.id for a in batch) else f"$said-{key}"
                tx.answers.sent(key, event, self.now)

        known = {a.id for a in await self.answers() if a.event_id is not None}
        while answer.id not in known:
            await self.store.transact(work)
            known = {a.id for a in await self.answers() if a.event_id is not None}

    async def question(self, who: Identity, posts: list[Post], event_id: str = "$question") -> str:
        """What the outbox would do: one question about all these posts; gives its label."""

        def work(tx: Tx) -> tuple[int, str]:
            question = tx.answers.ask(who, posts[0].room)
            for post in posts:
                fresh = tx.posts.get(post.id)
                assert fresh is not None
                tx.posts.save(_with(fresh, question.id))
            return tx.answers.add(posts[0].room, Speech.TEXT, "Shall I?", question_id=question.id), question.label

        answer_id, name = await self.store.transact(work)
        answer = next(a for a in await self.answers() if a.id == answer_id)
        await self.said(answer, event_id)
        await self.heard()
        return name


def _of(message_id: str, media: tuple[Medium, ...]) -> tuple[Medium, ...]:
    return tuple(replace(one, message_id=message_id) for one in media)


def _with(post: Post, question_id: int) -> Post:
    return replace(post, question_id=question_id)


@asynccontextmanager
async def open_scene(folder: Path | None, *, cap: int = CAP, prefix: str = "!") -> AsyncIterator[Scene]:
    """A fresh house in ``folder``; None: in memory, for walks that are many and need no disk."""
    store = await Database.open(":memory:" if folder is None else folder / "kantter.db")
    clock = [NOW]
    network, publisher = FakeNetwork(), FakePublisher(clock=lambda: clock[0])
    bot = Bot(
        store=store,
        networks={"matrix": network},
        publishers={"x": publisher},
        vault=Vault([bytes(range(32))]),
        admins=frozenset({ADMIN}),
        prefix=prefix,
        stale_after=STALE,
        posts_per_day=cap,
        clock=lambda: clock[0],
    )
    try:
        yield Scene(store, network, publisher, bot, clock)
    finally:
        await store.close()
