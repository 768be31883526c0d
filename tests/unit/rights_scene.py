"""One cell of the table of rights: one person says one thing under one policy, and what comes of it, exactly.

Each cell runs in a transaction of a real store that is rolled back at its end, so that thousands of them are quick and
none knows of another. It knows how to look, and not what is right: that stands in ``rights.txt``.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar, cast

from bridge.bot import Bot, hearing
from bridge.bot.notices import notices
from bridge.interfaces import Privacy, Tx
from bridge.model import (
    Account,
    Action,
    Answer,
    Deed,
    Draft,
    Event,
    Identity,
    Medium,
    Message,
    Policy,
    Post,
    PostState,
    Role,
    Room,
    Speech,
)
from bridge.store import Database
from bridge.store.answers import SqlAnswers
from bridge.store.posts import SqlPosts
from tests.unit.bot_scene import NOW, Scene

T = TypeVar("T")

ROOM, DM = Room("matrix", "!room"), Room("matrix", "!dm")
COMMAND, PREVIEW, QUESTION = "$command", "$preview", "$question"
"""The events of the row that a situation is about: what asked for it, what shows it, what asks about it."""
OUT_ID = "1800000000000000001"


def person(name: str) -> Identity:
    return Identity("matrix", f"@{name}:example.org")


ASKERS: dict[str, Identity] = {
    "owner": person("owen"),
    "approver": person("ada"),
    "poster": person("polly"),
    "contributor": person("cora"),
    "nobody": person("ned"),
    "other team": person("eve"),
    "operator": person("root"),
}
"""Who asks. The last three have no role on @acme: one has no account, one owns @other, one runs the bot."""
OTHERS = {Role.APPROVER: person("ben"), Role.POSTER: person("pam"), Role.CONTRIBUTOR: person("dan")}
NEW = person("new")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is said, and about what. ``row``: the state of the one post that there is; ``own``: by whom it is. ``media``
    are the pictures of that post, or of what is said where there is none. ``make`` builds something else before.
    ``does`` gives the event, where it is no message.
    """

    verb: str
    said: str
    about: str = ""
    row: PostState | None = None
    own: bool = False
    parts: int = 1
    text: str = "Hello world"
    direct: bool = False
    reply_to: str | None = None
    media: tuple[Medium, ...] = ()
    make: "Callable[[House, Tx, Identity], None] | None" = None
    does: "Callable[[Identity, float], Event] | None" = None

    @property
    def title(self) -> str:
        return self.said + (f"    ({self.about})" if self.about else "")


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy under which everything is said. ``frozen``: of the account. ``late``: it came when the row was there."""

    policy: dict[str, Any] = field(default_factory=dict)
    frozen: bool = False
    late: bool = False


class _Undo(Exception):
    """Ends a transaction so that nothing of it is kept."""


class _Rolled:
    """The store of the bot in a cell: what is done before, the bot's own work, a look at it, and all of it undone."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.before: Callable[[Tx], None] = lambda tx: None
        self.after: Callable[[Tx], None] = lambda tx: None

    async def transact(self, work: Callable[[Tx], T]) -> T:
        found: list[T] = []

        def whole(tx: Tx) -> None:
            self.before(tx)
            found.append(work(tx))
            self.after(tx)
            raise _Undo

        with suppress(_Undo):
            await self.store.transact(whole)
        return found[0]

    def __getattr__(self, name: str) -> Any:  # bells: nothing rings
        return getattr(self.store, name)


class House:
    """The bot over a store that forgets, with @acme's team in it."""

    def __init__(self, scene: Scene, acme: Account) -> None:
        self.scene, self.acme = scene, acme
        self.owner = ASKERS["owner"]
        self.rolled = _Rolled(scene.store)
        self.bot: Bot = scene.bot
        self.bot._store = cast(Database, self.rolled)
        for who in ASKERS.values():
            scene.network.privacies[DM, who] = Privacy.PRIVATE
            scene.network.admins |= {(ROOM, who)}

    @classmethod
    async def build(cls, scene: Scene) -> "House":
        """Two accounts, and everybody's roles on @acme."""

        def work(tx: Tx) -> Account:
            acme, other = tx.accounts.put("x", "1001", "acme"), tx.accounts.put("x", "1002", "other")
            for name, role in zip(ASKERS, Role, strict=False):
                tx.accounts.grant(acme.id, ASKERS[name], role, NOW)
            for role, who in OTHERS.items():
                tx.accounts.grant(acme.id, who, role, NOW)
            tx.accounts.grant(other.id, ASKERS["other team"], Role.OWNER, NOW)
            tx.shares.gather(ROOM, [*ASKERS.values(), *OTHERS.values()], closed=True)
            return acme

        house = scene.bot._house
        scene.bot._house = replace(house, admins=frozenset({ASKERS["operator"]}))
        return cls(scene, await scene.store.transact(work))

    async def outcome(self, situation: Situation, rules: Rules, who: Identity) -> str:
        """What comes of it, a line each; the asker is called ME."""
        seen: list[_Look] = []

        def before(tx: Tx) -> None:
            if not rules.late:
                self._rule(tx, rules)
            self._make(tx, situation, who)
            if rules.late:
                self._rule(tx, rules)
            seen.append(_Look(tx, self.acme, who))

        self.rolled.before, self.rolled.after = before, lambda tx: seen.append(_Look(tx, self.acme, who))
        room = DM if situation.direct else ROOM
        media = () if situation.row else situation.media
        event: Event = Message(
            "$asked", room, who, situation.said, NOW, situation.direct, reply_to=situation.reply_to, media=media
        )
        if situation.does is not None:
            event = situation.does(who, NOW)
        await self.bot.deliver([event])
        return "\n".join(seen[0].changes(seen[1], room)).replace(who.name, "ME")

    def _rule(self, tx: Tx, rules: Rules) -> None:
        tx.policies.put(self.acme.id, replace(Policy(), **rules.policy))
        if rules.frozen:
            tx.accounts.save(replace(self.acme, frozen=str(OTHERS[Role.APPROVER])))

    # ------------------------------------------------------------ what is there before

    def hear(self, tx: Tx, event: Event) -> None:
        """Have the bot decide about it, within the transaction."""
        hearing.decide(tx, hearing.listen(event, self.bot._house), self.bot._house, NOW, set())

    def _make(self, tx: Tx, situation: Situation, who: Identity) -> None:
        if situation.row is PostState.DRAFT:
            author = who if situation.own else OTHERS[Role.CONTRIBUTOR]
            self._as_member(tx, author, lambda: self._draft(tx, author, situation))
        elif situation.row is not None:
            self._row(tx, who if situation.own else OTHERS[Role.POSTER], situation)
        if situation.make is not None:
            situation.make(self, tx, who)

    def _as_member(self, tx: Tx, author: Identity, work: Callable[[], None]) -> None:
        """Who has no role had one when they wrote it."""
        stranger = tx.accounts.role(self.acme.id, author) is None
        if stranger:
            tx.accounts.grant(self.acme.id, author, Role.CONTRIBUTOR, NOW)
        work()
        if stranger:
            tx.accounts.revoke(self.acme.id, author)

    def _draft(self, tx: Tx, author: Identity, situation: Situation) -> None:
        self.hear(tx, Message(COMMAND, ROOM, author, f"!draft@acme {situation.text}", NOW, media=situation.media))
        self.say_all(tx, PREVIEW)

    def _row(self, tx: Tx, author: Identity, situation: Situation) -> None:
        state = cast(PostState, situation.row)
        late = NOW + 3600.0 if state is PostState.SCHEDULED else None
        root: Post | None = None
        question = tx.answers.ask(author, ROOM) if state is PostState.HELD else None
        for number in range(1, situation.parts + 1):
            post = tx.posts.add(
                Action.POST, self.acme.id, author, ROOM, COMMAND, None, Draft(situation.text, media=situation.media),
                state=state, now=NOW, fresh_at=NOW, due_at=late or NOW, cost=15_000,
                question_id=question.id if question else None,
            )  # fmt: skip
            root = root or post
            if situation.parts > 1:
                post = replace(post, thread_root=root.id, part=number)
                if number == 1:  # of a thread that stopped
                    post = replace(post, state=PostState.POSTED, question_id=None)
            if late is not None or situation.parts > 1:
                tx.posts.extend(replace(post, scheduled_for=late))
            if post.state is PostState.POSTED:
                post = replace(post, remote_id=OUT_ID, claimed_at=NOW)
            tx.posts.save(post)
        if question is not None:
            tx.answers.add(ROOM, Speech.TEXT, "Shall I?", question_id=question.id)
            self.say_all(tx, QUESTION)

    def say_all(self, tx: Tx, event_id: str) -> None:
        """What the speaker does: everything was said, the text in the room by that event."""
        while batches := tx.answers.claim(NOW + 10.0, (), 1000):
            for key, batch in batches:
                text = batch[0].speech is Speech.TEXT and batch[0].room == ROOM
                tx.answers.sent(key, event_id if text else f"$said-{key}", NOW)


class _Look:
    """Everything that can come of a command, as it is at one moment."""

    def __init__(self, tx: Tx, acme: Account, who: Identity) -> None:
        self.who = who
        self.answers = {a.id: a for a in cast(SqlAnswers, tx.answers)._all("1 = 1 ORDER BY id")}
        self.posts = {p.id: p for p in cast(SqlPosts, tx.posts)._all("1 = 1 ORDER BY id")}
        self.deeds = {deed.id: deed for deed in tx.log.tail(50)}
        self.told = {notice.id: notice for notice in notices(tx)}
        link = tx.links.pending(who)
        account = tx.accounts.get(acme.id)
        self.facts: dict[str, str] = {
            "frozen": account.frozen if account else "",
            "premium": str(account.premium) if account else "",
            "link": link.state.value if link else "none",
            "own default": str(tx.accounts.default(who)),
            "room's default": str(tx.accounts.default(ROOM)),
            "zone": tx.people.zone(who),
        }
        self.facts |= {key: str(value) for key, value in asdict(tx.policies.of(acme.id)).items()}
        self.facts |= {f"role of {one.name}": role.value for one, role in tx.accounts.people(acme.id)}
        self.facts |= {f"role of {room.id}": role.value for room, role in tx.shares.rooms(acme.id)}
        self.facts |= {f"offer to {o.to.name}": o.role.value for o in tx.shares.open_offers(account_id=acme.id)}
        self.facts |= {f"recovery by {r.who.name}": "runs" for r in tx.shares.recoveries(acme.id)}

    def changes(self, after: "_Look", room: Room) -> list[str]:
        lines: list[str] = []
        new = [answer for number, answer in after.answers.items() if number not in self.answers]
        for answer in new:
            lines += _said(answer, after, room)
        lines += [f"in private to {n.to.name}: {n.words}" for key, n in after.told.items() if key not in self.told]
        gone = [self.answers[number] for number in self.answers if number not in after.answers]
        lines += [f"not said any more: {answer.body}" for answer in gone]
        for post in after.posts.values():
            lines += _moved(self.posts.get(post.id), post)
        lines += [
            f"log: {_actor(deed, self.who)} {deed.verb} {deed.detail} -> {deed.outcome}"
            for key, deed in after.deeds.items()
            if key not in self.deeds
        ]
        for name in dict.fromkeys((*self.facts, *after.facts)):
            was, now = self.facts.get(name, "none"), after.facts.get(name, "none")
            if was != now:
                lines.append(f"{name}: {was} -> {now}")
        return lines or ["nothing"]


def _actor(deed: Deed, who: Identity) -> str:
    return "the bot" if deed.actor is None else "ME" if deed.actor == who else deed.actor.name


def _said(answer: Answer, look: _Look, room: Room) -> list[str]:
    where = "" if answer.room == room else f" in {answer.room.id}"
    whom = "" if answer.mention in (look.who, None) else f" to {answer.mention.name}" if answer.mention else ""
    match answer.speech:
        case Speech.REACTION:
            return [f"{answer.body}{' on the command' if answer.target == COMMAND else ''}{where}"]
        case Speech.REDACTION:
            return [f"removes {answer.target or 'its own sign'}{where}"]
        case Speech.EDIT:
            before = look.answers.get(answer.target_answer or 0)
            old = before.body.splitlines() if before else []
            added = [line for line in answer.body.splitlines() if line not in old]
            return [f"the preview{where} says now:", *(f"  | {line}" for line in added)]
        case Speech.MEDIA:
            return [f"shows {answer.body}{where}"]
        case Speech.TEXT:
            return [*([f"says{where}{whom}:"] if where or whom else []), *(f"| {x}" for x in answer.body.splitlines())]


def _moved(was: Post | None, now: Post) -> list[str]:
    reason = f" ({now.reason})" if now.reason and (was is None or was.reason != now.reason) else ""
    if was is None:
        what = now.action.value if now.undoes is None else f"{now.action.value} of k{now.undoes}"
        return [f"{now.label}: new {what}, {now.state.value}{reason}"]
    lines = [] if was.state is now.state else [f"{now.label}: {was.state.value} -> {now.state.value}{reason}"]
    if was.draft != now.draft:
        lines.append(f"{now.label} holds now: {now.draft.text}")
    return lines
