"""The rows of the table of rights: what is said, about what, and the policies under which it is said. Data only."""

from dataclasses import replace

from bridge.interfaces import Tx
from bridge.model import Edit, Event, Identity, Medium, OfferState, PostState, Reaction, Recovery, Redaction, Role
from tests.fakes.publisher import WEB
from tests.unit.bot_scene import COPY, NOW
from tests.unit.rights_scene import (
    COMMAND,
    NEW,
    OTHERS,
    OUT_ID,
    PREVIEW,
    QUESTION,
    ROOM,
    House,
    Rules,
    Situation,
)

POLICIES: dict[str, Rules] = {
    "as usual": Rules(),
    "approvals_from=everyone": Rules({"approvals_from": "everyone"}),
    "approvals=2": Rules({"approvals": 2}),
    "approve_by=command": Rules({"approve_by": "command"}),
    "frozen": Rules(frozen=True, late=True),
    "budget spent": Rules({"budget": 1}, late=True),
    "links=ask": Rules({"links": "ask"}),
    "links=allow": Rules({"links": "allow"}),
    "hold=20s": Rules({"hold": 20.0}),
    "alt=require": Rules({"alt": "require"}),
}

DRAFT, HELD, QUEUED = PostState.DRAFT, PostState.HELD, PostState.QUEUED
SCHEDULED, POSTED, UNKNOWN = PostState.SCHEDULED, PostState.POSTED, PostState.UNKNOWN


def tick(who: Identity, now: float) -> Event:
    return Reaction("$asked", ROOM, who, PREVIEW, "✅", now)


def cross(who: Identity, now: float) -> Event:
    return Reaction("$asked", ROOM, who, PREVIEW, "❌", now)


def tick_question(who: Identity, now: float) -> Event:
    return Reaction("$asked", ROOM, who, QUESTION, "✅", now)


def remove(who: Identity, now: float) -> Event:
    return Redaction("$asked", ROOM, who, COMMAND, now)


def rewrite(who: Identity, now: float) -> Event:
    return Edit("$asked", ROOM, who, COMMAND, "!draft@acme Good evening", now)


def approved(house: House, tx: Tx, asker: Identity) -> None:
    """One approver has said yes."""
    house.hear(tx, Reaction("$tick", ROOM, OTHERS[Role.APPROVER], PREVIEW, "✅", NOW))


def own_approval(house: House, tx: Tx, asker: Identity) -> None:
    """The asker has ticked it, whoever they are."""
    house.hear(tx, Reaction("$tick", ROOM, asker, PREVIEW, "✅", NOW))


def offered(house: House, tx: Tx, asker: Identity) -> None:
    """The asker was asked to be approver."""
    offer = tx.shares.offer(house.acme.id, asker, Role.APPROVER, house.owner, ROOM, COMMAND, None, NOW)
    tx.shares.save_offer(replace(offer, state=OfferState.ASKED))


def proven(house: House, tx: Tx, asker: Identity) -> None:
    """The asker has linked @acme themselves, if they have a role on it."""
    role = tx.accounts.role(house.acme.id, asker)
    if role is not None:
        tx.accounts.grant(house.acme.id, asker, role, NOW, linked=True)


def recovering(house: House, tx: Tx, asker: Identity) -> None:
    """A poster wants to own it."""
    tx.accounts.grant(house.acme.id, OTHERS[Role.POSTER], Role.POSTER, NOW, linked=True)
    tx.shares.recover(Recovery(house.acme.id, OTHERS[Role.POSTER], ROOM, COMMAND, None, NOW + 7 * 86400.0))


def frozen(house: House, tx: Tx, asker: Identity) -> None:
    tx.accounts.save(replace(house.acme, frozen=str(OTHERS[Role.APPROVER])))


def linking(house: House, tx: Tx, asker: Identity) -> None:
    """A link of the asker waits."""
    tx.links.add(asker, "x", ROOM, COMMAND, None, None, NOW)


def shared(house: House, tx: Tx, asker: Identity) -> None:
    """Whoever is in the room contributes."""
    tx.shares.give(house.acme.id, ROOM, Role.CONTRIBUTOR, NOW)


URL = f"{WEB}/acme/status/{OUT_ID}"
CAT = (Medium("mxc://example.org/cat", "image/png", 2048, "cat.png", sha256="a-hash", copies=(COPY,)),)

SITUATIONS: tuple[Situation, ...] = (
    # ------------------------------------------------------------ posting
    Situation("tweet", "!tweet@acme Good morning"),
    Situation("tweet", "!tweet Good morning", "no account named"),
    Situation("tweet", "!tweet@acme See https://example.org", "with a link"),
    Situation("tweet", "!tweet@acme The key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ", "a secret"),
    Situation("tweet", "!tweet@other Good morning", "another team's account"),
    Situation("tweet", "!tweet@nowhere Good morning", "an account that nobody has"),
    Situation("tweet", "!tweet@acme A cat", "with a picture without alt text", media=CAT),
    Situation("tweet", "!tweet@acme A red one alt: A cat", "with a picture, and alt: within the text", media=CAT),
    Situation("draft", "!draft@acme Good morning"),
    Situation("reply", f"!reply@acme {URL} Well said."),
    Situation("retweet", f"!retweet@acme {URL}"),
    Situation("thread", "!thread@acme One\n---\nTwo"),
    Situation("schedule", "!schedule@acme in 2h | Good morning"),
    # ------------------------------------------------------------ what waits
    Situation("queue", "!queue", "a draft of another waits", DRAFT),
    Situation("show", "!show k1", "a draft of another", DRAFT),
    Situation("show", "!show k1", "an own draft", DRAFT, own=True),
    Situation("show", "!show k1", "a post of another that is out", POSTED),
    Situation("show", "!show k9", "there is no such post"),
    Situation("edit", "!edit k1 Good evening", "a draft of another", DRAFT),
    Situation("edit", "!edit k1 Good evening", "an own draft", DRAFT, own=True),
    Situation("edit", "!edit k1 Good evening", "a post of another that waits for its time", SCHEDULED),
    Situation("edit", "!edit k1 Good evening", "an own post that waits for its time", SCHEDULED, own=True),
    Situation("edit", "!edit k1 Good evening", "an own post that is out", POSTED, own=True),
    Situation("edit", "edits the command", "an own draft", DRAFT, own=True, does=rewrite),
    Situation("edit", "edits the command", "a draft of another", DRAFT, does=rewrite),
    Situation("alt", "!alt k1 A cat", "a draft of another with a picture", DRAFT, media=CAT),
    Situation("alt", "!alt k1 A cat", "an own draft with a picture", DRAFT, own=True, media=CAT),
    Situation("alt", "!alt A cat", "in reply to the preview of another's", DRAFT, media=CAT, reply_to=PREVIEW),
    Situation("alt", "!alt k1", "an own post, whose text does not hold it either", HELD, own=True, media=CAT),
    # ------------------------------------------------------------ deciding
    Situation("approve", "!approve k1", "a draft of another", DRAFT),
    Situation("approve", "!approve k1", "a draft of another, with one approval", DRAFT, make=approved),
    Situation("approve", "!approve", "in reply to the preview of a draft of another", DRAFT, reply_to=PREVIEW),
    Situation("approve", "!approve k1", "an own draft", DRAFT, own=True),
    Situation("approve", "!approve k1", "a post that is out", POSTED),
    Situation("approve", "!approve k9", "there is no such draft"),
    Situation("unapprove", "!unapprove k1", "a draft of another, after their own ✅", DRAFT, make=own_approval),
    Situation("unapprove", "!unapprove k1", "a draft of another, with one approval by another", DRAFT, make=approved),
    Situation("unapprove", "!unapprove k9", "there is no such draft"),
    Situation("approve", "✅ on the preview", "a draft of another", DRAFT, does=tick),
    Situation("approve", "✅ on the preview", "an own draft", DRAFT, own=True, does=tick),
    Situation("reject", "!reject k1 too early", "a draft of another", DRAFT),
    Situation("reject", "!reject k1 too early", "an own draft", DRAFT, own=True),
    Situation("reject", "❌ on the preview", "a draft of another", DRAFT, does=cross),
    Situation("reject", "❌ on the preview", "an own draft", DRAFT, own=True, does=cross),
    # ------------------------------------------------------------ taking back, and words about what waits
    Situation("undo", "!undo", "nothing of theirs"),
    Situation("undo", "!undo", "an own post that is out", POSTED, own=True),
    Situation("undo", "!undo k1", "a post of another that is out", POSTED),
    Situation("undo", f"!undo {URL}", "a post of another that is out", POSTED),
    Situation("undo", "!undo k1", "a post of another that waits", QUEUED),
    Situation("undo", "!undo k1", "a draft of another", DRAFT),
    Situation("undo", "!undo k1", "an own draft", DRAFT, own=True),
    Situation("undo", "removes the command", "of an own post that is out", POSTED, own=True, does=remove),
    Situation("undo", "removes the command", "of a post of another that is out", POSTED, does=remove),
    Situation("undo", "removes the command", "of a draft of another", DRAFT, does=remove),
    Situation("send", "!send k1", "an own post that was asked about", HELD, own=True),
    Situation("send", "!send k1", "a post of another that was asked about", HELD),
    Situation("send", "!send q1", "the question about that of another", HELD),
    Situation("send", "✅ on the question", "about a post of another", HELD, does=tick_question),
    Situation("send", "✅ on the question", "about an own post", HELD, own=True, does=tick_question),
    Situation("send", "!send k1", "an own draft", DRAFT, own=True),
    Situation("send", "!send k1", "a draft of another", DRAFT),
    Situation("send", "!send q1", "the rest of a thread of another", HELD, parts=3),
    Situation("send", "!send k2", "the rest of a thread of another", HELD, parts=3),
    Situation("send", "!send k1", "an own post that perhaps went out", UNKNOWN, own=True),
    Situation("drop", "!drop k1", "an own draft", DRAFT, own=True),
    Situation("drop", "!drop k1", "a draft of another", DRAFT),
    Situation("drop", "!drop k1", "a post of another that waits for its time", SCHEDULED),
    Situation("drop", "!drop k1", "a post of another that was asked about", HELD),
    Situation("drop", "!drop k1", "an own post that was asked about", HELD, own=True),
    # ------------------------------------------------------------ linking
    Situation("link", "!link", "in private", direct=True),
    Situation("pin", "!pin 1234567", "in private; no link waits", direct=True),
    Situation("cancel", "!cancel", "in private", direct=True, make=linking),
    Situation("unlink", "!unlink @acme", "in private", direct=True),
    Situation("unlink", "!unlink @acme all", "in private, for all", direct=True),
    # ------------------------------------------------------------ accounts
    Situation("accounts", "!accounts"),
    Situation("whoami", "!whoami"),
    Situation("use", "!use @acme"),
    Situation("use", "!use @acme room"),
    Situation("use", "!use none room"),
    Situation("timezone", "!timezone Europe/Berlin"),
    Situation("policy", "!policy @acme"),
    Situation("policy", "!policy @acme hold=5s"),
    Situation("policy", "!policy @acme approvals=1", "a draft with one approval waits", DRAFT, make=approved),
    Situation("policy", "!policy @acme room=here"),
    Situation("freeze", "!freeze @acme", "a draft of another waits", DRAFT),
    Situation("unfreeze", "!unfreeze @acme", make=frozen),
    Situation("log", "!log @acme", "a draft of another was made", DRAFT),
    Situation("log", "!log", "a draft of another was made", DRAFT),
    Situation("who", "!who k1", "a draft of another", DRAFT),
    Situation("who", "!who", "in reply to the preview of a draft of another", DRAFT, reply_to=PREVIEW),
    Situation("who", "!who", "in reply to the command of another's post that is out", POSTED, reply_to=COMMAND),
    Situation("who", f"!who {URL}", "a post of another that is out", POSTED),
    # ------------------------------------------------------------ the team
    Situation("share", f"!share @acme {NEW.name} owner"),
    Situation("share", f"!share @acme {NEW.name} approver"),
    Situation("share", f"!share @acme {NEW.name} poster"),
    Situation("share", f"!share @acme {NEW.name} contributor"),
    Situation("share", "!share @acme room"),
    Situation("share", f"!share @acme {OTHERS[Role.CONTRIBUTOR].name} approver", "a contributor"),
    Situation("unshare", f"!unshare @acme {OTHERS[Role.CONTRIBUTOR].name}", "a contributor"),
    Situation("unshare", f"!unshare @acme {OTHERS[Role.APPROVER].name}", "an approver"),
    Situation("unshare", "!unshare @acme me"),
    Situation("unshare", "!unshare @acme room", make=shared),
    Situation("team", "!team @acme"),
    Situation("accept", "!accept @acme", "offered to be approver, in private", direct=True, make=offered),
    Situation("accept", "!accept @acme", "not offered, in private", direct=True),
    Situation("decline", "!decline @acme", "offered to be approver, in private", direct=True, make=offered),
    Situation("recover", "!recover @acme", "linked it, if they have a role on it", make=proven),
    Situation("recover", "!recover @acme", "has not linked it"),
    Situation("object", "!object @acme", "a poster recovers it", make=recovering),
    # ------------------------------------------------------------ how things stand
    Situation("status", "!status", "an own post waits for a word", HELD, own=True),
    Situation("cost", "!cost"),
    Situation("help", "!help"),
    Situation("help", "!help policy"),
    Situation("help", "!help sharing"),
    Situation("help", "!twet Good morning", "a slip"),
    Situation("help", "!frezee @acme", "a slip"),
    Situation("resume", "!resume"),
)
