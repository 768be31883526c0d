"""Whatever people do, and in whatever order: nothing goes out that not enough people, who may, approved as it is.

A random walk through drafts, ticks, taken-back ticks, edits, changed roles and policies, and restarts, against a small
model of our own. The outbox, the bot and the store are real; the publisher is in memory.
"""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.bot import Bot
from bridge.interfaces import Tx
from bridge.model import Account, Edit, Event, Identity, Message, Preview, Reaction, Redaction, Role
from tests.unit.drafting_scene import ADA, ANA, BEN, OWEN, POLLY
from tests.unit.outbox_stage import PRESS, STALE, Stage, stage

PEOPLE = (ANA, BEN, ADA, OWEN, POLLY)
ROLES = (None, Role.CONTRIBUTOR, Role.POSTER, Role.APPROVER, Role.OWNER)
APPROVERS = (Role.APPROVER, Role.OWNER)

_who = st.sampled_from(PEOPLE)
_approver = st.sampled_from((BEN, ADA, OWEN))
_back = st.sampled_from((0, 0, 0, 0, 1, 2, 5))
"""Most of what people do is about the newest."""
_kinds: tuple[tuple[int, st.SearchStrategy[tuple[object, ...]]], ...] = (
    (2, st.tuples(st.just("draft"), _who)),
    (10, st.tuples(st.just("tick"), _approver, _back)),
    (2, st.tuples(st.just("tick"), _who, _back)),
    (2, st.tuples(st.just("untick"), _back)),
    (3, st.tuples(st.just("edit"), _back)),
    (3, st.tuples(st.just("change"), _who, _back)),
    (3, st.tuples(st.just("role"), _approver, st.sampled_from(ROLES))),
    (1, st.tuples(st.just("role"), _who, st.sampled_from(ROLES))),
    (1, st.tuples(st.just("approvals"), st.integers(1, 3))),
    (1, st.tuples(st.just("drop"), _back)),
    (1, st.tuples(st.just("restart"))),
    (6, st.tuples(st.just("send"))),
)
_step = st.sampled_from([n for n, (weight, _) in enumerate(_kinds) for _ in range(weight)]).flatmap(
    lambda n: _kinds[n][1]
)
_start = st.tuples(st.tuples(st.just("approvals"), st.integers(1, 2)), st.tuples(st.just("draft"), _who))


@dataclass
class Said:
    """A draft in the model: its texts so far, who wrote each, and who approved each by which reactions."""

    author: Identity
    message: str
    texts: list[str]
    wrote: dict[str, Identity] = field(default_factory=dict)
    ticks: dict[str, list[tuple[str, Identity]]] = field(default_factory=dict)


class Walk:
    """The house and the model, side by side."""

    def __init__(self, at: Stage, acme: Account) -> None:
        self.at, self.acme = at, acme
        self.bot = self._new_bot()
        self.roles: dict[Identity, Role | None] = {}
        self.approvals = 1
        self.drafts: list[Said] = []
        self.ticks: list[tuple[str, Identity]] = []
        self.count = 0
        self.out = 0

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

    def new(self, kind: str) -> str:
        self.count += 1
        return f"${kind}{self.count}"

    async def hear(self, event: Event) -> None:
        await self.bot.deliver([event])
        await self.at.store.transact(self.at._say_all)

    async def say(self, who: Identity, text: str) -> str:
        event_id = self.new("m")
        await self.hear(Message(event_id, PRESS, who, text, self.at.time.wall))
        return event_id

    # ------------------------------------------------------------ steps

    async def draft(self, who: Identity) -> None:
        text = f"text {self.new('t')}"
        message = await self.say(who, f"!draft@acme {text}")
        if self.roles.get(who) is not None:
            self.drafts.append(Said(who, message, [text], {text: who}))

    async def previews(self) -> list[tuple[Said, Preview, str]]:
        """Every preview ever shown, newest first, with its draft and the text that it shows."""

        def work(tx: Tx) -> list[tuple[str, Preview]]:
            found = []
            for said in self.drafts:
                post = tx.posts.of_message("matrix", said.message)
                assert post is not None
                found += [(said.message, preview) for preview in tx.decisions.previews(post.id)]
            return found

        shown = await self.at.store.transact(work)
        by_message = {said.message: said for said in self.drafts}
        known = [(by_message[message], preview) for message, preview in shown]
        return [(said, preview, said.texts[preview.version - 1]) for said, preview in reversed(known)]

    async def tick(self, who: Identity, back: int) -> None:
        seen = await self.previews()
        if not seen:
            return
        said, preview, text = seen[min(back, len(seen) - 1)]
        event_id = self.new("r")
        await self.hear(Reaction(event_id, PRESS, who, f"$e{preview.answer_id}", "✅", self.at.time.wall))
        if self.roles.get(who) in APPROVERS and text == said.texts[-1]:
            said.ticks.setdefault(text, []).append((event_id, who))
            self.ticks.append((event_id, who))

    async def untick(self, back: int) -> None:
        if not self.ticks:
            return
        event_id, who = self.ticks[-1 - back % len(self.ticks)]
        await self.hear(Redaction(self.new("x"), PRESS, who, event_id, self.at.time.wall))
        for said in self.drafts:
            for ticks in said.ticks.values():
                ticks[:] = [tick for tick in ticks if tick[0] != event_id]

    async def edit(self, back: int) -> None:
        """The author edits the command."""
        if self.drafts:
            said = self.drafts[-1 - back % len(self.drafts)]
            text = f"text {self.new('t')}"
            before = await self._text(said)
            event = Edit(self.new("e"), PRESS, said.author, said.message, f"!draft@acme {text}", self.at.time.wall)
            await self.hear(event)
            await self._changed(said, before, text, said.author)

    async def change(self, who: Identity, back: int) -> None:
        """Somebody changes it by its name."""
        if self.drafts:
            said = self.drafts[-1 - back % len(self.drafts)]
            text = f"text {self.new('t')}"
            before = await self._text(said)
            label = await self._label(said)
            await self.say(who, f"!edit {label} {text}")
            await self._changed(said, before, text, who)

    async def _changed(self, said: Said, before: str, text: str, who: Identity) -> None:
        if await self._text(said) != before:
            said.texts.append(text)
            said.wrote[text] = who

    async def _text(self, said: Said) -> str:
        post = await self.at.store.transact(lambda tx: tx.posts.of_message("matrix", said.message))
        assert post is not None
        return post.draft.text

    async def _label(self, said: Said) -> str:
        post = await self.at.store.transact(lambda tx: tx.posts.of_message("matrix", said.message))
        assert post is not None
        return post.label

    async def drop(self, back: int) -> None:
        if self.drafts:
            said = self.drafts[-1 - back % len(self.drafts)]
            await self.say(said.author, f"!drop {await self._label(said)}")

    async def role(self, who: Identity, role: Role | None) -> None:
        def work(tx: Tx) -> None:
            tx.accounts.revoke(self.acme.id, who)
            if role is not None:
                tx.accounts.grant(self.acme.id, who, role, 0.0)

        await self.at.store.transact(work)
        self.roles[who] = role

    async def approvals_(self, count: int) -> None:
        def work(tx: Tx) -> None:
            policy = replace(tx.policies.of(self.acme.id), approvals=count, approvals_from="everyone")
            tx.policies.put(self.acme.id, policy)

        await self.at.store.transact(work)
        self.approvals = count

    async def restart(self) -> None:
        self.bot = self._new_bot()

    async def send(self) -> None:
        """The outbox runs until nothing is to do; then what went out is held against the model."""
        self.at.start()
        await self.at.settle()
        await self.at.crash()
        out = self.at.x.texts("acme")
        for text in out[self.out :]:
            self.check(text)
        assert len(set(out)) == len(out)
        self.out = len(out)

    def check(self, text: str) -> None:
        said = next(said for said in self.drafts if text in said.texts)
        assert text == said.texts[-1]
        assert self.roles.get(said.author) is not None
        standing = {
            who
            for _, who in said.ticks.get(text, [])
            if self.roles.get(who) in APPROVERS and who not in (said.author, said.wrote[text])
        }
        assert len(standing) >= self.approvals

    async def step(self, name: str, *rest: object) -> None:
        await getattr(self, "approvals_" if name == "approvals" else name)(*rest)


async def walk(folder: Path, steps: list[tuple[object, ...]]) -> int:
    """Go; give how many posts went out."""
    async with stage(folder) as at:
        going = Walk(at, await at.link("acme"))
        for who, role in zip(PEOPLE, (Role.CONTRIBUTOR, *(Role.APPROVER,) * 2, Role.OWNER, Role.POSTER), strict=True):
            await going.role(who, role)
        await going.approvals_(1)
        for name, *rest in steps:
            await going.step(str(name), *rest)
        await going.send()
        return going.out


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_start, st.lists(_step, min_size=20, max_size=40))
async def test_nothing_goes_out_without_enough_approvals_of_exactly_that(
    start: tuple[tuple[object, ...], ...], steps: list[tuple[object, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await walk(Path(folder), [*start, *steps])


async def test_the_walk_does_let_something_out(tmp_path: Path) -> None:
    """Or the property above would hold for a bot that never posts."""
    steps: list[tuple[object, ...]] = [
        ("approvals", 2), ("draft", ANA), ("tick", BEN, 0), ("edit", 0), ("tick", BEN, 0), ("send",),
        ("tick", ADA, 0), ("untick", 0), ("send",), ("tick", OWEN, 0), ("send",),
        ("draft", ANA), ("tick", BEN, 0), ("edit", 0), ("tick", ADA, 0), ("send",),
        ("draft", ANA), ("tick", BEN, 0), ("tick", ADA, 0), ("role", ADA, Role.POSTER), ("send",),
        ("role", ADA, Role.OWNER),
        ("draft", OWEN), ("tick", BEN, 0), ("change", ADA, 0), ("tick", ADA, 0), ("tick", BEN, 0), ("send",),
    ]  # fmt: skip
    assert await walk(tmp_path, steps) == 1
