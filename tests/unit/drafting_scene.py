"""People with every role, and previews that were said: what the tests of drafts share."""

from dataclasses import replace

from bridge.interfaces import Tx
from bridge.model import Account, Answer, Identity, Policy, Post, Preview, Role, Room, Speech
from tests.unit.bot_scene import ANA, BEN, NOW, Scene

OWEN = Identity("matrix", "@owen:example.org")
"""Owner."""
ADA = Identity("matrix", "@ada:example.org")
"""Approver, as BEN is."""
POLLY = Identity("matrix", "@polly:example.org")
"""Poster."""
NED = Identity("matrix", "@ned:example.org")
"""Nobody."""
DESK = Room("matrix", "!desk")
"""An approval room."""
PEOPLE = {"owner": OWEN, "approver": ADA, "poster": POLLY, "contributor": ANA, "nobody": NED}
CHANGED = "k1 was changed since, so nothing was done. It is k1.{0} now; !show k1 shows it. Then: !{1} k1.{0}"
"""What an approver hears whose reaction was on an old preview."""
URL = "https://x.example/acme/status/1234567890123456789"


async def team(scene: Scene, handle: str = "acme", /, **policy: object) -> Account:
    """@acme with an owner, two approvers, a poster, and ANA, who contributes; its policy has those keys."""
    account = await scene.account(handle, ana=Role.CONTRIBUTOR, ben=Role.APPROVER)

    def work(tx: Tx) -> None:
        for who, role in ((OWEN, Role.OWNER), (ADA, Role.APPROVER), (POLLY, Role.POSTER)):
            tx.accounts.grant(account.id, who, role, NOW)
        tx.policies.put(account.id, replace(Policy(), **policy))  # type: ignore[arg-type]  # a table of fields

    await scene.store.transact(work)
    return account


async def set_policy(scene: Scene, account: Account, **policy: object) -> None:
    """Change keys of its policy."""

    def work(tx: Tx) -> None:
        now = tx.policies.of(account.id)
        tx.policies.put(account.id, replace(now, **policy))  # type: ignore[arg-type]  # a table of fields

    await scene.store.transact(work)


async def grant(scene: Scene, account: Account, who: Identity, role: Role | None) -> None:
    """Give that person this role, or none."""

    def work(tx: Tx) -> None:
        tx.accounts.revoke(account.id, who)
        if role is not None:
            tx.accounts.grant(account.id, who, role, NOW)

    await scene.store.transact(work)


async def speak(scene: Scene) -> None:
    """What the speaker would do: everything that waits has been said now, each batch by an event of its own."""

    def work(tx: Tx) -> bool:
        batches = tx.answers.claim(scene.now + 10.0, (), 1000)
        for key, batch in batches:
            gone = batch[0].speech is not Speech.TEXT and batch[0].target is None
            if gone:
                tx.answers.give_up(key, scene.now)
            else:
                tx.answers.sent(key, f"$said-{key}", scene.now)
        return bool(batches)

    while await scene.store.transact(work):
        pass


async def previews(scene: Scene, post: Post) -> list[tuple[Preview, str]]:
    """Its previews, each with the event that it was said by."""
    await speak(scene)

    def work(tx: Tx) -> list[Preview]:
        return tx.decisions.previews(post.id)

    events = {answer.id: answer.event_id for answer in await scene.answers()}
    return [(preview, events[preview.answer_id] or "") for preview in await scene.store.transact(work)]


async def shown(scene: Scene, post: Post, version: int = 1, room: Room | None = None) -> str:
    """The event of the preview of that version (in that room)."""
    found = [
        event
        for preview, event in await previews(scene, post)
        if preview.version == version and preview.room == (room or post.room)
    ]
    assert found, f"no preview of version {version}"
    return found[-1]


async def now_says(scene: Scene, event_id: str) -> str:
    """What that message of the bot says after all edits."""
    await speak(scene)
    answers: list[Answer] = await scene.answers()
    first = next(a for a in answers if a.event_id == event_id and a.speech is Speech.TEXT)
    edits = [a.body for a in answers if a.speech is Speech.EDIT and a.target_answer == first.id and a.event_id]
    return edits[-1] if edits else first.body


async def drafted(scene: Scene, text: str = "hello", who: Identity = ANA, room: Room | None = None) -> tuple[Post, str]:
    """A draft of that person, and its preview's event."""
    await scene.say(who, f"!draft@acme {text}", room)
    post = await scene.post()
    event = await shown(scene, post)
    await scene.heard()
    return post, event


__all__ = [
    "ADA", "ANA", "BEN", "DESK", "NED", "OWEN", "PEOPLE", "POLLY", "URL", "drafted", "grant", "now_says", "previews",
    "set_policy", "shown", "speak", "team",
]  # fmt: skip
