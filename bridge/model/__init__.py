"""The words of the domain, as frozen data. See docs/glossary.md.

It knows no library, no network and no SQL. All times are Unix seconds (float, UTC). Everything that enters from outside
arrives here as one of these, so that the rest of the house never sees a foreign type.

    chat        who talks, where, and what they say and do there
    accounts    accounts, roles on them, policies, offers
    links       token pairs, and how they come and go
    posts       drafts on their way
    answers     what the bot says and asks, and what approvers decide
    log         who did what

Import all of it from here.
"""

from bridge.model.accounts import Account, Offer, OfferState, Policy, Recovery, Role
from bridge.model.answers import Answer, Decision, Outgoing, Preview, Question, Speech, Verdict
from bridge.model.chat import (
    Edit,
    Event,
    Gathering,
    Health,
    Identity,
    Medium,
    Message,
    Reaction,
    Redaction,
    Room,
    RoomLost,
    RoomMoved,
    RoomName,
    Unreadable,
)
from bridge.model.links import Credentials, Linked, LinkStart, LinkState, PendingLink, Revocation, Sealed, SealedValue
from bridge.model.log import START, Checked, Deed
from bridge.model.posts import Action, Draft, Post, PostState, Receipt, label, unlabel

__all__ = [
    "START",
    "Account",
    "Action",
    "Answer",
    "Checked",
    "Credentials",
    "Decision",
    "Deed",
    "Draft",
    "Edit",
    "Event",
    "Gathering",
    "Health",
    "Identity",
    "LinkStart",
    "LinkState",
    "Linked",
    "Medium",
    "Message",
    "Offer",
    "OfferState",
    "Outgoing",
    "PendingLink",
    "Policy",
    "Post",
    "PostState",
    "Preview",
    "Question",
    "Reaction",
    "Receipt",
    "Recovery",
    "Redaction",
    "Revocation",
    "Role",
    "Room",
    "RoomLost",
    "RoomMoved",
    "RoomName",
    "Sealed",
    "SealedValue",
    "Speech",
    "Unreadable",
    "Verdict",
    "label",
    "unlabel",
]
