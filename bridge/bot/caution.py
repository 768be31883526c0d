"""Says what looks wrong about a text before it is public: a secret, a phone number, words that were out already.

It only warns, in sentences; what follows from a warning is its caller's business, and what a publisher refuses is the
publisher's.
"""

from collections.abc import Container, Sequence

from bridge.bot.words import span
from bridge.interfaces import Tx
from bridge.model import Account, Draft, Identity, Post, PostState
from bridge.telltale import looks_like

RECENT = 30 * 86400.0
"""Seconds that the same text counts as a repetition."""


def _when(post: Post, now: float) -> str:
    if post.state is PostState.POSTED:
        return f"posted it {span(now - post.created_at)} ago ({post.label})"
    return f"has it waiting or on its way ({post.label})"


def repeated(tx: Tx, who: Identity, account: Account, draft: Draft, now: float, *, but: int | None = None) -> list[str]:
    """Sentences about the same text among the account's posts of the last 30 days, and those of the other accounts that
    ``who`` may use, by our own record. ``but``: the row that the draft itself has already, or the first one
    of its thread. Of the other accounts nothing is told: approvers and whole rooms read this, who may not know of them.
    """
    if not draft.text.strip():
        return []
    same = tx.posts.same_text(account.id, who, draft.text, now - RECENT)
    posts = [post for post in same if but is None or but not in (post.id, post.thread_root)]
    said = []
    if (own := next((post for post in posts if post.account_id == account.id), None)) is not None:
        said.append(f"It is the same text as before: {account.at} {_when(own, now)}. X refuses or hides repetitions.")
    if any(post.account_id != account.id for post in posts):
        said.append("It is the same text as from another account. X forbids that.")
    return said


def about(
    tx: Tx, who: Identity, account: Account, drafts: Sequence[Draft], now: float, *, but: int | None = None
) -> list[str]:
    """Everything that ``who`` should read before these drafts (the parts of one post) go out; nothing when all is well.
    Raises nothing. The caller has cleaned the texts. An alt text is as public as the text.
    """
    texts = [text for draft in drafts for text in (draft.text, *(one.alt for one in draft.media))]
    found = dict.fromkeys(what for text in texts for what in looks_like(text))
    said = [f"It looks as if {_listed(list(found))} were in it."] if found else []
    for draft in drafts:
        said += repeated(tx, who, account, draft, now, but=but)
    return list(dict.fromkeys(said))


def command_within(drafts: Sequence[Draft], prefix: str, verbs: Container[str]) -> str:
    """The sentence about a line that is one of our commands, which a message holds one of; empty where there is none.
    ``verbs``: in lower case.
    """
    for line in (line.lstrip() for draft in drafts for line in draft.text.splitlines()):
        verb = line.removeprefix(prefix).partition(" ")[0].partition("@")[0]
        if line.startswith(prefix) and verb.lower() in verbs:
            return f"A line of it begins with {prefix}{verb}. I take one command from a message: it would be posted."
    return ""


def _listed(things: Sequence[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
