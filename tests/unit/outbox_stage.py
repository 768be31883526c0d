"""A stage for the tests of the outbox: a real store, a publisher and a network in memory, and a clock that tests move.

The outbox under test runs as it does in the product; the stage only lets time pass and looks at what is on disk.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bridge.errors import PublishError
from bridge.interfaces import Topic, Tx
from bridge.model import (
    Account,
    Action,
    Answer,
    Credentials,
    Draft,
    Identity,
    Medium,
    Post,
    PostState,
    Receipt,
    Role,
    Room,
    Speech,
)
from bridge.outbox import Outbox
from bridge.store import Database
from bridge.vault import Vault, account_purpose
from tests.fakes.network import FakeNetwork
from tests.fakes.publisher import FakePublisher
from tests.patience import until

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
BOSS = Identity("matrix", "@boss:example.org")
PRESS = Room("matrix", "!press:example.org")
START = 1_800_000_000.0
STALE = 600.0
ENDLESS = float("inf")


class Time:
    """A wall clock and a monotonic clock. ``pass_`` moves both, ``jump`` only the wall clock."""

    def __init__(self) -> None:
        self.wall = START
        self.mono = 1000.0

    def __call__(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono


class Watchful(FakePublisher):
    """The fake, and what it saw: requests of an account that overlap (``overlaps``), since when and without what each
    find looked (``finds``), and how often a text came again after it may have gone out (``repeated``), which the
    refusal of duplicates would hide.
    """

    def __init__(self, time: Time) -> None:
        super().__init__(clock=time)
        self.under_way: set[str] = set()
        self.most_at_once = 0
        self.overlaps = 0
        self.perhaps_out: set[str] = set()
        self.repeated = 0
        self.finds: list[tuple[float, frozenset[str]]] = []
        self.uploading = 0

    async def _alone(self, token: str, work: Awaitable[Receipt | None]) -> Receipt | None:
        self.overlaps += token in self.under_way
        self.under_way.add(token)
        self.most_at_once = max(self.most_at_once, len(self.under_way))
        try:
            return await work
        finally:
            self.under_way.discard(token)

    async def post(self, credentials: Credentials, draft: Draft) -> Receipt:
        self.repeated += draft.text in self.perhaps_out
        certain = False
        try:
            receipt = await self._alone(credentials.token, super().post(credentials, draft))
        except PublishError as error:
            certain = error.certain
            raise
        finally:
            if not certain:
                self.perhaps_out.add(draft.text)
        assert receipt is not None
        return receipt

    async def upload(self, credentials: Credentials, file: Path, mime: str, alt: str) -> str:
        self.uploading += 1
        try:
            return await super().upload(credentials, file, mime, alt)
        finally:
            self.uploading -= 1

    async def find(
        self, credentials: Credentials, account: Account, draft: Draft, *, since: float, known: Collection[str]
    ) -> Receipt | None:
        self.finds.append((since, frozenset(known)))
        looking = super().find(credentials, account, draft, since=since, known=known)
        return await self._alone(credentials.token, looking)


class Stage:
    """See the module."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.time = Time()
        self.x = Watchful(self.time)
        self.matrix = FakeNetwork("matrix")
        self.vault = Vault([bytes(32)])
        self.outbox = self.new_outbox()
        self.running: asyncio.Task[None] | None = None
        self._messages = 0
        self._said: list[int] = []

    def new_outbox(self) -> Outbox:
        return Outbox(
            store=self.store,
            networks={"matrix": self.matrix},
            publishers={"x": self.x},
            vault=self.vault,
            admins=frozenset({BOSS}),
            stale_after=STALE,
            clock=self.time,
            monotonic=self.time.monotonic,
        )

    # ------------------------------------------------------------ before

    async def link(self, handle: str, *owners: Identity) -> Account:
        person = self.x.person(handle)
        sealed = self.vault.seal_credentials(person.credentials, purpose=account_purpose("x", person.remote_id))

        def work(tx: Tx) -> Account:
            account = tx.accounts.put("x", person.remote_id, handle)
            tx.accounts.seal(account.id, sealed)
            for owner in owners or (ANA,):
                tx.accounts.grant(account.id, owner, Role.OWNER, self.time.wall)
            return account

        return await self.store.transact(work)

    async def queue(self, account: Account, text: str = "hello", author: Identity = ANA, **more: object) -> Post:
        return (await self.queue_all(account, [text], author, **more))[0]

    async def queue_all(self, account: Account, texts: list[str], author: Identity = ANA, **more: object) -> list[Post]:
        """What the bot does with commands: rows, and the ⏳ of each."""
        now = self.time.wall
        fields: dict[str, object] = {"state": PostState.QUEUED, "fresh_at": now, "due_at": now, "now": now} | more
        action = fields.pop("action", Action.POST)

        def work(tx: Tx) -> list[Post]:
            return [self._add(tx, action, account, text, author, fields) for text in texts]

        return await self.store.transact(work)

    async def queue_media(self, account: Account, *media: Medium, text: str) -> Post:
        """As ``queue``, with pictures."""
        post = await self.queue(account, text, state=PostState.DRAFT)
        post = replace(post, draft=Draft(text, media=media), state=PostState.QUEUED)
        await self.store.transact(lambda tx: tx.posts.save(post))
        return post

    def _add(
        self, tx: Tx, action: object, account: Account, text: str, author: Identity, fields: dict[str, object]
    ) -> Post:
        self._messages += 1
        message = f"$m{self._messages}"
        post = tx.posts.add(action, account.id, author, PRESS, message, None, Draft(text), **fields)  # type: ignore[arg-type]  # a table of fields
        tx.answers.add(PRESS, Speech.REACTION, "⏳", target=message, due_at=self.time.wall + 1.0, post_id=post.id)
        return post

    async def undo(self, post: Post, author: Identity = ANA) -> Post:
        """What the bot does with an undo of a row that is on its way or out."""
        current = await self.row(post)
        due = self.time.wall if current.state is PostState.POSTED else ENDLESS
        account = await self.store.transact(lambda tx: tx.accounts.get(post.account_id))
        assert account is not None
        return await self.queue(account, "", author, action=Action.DELETE, undoes=post.id, due_at=due)

    async def send(self, post: Post) -> None:
        """What the bot does with a person's `send`."""
        current = await self.row(post)
        now = self.time.wall
        fresh = replace(current, state=PostState.QUEUED, fresh_at=now, due_at=now, question_id=None, reason="")
        await self.store.transact(lambda tx: tx.posts.save(fresh))

    # ------------------------------------------------------------ meanwhile

    def start(self) -> None:
        self.running = asyncio.create_task(self.outbox.run())

    async def crash(self) -> None:
        """End the run wherever it is, as a crash would; then a new outbox on the same store."""
        if self.running is not None:
            self.running.cancel()
            with suppress(asyncio.CancelledError):
                await self.running
        self.running = None
        self.outbox = self.new_outbox()

    async def pass_(self, seconds: float) -> None:
        """Let time pass, and everything that it brings about."""
        self.time.wall += seconds
        self.time.mono += seconds
        await self.settle()

    def pass_later(self, seconds: float) -> None:
        """Let time pass while nothing runs."""
        self.time.wall += seconds
        self.time.mono += seconds

    async def pass_slowly(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            await self.pass_(step)

    async def settle(self) -> None:
        """Ring the outbox, and wait until it has nothing to do now but exchanges that a test holds."""
        quiet = 0
        while quiet < 3:
            before = len(self.x.calls), self.outbox.turns
            turned = self.outbox._turned
            turned.clear()
            self.store.bell(Topic.POSTS).set()
            async with asyncio.timeout(5.0):
                while self.outbox.turns == before[1] and not self._ended():
                    await turned.wait()
                    turned.clear()
            await asyncio.sleep(0)
            held = len(self.x.under_way) + self.x.uploading
            quiet = quiet + 1 if before[0] == len(self.x.calls) and self.outbox.in_flight <= held else 0

    def _ended(self) -> bool:
        return self.running is None or self.running.done()

    # ------------------------------------------------------------ after

    async def row(self, post: Post) -> Post:
        found = await self.store.transact(lambda tx: tx.posts.get(post.id))
        assert found is not None
        return found

    async def until_state(self, post: Post, *states: PostState) -> Post:
        async def reached() -> bool:
            return (await self.row(post)).state in states

        await until(reached)
        return await self.row(post)

    async def answers(self, post: Post | None = None) -> list[Answer]:
        """All answers that were not taken back, in order."""
        found: list[Answer] = []

        def work(tx: Tx) -> list[Answer]:
            for number in sorted(self._said):
                found.extend(tx.answers.of_event("matrix", f"$e{number}"))
            return found

        await self.store.transact(self._say_all)
        answers = await self.store.transact(work)
        return [a for a in answers if post is None or a.post_id == post.id]

    def _say_all(self, tx: Tx) -> None:
        """As the speaker would: everything that is due is said, each batch as the event of its first row."""
        while batches := tx.answers.claim(self.time.wall, (), 1000):
            for key, batch in batches:
                tx.answers.sent(key, f"$e{batch[0].id}", self.time.wall)
                self._said.append(batch[0].id)

    async def texts(self, post: Post | None = None) -> list[str]:
        return [a.body for a in await self.answers(post) if a.speech is Speech.TEXT]

    async def signs(self, post: Post) -> list[str]:
        """The emoji that stand on the row's command."""
        answers = await self.answers(post)
        gone = {a.target_answer for a in answers if a.speech is Speech.REDACTION}
        return [a.body for a in answers if a.speech is Speech.REACTION and a.id not in gone]

    def posts_taken(self) -> int:
        return sum(len(self.x.texts(handle)) for handle in self.x.people)


@asynccontextmanager
async def stage(folder: Path | None) -> AsyncIterator[Stage]:
    """In a file in ``folder``; None: in memory, for walks that are many and need no disk."""
    store = await Database.open(":memory:" if folder is None else folder / "kantter.db")
    made = Stage(store)
    try:
        yield made
    finally:
        await made.crash()
        await store.close()
