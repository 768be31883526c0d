"""What X's refusals mean: from a status, headers and a body to one of our errors, in words for the person who posted.

It knows the bodies of X's second and first API (problem objects; ``{"errors": [{"code"}]}``) and nothing of sending.
X's own words are matched, since its statuses are loose, and quoted only where nothing better is known; whatever in them
looks like a token is cut out. The addresses of problem types exist with several hosts: their last part counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import OperatorMustAct, OutcomeUnknown, OutOfCredit, PublishError, Rejected, Throttled
from bridge.publish.x.wire import Reply
from bridge.text import first_words

_LIMITS = ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
_REST_UNTOLD = 60.0
"""Seconds to wait when X says "too many" without saying until when."""
_LONGEST_REST = 86_400.0 + 3_600.0
_SECRET_LIKE = re.compile(r"[A-Za-z0-9_%+/=-]{20,}|\b\d{7}\b")


@dataclass(frozen=True, slots=True)
class Problem:
    """The words of a refusal. ``kind``: the last part of its type. ``said``: all its sentences, in lower case."""

    title: str
    kind: str
    reason: str
    detail: str
    codes: frozenset[int]
    said: str


def problem(reply: Reply) -> Problem:
    """Read a refusal in whichever of X's two shapes; everything empty when it has none."""
    body = reply.json()
    listed = body.get("errors")
    errors = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    detail = _word(body, "detail")
    messages = [_word(entry, "message") or _word(entry, "detail") for entry in errors]
    return Problem(
        title=_word(body, "title"),
        kind=_word(body, "type").rstrip("/").rpartition("/")[2],
        reason=_word(body, "reason"),
        detail=next((message for message in messages if message), detail) if _is_general(detail) else detail,
        codes=frozenset(code for entry in errors if isinstance(code := entry.get("code"), int)),
        said=" ".join([_word(body, "title"), detail, *messages]).lower(),
    )


def _word(value: Mapping[str, Any], name: str) -> str:
    word = value.get(name)
    return word[:2000] if isinstance(word, str) else ""


def _is_general(detail: str) -> bool:
    return not detail or detail.startswith("One or more parameters")


def rest(reply: Reply, now: float, ahead: float) -> float | None:
    """Until when (our clock) the account may not do this again, when the headers say that nothing is left.

    ``ahead``: how many seconds X's clock is ahead of ours, where the reply itself does not tell.
    """
    resets = [
        _number(reply.headers.get(f"{name}-reset"))
        for name in _LIMITS
        if (reply.headers.get(f"{name}-remaining") or "").strip() == "0"
    ]
    told = [reset for reset in resets if reset is not None]
    if not told:
        return None
    at_x = reply.date() or now + ahead
    return now + min(max(max(told) - at_x, 1.0), _LONGEST_REST)


def _number(value: str | None) -> float | None:
    value = (value or "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) <= 12 else None


def is_unauthorized(reply: Reply) -> bool:
    """Whether X did not accept the signature: a dead token, a dead consumer key, or a wrong clock."""
    return reply.status == 401 or (reply.status == 400 and 215 in problem(reply).codes)


def refusal(reply: Reply, now: float, ahead: float) -> PublishError:
    """The error for a reply that is no success and no 401. ``now`` and ``ahead`` as in ``rest``."""
    status = reply.status
    if not 400 <= status < 500:
        return OutcomeUnknown(f"X answered with status {status}, which does not tell whether it did what was asked.")
    said = problem(reply)
    if status == 402 or "creditsdepleted" in said.title.lower():
        return OutOfCredit(
            "The bot's prepaid credit at X is used up. Nothing was posted. Its operator must add credit."
        )
    if said.title.lower() == "usagecapexceeded" or said.kind == "usage-capped":
        return OutOfCredit("The bot's cap at X is used up. Nothing was posted. Its operator must raise the cap.")
    if status == 429:
        until = rest(reply, now, ahead) or now + _REST_UNTOLD
        return Throttled("X asks to wait: this account or the bot has done too much for now.", retry_at=until)
    if status in (408, 425):
        return Throttled("X did not take the request and asks to send it again.", retry_at=now + _REST_UNTOLD)
    return _of_the_operator(said) or _of_the_post(said, status)


def dead_key(reply: Reply) -> OperatorMustAct:
    """What it means that X refused the app itself, with no account in play."""
    return _of_the_operator(problem(reply)) or OperatorMustAct(
        "X does not take this bot's own key any more. Nothing was posted. The bot's operator must look at the app at X"
        " and set its consumer key and secret anew."
    )


def _of_the_operator(said: Problem) -> OperatorMustAct | None:
    words = said.said
    if "app permissions" in words or said.kind == "oauth1-permissions" or 261 in said.codes:
        return OperatorMustAct(
            "X lets this bot's app read but not post. Nothing was posted. The bot's operator must set the app to"
            " 'Read and write' at X; then everybody links their account anew."
        )
    if said.reason == "client-not-enrolled" or said.kind == "client-forbidden":
        return OperatorMustAct(
            "X does not let this bot's app use its API: the app's project is not enrolled. Nothing was posted."
            " The bot's operator must attach the app to a project with access at X."
        )
    if 416 in said.codes or "suspended application" in words:
        return OperatorMustAct("X has suspended this bot's app. Nothing was posted. Its operator must talk to X.")
    if {415, 417} & said.codes:
        return OperatorMustAct(
            "X does not let this bot's app link accounts by PIN. Its operator must register a callback address for the"
            " app at X and allow the PIN flow ('oob')."
        )
    return None


_POST_SENTENCES = (
    ("reply to this conversation", "X lets bots reply only to posts whose author has mentioned or quoted the account."),
    ("tweet that is deleted or not visible", "The post to reply to is deleted, or the account cannot see it."),
    ("text is too long", "X says that the text is too long."),
    ("more than one cashtag", "X allows one cashtag (such as $ABC) in a post."),
    ("quoting", "X does not let bots quote posts on this plan."),
    ("not authorized to delete", "X does not let this account delete that post: it belongs to another account."),
    ("suspended", "X has suspended this account."),
    ("temporarily locked", "X has locked this account. Log in at X with a browser and unlock it."),
    ("automated", "X takes this for an automated message and refused it."),
)


def _of_the_post(said: Problem, status: int) -> Rejected:
    if "duplicate content" in said.said or 187 in said.codes:
        return Rejected("The account has posted this very text already. Change it to post it again.", duplicate=True)
    if status == 404:
        return Rejected("X knows no such post: it is deleted, or the number is wrong.")
    if status == 403 or (status == 400 and "too long" in said.said):
        for words, sentence in _POST_SENTENCES:
            if words in said.said:
                return Rejected(sentence)
    told = quoted(said.detail or said.title)
    return Rejected(f"X refused it (status {status}), saying: “{told}”" if told else f"X refused it (status {status}).")


def quoted(words: str) -> str:
    """X's own words, fit to be shown: one line, short, and nothing in it that could be a token or a PIN."""
    return first_words(_SECRET_LIKE.sub("…", words), 160)
