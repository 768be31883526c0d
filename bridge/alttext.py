"""Which pictures of a post lack an alt text, which words of its text look like one, and what an account's policy makes
of that. Pure. Shared by whoever queues posts and whoever sends them.

It knows drafts and policies, and neither verbs nor rows.
"""

import re
from collections.abc import Sequence

from bridge.model import Draft, Policy

_LACKS = " no alt text."
NEVER_WITHOUT = "The account's policy is to post none without."
WITHIN = "“alt:” stands within its text, so what follows is no alt text, but words of the post."
_PICTURELESS = "A line of it begins with “alt:”, and it has no picture: these would be words of the post."
_SENTENCE = re.compile(
    rf" ?(?:(?:The picture|Picture \d+|Pictures [\d, ]+and \d+) (?:has|have){re.escape(_LACKS)}"
    rf"(?: {re.escape(NEVER_WITHOUT)})?|{re.escape(WITHIN)}|{re.escape(_PICTURELESS)})"
)
_SAID = re.compile(r"(?:\A|\s)alt(?:[- ]?text)?:(?=\s*\S)", re.IGNORECASE)
LINE = re.compile(r"(?:\A|\r?\n)[ \t]{0,8}alt:[ \t]*", re.IGNORECASE)
"""Where an alt text begins in a caption: at the beginning of a line."""


def missing(drafts: Sequence[Draft]) -> str:
    """The sentence about the pictures of a post (of all its parts) that have no alt text; empty when each has one. A
    video has none anywhere.
    """
    described = [bool(one.alt) for draft in drafts for one in draft.media if not one.mime.startswith("video/")]
    lacking = [str(place) for place, has in enumerate(described, 1) if not has]
    if not lacking:
        return ""
    if len(described) == 1:
        return f"The picture has{_LACKS}"
    if len(lacking) == 1:
        return f"Picture {lacking[0]} has{_LACKS}"
    return f"Pictures {', '.join(lacking[:-1])} and {lacking[-1]} have{_LACKS}"


def forbidden(policy: Policy, drafts: Sequence[Draft]) -> bool:
    """Whether the drafts cannot go out as they are."""
    return policy.alt == "require" and bool(missing(drafts))


def split(text: str) -> tuple[str, list[str]]:
    """The text before its first ``alt:``, wherever that stands, and what follows each one: nothing, where none is."""
    text, *alts = _SAID.split(text)
    return text.rstrip() if alts else text, [alt.strip() for alt in alts]


def misplaced(drafts: Sequence[Draft]) -> str:
    """The sentence about an ``alt:`` in any part that would go out as words of the post; empty when none would."""
    if any(draft.media for draft in drafts):
        return WITHIN if any(_SAID.search(draft.text) for draft in drafts) else ""
    return _PICTURELESS if any(LINE.search(draft.text) for draft in drafts) else ""


def warned(policy: Policy, drafts: Sequence[Draft]) -> str:
    """What the policy wants to be asked before the drafts go out; empty when nothing is."""
    said = "" if policy.alt == "off" else missing(drafts)
    return f"{said} {NEVER_WITHOUT}" if said and policy.alt == "require" else said


def was_said(warning: str, reason: str) -> bool:
    """Whether ``reason``, for which a post waits, holds the warning; which pictures lack one changes all the time."""
    return warning in reason or (_LACKS in warning and _LACKS in reason)


def is_all(reason: str) -> bool:
    """Whether ``reason``, for which a post waits, is nothing but a lack of alt texts, or such words in the text."""
    return bool(reason) and not _SENTENCE.sub("", reason).strip()


def current(reason: str, drafts: Sequence[Draft]) -> str:
    """``reason``, for which a post waits, with what it says about alt texts made true of its changed ``drafts``."""

    def now(said: re.Match[str]) -> str:
        before = said[0].strip()
        lacks = missing(drafts) if _LACKS in before else ""
        if lacks:
            return f" {lacks} {NEVER_WITHOUT}" if NEVER_WITHOUT in before else f" {lacks}"
        return said[0] if before == misplaced(drafts) else ""

    return _SENTENCE.sub(now, reason).strip()
