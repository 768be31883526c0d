"""Whatever people do, and in whatever order: nothing goes out that not enough people, who may, approved as it is; not
before its time, not while its account is frozen, and nothing twice.

A random walk through drafts, threads, times, ticks, taken-back ticks, edits, words, changed roles, rooms and policies,
freezes, clocks that are set, refusals of X and restarts, against a small model of our own. The outbox, the bot and the
store are real; the publisher is in memory.
"""

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.bot import Bot, previewing
from bridge.errors import Rejected
from bridge.interfaces import Tx
from bridge.model import (
    Account,
    Edit,
    Event,
    Gathering,
    Identity,
    Message,
    Post,
    PostState,
    Preview,
    Reaction,
    Redaction,
    Role,
    Room,
)
from tests.unit.drafting_scene import ADA, ANA, BEN, OWEN, POLLY
from tests.unit.outbox_stage import PRESS, STALE, Stage, stage

BOSS = Identity("matrix", "@boss:example.org")
"""Owner for ever, so that somebody may set policies."""
DESK = Room("matrix", "!desk")
"""Whoever is in it is approver while it is closed and has that role."""
PEOPLE = (ANA, BEN, ADA, OWEN, POLLY)
ROLES = (None, Role.CONTRIBUTOR, Role.POSTER, Role.APPROVER, Role.OWNER)
APPROVERS = (Role.APPROVER, Role.OWNER)

Content = tuple[str, ...]
"""The texts of a post: of each part, in order."""

_who = st.sampled_from(PEOPLE)
_approver = st.sampled_from((BEN, ADA, OWEN))
_back = st.sampled_from((0, 0, 0, 0, 1, 2, 5))
"""Most of what people do is about the newest."""
_kinds: tuple[tuple[int, st.SearchStrategy[tuple[object, ...]]], ...] = (
    (2, st.tuples(st.just("draft"), _who, st.sampled_from((1, 1, 2, 3)))),
    (2, st.tuples(st.just("tweet"), _who, st.sampled_from((1, 1, 2)))),
    (1, st.tuples(st.just("schedule"), _who, st.sampled_from((60, 300)))),
    (9, st.tuples(st.just("tick"), _approver, _back)),
    (2, st.tuples(st.just("tick"), _who, _back)),
    (2, st.tuples(st.just("untick"), _back)),
    (1, st.tuples(st.just("unapprove"), _approver, _back)),
    (2, st.tuples(st.just("edit"), _back)),
    (3, st.tuples(st.just("change"), _who, _back)),
    (2, st.tuples(st.just("word"), _who, _back, st.sampled_from(("send", "send", "drop", "undo")))),
    (2, st.tuples(st.just("role"), _approver, st.sampled_from(ROLES))),
    (1, st.tuples(st.just("role"), _who, st.sampled_from(ROLES))),
    (2, st.tuples(st.just("share"), _approver, st.sampled_from(ROLES))),
    (2, st.tuples(st.just("gather"), st.sets(_who, max_size=3), st.booleans())),
    (2, st.tuples(st.just("policy"), st.sampled_from(("approvals=1", "approvals=2", "approvals=3")))),
    (1, st.tuples(st.just("policy"), st.sampled_from(("approvals_from=everyone", "approvals_from=contributors")))),
    (1, st.tuples(st.just("freeze"), st.booleans())),
    (1, st.tuples(st.just("wait"), st.sampled_from((30, 90, 300)))),
    (1, st.tuples(st.just("jump"), st.sampled_from((-3600, 3600)))),
    (1, st.tuples(st.just("trouble"), st.integers(0, 1))),
    (1, st.tuples(st.just("restart"))),
    (6, st.tuples(st.just("out"))),
)
_step = st.sampled_from([n for n, (weight, _) in enumerate(_kinds) for _ in range(weight)]).flatmap(
    lambda n: _kinds[n][1]
)
_start = st.tuples(
    st.tuples(st.just("policy"), st.sampled_from(("approvals=1", "approvals=2 approvals_from=everyone"))),
    st.tuples(st.just("draft"), _who, st.sampled_from((1, 2))),
)


@dataclass
class Said:
    """A post in the model. ``now``: what it says; ``wrote``: who wrote each of its texts; ``ticks``: the reactions that
    approved each content, and whose they are. ``free``: nobody's approval was asked for when it, or its author's last
    word, was said.
    """

    author: Identity
    message: str
    now: Content
    free: bool
    at: float = 0.0
    wrote: dict[str, set[Identity]] = field(default_factory=dict)
    ticks: dict[Content, list[tuple[str, Identity]]] = field(default_factory=dict)
    by_hash: dict[str, Content] = field(default_factory=dict)


class Walk:
    """The house and the model, side by side. Roles are the store's: another walk holds them against a model."""

    def __init__(self, at: Stage, acme: Account) -> None:
        self.at, self.acme = at, acme
        self.bot = self._new_bot()
        self.posts: list[Said] = []
        self.ticks: list[tuple[str, Identity]] = []
        self.count = 0
        self.out_before = 0

    def _new_bot(self) -> Bot:
        return Bot(
            store=self.at.store,
            networks={"matrix": self.at.matrix},
            publishers={"x": self.at.x},
            vault=self.at.vault,
            admins=frozenset(),
            prefix="!",
            stale_after=STALE,
            posts_per_day=1000,
            clock=self.at.time,
        )

    async def begin(self) -> None:
        def work(tx: Tx) -> None:
            tx.accounts.grant(self.acme.id, BOSS, Role.OWNER, 0.0)
            tx.shares.gather(DESK, (), closed=True)
            tx.shares.give(self.acme.id, DESK, Role.APPROVER, 0.0)

        await self.at.store.transact(work)
        for who, role in zip(PEOPLE, (Role.CONTRIBUTOR, *(Role.APPROVER,) * 2, Role.OWNER, Role.POSTER), strict=True):
            await self.role(who, role)

    def new(self, kind: str) -> str:
        self.count += 1
        return f"${kind}{self.count}"

    async def hear(self, event: Event) -> None:
        await self.bot.deliver([event])
        await self.at.store.transact(self.at._say_all)
        await self.at.store.transact(self._note)

    async def say(self, who: Identity, text: str) -> str:
        event_id = self.new("m")
        await self.hear(Message(event_id, PRESS, who, text, self.at.time.wall))
        return event_id

    # ------------------------------------------------------------ what the store holds

    def _rows(self, tx: Tx, said: Said) -> list[Post]:
        root = tx.posts.of_message("matrix", said.message)
        assert root is not None
        return [root] if root.thread_root is None else tx.posts.thread(root.thread_root)

    def _note(self, tx: Tx) -> None:
        """Which content each hash stands for."""
        for said in self.posts:
            rows = self._rows(tx, said)
            said.by_hash[tx.decisions.content(rows[0])] = tuple(row.draft.text for row in rows)

    async def rows(self, said: Said) -> list[Post]:
        return await self.at.store.transact(lambda tx: self._rows(tx, said))

    async def role_of(self, who: Identity) -> Role | None:
        return await self.at.store.transact(lambda tx: tx.accounts.role(self.acme.id, who))

    async def asks(self, who: Identity) -> bool:
        role = await self.role_of(who)
        policy = await self.at.store.transact(lambda tx: tx.policies.of(self.acme.id))
        return role is None or policy.asks(role)

    def _back(self, back: int) -> Said:
        return self.posts[-1 - back % len(self.posts)]

    # ------------------------------------------------------------ what people do

    async def _post(self, who: Identity, command: str, parts: int, *, free: bool, at: float = 0.0) -> None:
        texts = tuple(f"text {self.new('t')}" for _ in range(parts))
        message = await self.say(who, command + "\n---\n".join(texts))
        known = await self.at.store.transact(lambda tx: tx.posts.of_message("matrix", message))
        if known is not None:
            self.posts.append(Said(who, message, texts, free, at, {text: {who} for text in texts}))
            await self.at.store.transact(self._note)

    async def draft(self, who: Identity, parts: int) -> None:
        """A thread has no !draft of its own: it is one where the policy asks."""
        if parts == 1:
            await self._post(who, "!draft@acme ", 1, free=False)
        else:
            await self.tweet(who, parts)

    async def tweet(self, who: Identity, parts: int) -> None:
        free = not await self.asks(who)
        await self._post(who, "!tweet@acme " if parts == 1 else "!thread@acme ", parts, free=free)

    async def schedule(self, who: Identity, seconds: int) -> None:
        at, free = self.at.time.wall + seconds, not await self.asks(who)
        await self._post(who, f"!schedule@acme in {seconds} seconds | ", 1, free=free, at=at)

    async def previews(self) -> list[tuple[Said, Preview]]:
        """Every preview ever shown, newest first."""

        def work(tx: Tx) -> list[tuple[Said, Preview]]:
            return [(said, one) for said in self.posts for one in tx.decisions.previews(self._rows(tx, said)[0].id)]

        return (await self.at.store.transact(work))[::-1]

    async def tick(self, who: Identity, back: int) -> None:
        seen = await self.previews()
        if not seen:
            return
        said, preview = seen[min(back, len(seen) - 1)]
        event_id = self.new("r")
        await self.hear(Reaction(event_id, PRESS, who, f"$e{preview.answer_id}", "✅", self.at.time.wall))
        if await self.role_of(who) in APPROVERS and said.by_hash.get(preview.content) == said.now:
            said.ticks.setdefault(said.now, []).append((event_id, who))
            self.ticks.append((event_id, who))

    async def untick(self, back: int) -> None:
        if not self.ticks:
            return
        event_id, who = self.ticks[-1 - back % len(self.ticks)]
        await self.hear(Redaction(self.new("x"), PRESS, who, event_id, self.at.time.wall))
        for said in self.posts:
            for ticks in said.ticks.values():
                ticks[:] = [tick for tick in ticks if tick[0] != event_id]

    async def unapprove(self, who: Identity, back: int) -> None:
        """By a word, which names what it says now; who may not know of it has no effect."""
        if not self.posts:
            return
        said = self._back(back)
        row = (await self.rows(said))[0]
        version = await self.at.store.transact(lambda tx: previewing.version(tx, row))
        known = await self.role_of(who) is not None or who == said.author
        await self.say(who, f"!unapprove {previewing.name(row.id, version)}")
        if known:
            ticks = said.ticks.get(said.now, [])
            ticks[:] = [tick for tick in ticks if tick[1] != who]

    async def edit(self, back: int) -> None:
        """The author edits the command."""
        if self.posts:
            said = self._back(back)
            texts = [f"text {self.new('t')}" for _ in said.now]
            seconds = round(said.at - self.at.time.wall)
            verb = "!thread@acme " if len(texts) > 1 else "!tweet@acme "
            verb = f"!schedule@acme in {seconds} seconds | " if said.at and seconds > 0 else verb
            text = verb + "\n---\n".join(texts)
            await self.hear(Edit(self.new("e"), PRESS, said.author, said.message, text, self.at.time.wall))
            await self._changed(said, said.author)

    async def change(self, who: Identity, back: int) -> None:
        """Somebody changes it, or a part of it, by its name."""
        if self.posts:
            said = self._back(back)
            row = (await self.rows(said))[self.count % len(said.now)]
            await self.say(who, f"!edit {row.label} text {self.new('t')}")
            await self._changed(said, who)

    async def _changed(self, said: Said, who: Identity) -> None:
        """Whoever wrote a text before another hand changed the rest of it counts as a writer of the whole."""
        now = tuple(row.draft.text for row in await self.rows(said))
        if now != said.now:
            for text in now:
                said.wrote.setdefault(text, set()).add(who) if text not in said.now else None
            said.now = now
            said.free = said.free and not await self.asks(said.author)

    async def word(self, who: Identity, back: int, verb: str) -> None:
        """Of the author `send` may free a draft; of an approver it may approve the rest of a thread."""
        if not self.posts:
            return
        said = self._back(back)
        rows = await self.rows(said)
        row = next((one for one in rows if one.state is PostState.HELD), rows[0])
        event_id = await self.say(who, f"!{verb} {row.label}")
        if verb == "send" and who == said.author and not await self.asks(who):
            said.free = True
        if verb == "send" and who != said.author and row.state is PostState.HELD and row.part > 1:
            said.ticks.setdefault(said.now, []).append((event_id, who))

    # ------------------------------------------------------------ what owners and rooms do

    async def role(self, who: Identity, role: Role | None) -> None:
        """Behind the bot's back: no preview and no queue is looked at again."""

        def work(tx: Tx) -> None:
            tx.accounts.revoke(self.acme.id, who)
            if role is not None:
                tx.accounts.grant(self.acme.id, who, role, 0.0)

        await self.at.store.transact(work)

    async def share(self, who: Identity, role: Role | None) -> None:
        how = f"!unshare @acme {who.name}" if role is None else f"!share @acme {who.name} {role.value}"
        await self.say(BOSS, how)

    async def gather(self, people: set[Identity], closed: bool) -> None:
        await self.hear(Gathering(self.new("g"), DESK, frozenset(people), closed))
        if not closed:
            await self.hear(Gathering(self.new("g"), DESK, frozenset(people), True))
            await self.at.store.transact(lambda tx: tx.shares.give(self.acme.id, DESK, Role.APPROVER, 0.0))

    async def policy(self, text: str) -> None:
        await self.say(BOSS, f"!policy @acme {text}")

    async def freeze(self, yes: bool) -> None:
        await self.say(BOSS, "!freeze @acme" if yes else "!unfreeze @acme")

    async def wait(self, seconds: int) -> None:
        self.at.pass_later(float(seconds))

    async def jump(self, seconds: int) -> None:
        """Somebody sets the clock."""
        self.at.time.wall += seconds

    async def trouble(self, after: int) -> None:
        """X takes so many posts, and refuses the next one."""
        self.at.x.succeed("post", after)
        self.at.x.fail("post", Rejected("no"))

    async def restart(self) -> None:
        self.bot = self._new_bot()

    # ------------------------------------------------------------ what went out

    async def out(self) -> None:
        """The outbox runs until nothing is to do; then what went out is held against the model."""
        self.at.start()
        await self.at.settle()
        await self.at.crash()
        out = self.at.x.texts("acme")
        assert len(set(out)) == len(out)
        for text in out[self.out_before :]:
            await self.check(text)
        self.out_before = len(out)

    async def check(self, text: str) -> None:
        said = next(said for said in self.posts if text in said.wrote)
        account = await self.at.store.transact(lambda tx: tx.accounts.get(self.acme.id))
        policy = await self.at.store.transact(lambda tx: tx.policies.of(self.acme.id))
        role = await self.role_of(said.author)
        assert text in said.now
        assert account is not None
        assert not account.frozen
        assert said.at <= self.at.time.wall
        assert role is not None
        if said.free and role.may_post and policy.approvals_from == "contributors":
            return
        wrote = {said.author}.union(*(said.wrote[part] for part in said.now))
        standing = {who for _, who in said.ticks.get(said.now, []) if await self.role_of(who) in APPROVERS}
        assert len(standing - wrote) >= policy.approvals

    async def step(self, name: str, *rest: object) -> None:
        await getattr(self, name)(*rest)


async def walk(folder: Path | None, steps: list[tuple[object, ...]]) -> list[str]:
    """Go; give what is out."""
    async with stage(folder) as at:
        going = Walk(at, await at.link("acme", BOSS))
        await going.begin()
        for name, *rest in steps:
            await going.step(str(name), *rest)
        await going.out()
        return at.x.texts("acme")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(_start, st.lists(_step, min_size=20, max_size=40))
async def test_nothing_goes_out_without_enough_approvals_of_exactly_that(
    start: tuple[tuple[object, ...], ...], steps: list[tuple[object, ...]]
) -> None:
    await walk(None, [*start, *steps])


async def test_the_walk_does_let_something_out(tmp_path: Path) -> None:
    """Or the property above would hold for a bot that never posts."""
    everyone = ("policy", "approvals=2 approvals_from=everyone")
    steps: list[tuple[object, ...]] = [
        everyone, ("draft", ANA, 1), ("tick", BEN, 0), ("edit", 0), ("tick", BEN, 0), ("out",),
        ("tick", ADA, 0), ("untick", 0), ("out",), ("tick", ADA, 0), ("unapprove", ADA, 0), ("out",),
        ("tick", OWEN, 0), ("out",),  # the first to go
        ("draft", ANA, 1), ("tick", BEN, 0), ("edit", 0), ("tick", ADA, 0), ("out",),
        ("draft", ANA, 1), ("tick", BEN, 0), ("tick", ADA, 0), ("role", ADA, Role.POSTER), ("out",),
        ("role", ADA, Role.OWNER), ("draft", OWEN, 1), ("tick", BEN, 0), ("change", ADA, 0), ("tick", ADA, 0),
        ("tick", BEN, 0), ("out",),
        ("draft", POLLY, 1), ("tick", BEN, 0), ("policy", "approvals=1"), ("out",),  # as three before it
        ("schedule", ANA, 60), ("tick", BEN, 0), ("freeze", True), ("wait", 90), ("out",),
        ("freeze", False), ("out",),  # that, when its account goes on
        ("policy", "approvals_from=contributors"), ("tweet", POLLY, 1), ("out",),  # nobody is asked
        ("gather", {POLLY}, True), ("draft", ANA, 1), ("tick", POLLY, 0), ("gather", set(), True), ("out",),
        ("gather", {POLLY}, True), ("tick", POLLY, 0), ("out",),  # when she is back
        ("tweet", ANA, 2), ("tick", BEN, 0), ("trouble", 1), ("out",),  # the first of two parts
        ("word", ADA, 0, "send"), ("out",),  # the other part
    ]  # fmt: skip
    assert len(await walk(tmp_path, steps)) == 10
