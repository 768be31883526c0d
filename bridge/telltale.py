"""Tells what a text seems to hold that should not be public: a key, a token, a password, a phone number.

It names the kind of what it found and never repeats it. Linear in the text's length: every repetition is bounded or
possessive, since anybody may send anything. What follows from it is the caller's business.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from bridge import text as reading
from bridge.model import Draft

_LONGEST = 50_000
"""Code points that are looked at; no publisher takes more."""
_PHONE_NUMBER = "a phone number"
_NEAR = 1000
"""Code points that the first words can be of."""
HIDDEN = "(words that look like a secret)"


@dataclass(frozen=True, slots=True)
class _Sign:
    what: str
    pattern: re.Pattern[str]


_EDGE, _END = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"

_SIGNS = (
    _Sign(
        "a private key",
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1"),
    ),
    _Sign(
        "an access token",
        re.compile(
            _EDGE + r"(?:"
            r"(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS
            r"|gh[opusr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255}|glpat-[A-Za-z0-9_-]{20,64}"
            r"|xox[abeprs]-[A-Za-z0-9-]{10,250}"  # Slack
            r"|sk-[A-Za-z0-9_-]{0,40}[A-Za-z0-9]{20,250}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}"  # Stripe and others
            r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,500}"  # Google
            r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,500}|hf_[A-Za-z0-9]{30,60}|dop_v1_[a-f0-9]{64}"
            r"|syt_[A-Za-z0-9_-]{8,250}|mct_[A-Za-z0-9_]{16,250}"  # Matrix
            r"|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"  # SendGrid
            r"|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{0,2000}"  # RFC 7519
            r"|[0-9]{5,20}-[A-Za-z0-9]{40}"  # X: user id and token
            r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"  # Telegram
            r")" + _END
            + r"|hooks\.slack\.com/services/T[A-Z0-9]{6,16}/|discord(?:app)?\.com/api/webhooks/[0-9]{15,22}/"
            r"|(?i:\bbearer[ ]+(?=[A-Za-z0-9._~+/-]{0,200}[0-9])[A-Za-z0-9._~+/-]{20,2000})"
        ),
    ),
    _Sign("a password in an address", re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/@:]{1,64}:[^\s/@]{1,128}@[^\s/]")),
)  # fmt: skip

_NAMED = re.compile(
    r"(?<![A-Za-z])(?P<name>pass(?:word|wd|phrase|code)|pwd|secret|token|api[ _-]?key|"
    r"(?:access|auth|client|consumer)[ _-]?(?:key|secret|token)|"
    r"пароль|passwort|kennwort|mot de passe|contraseña|salasana)"
    r"(?P<link>[\"'”’]?[ \t]{0,4}(?:[:=]|=>|:=|\bis\b|\bist\b)[ \t]{0,4})[\"'“‘`]?(?P<value>[^\s\"'”’`]{4,200})",
    re.IGNORECASE,
)
_LETTER, _DIGIT, _MARK = re.compile(r"[^\W\d_]"), re.compile(r"\d"), re.compile(r"[^\w\s.,;:!?…)(\[\]/’'-]")

_RUN = re.compile(r"(?<![A-Za-z0-9+/=#$@_.-])[A-Za-z0-9+/]{40,400}={0,2}(?![A-Za-z0-9+/=_.-])")

_PHONE = re.compile(
    r"(?<![\w+.,/-])(?<![0-9] )(?:"
    r"\+[1-9](?:[ .()/-]{0,2}[0-9]){8,14}"  # E.164, as people space it
    r"|\(?[2-9][0-9]{2}\)?[ .-][2-9][0-9]{2}[ .-][0-9]{4}"  # North America
    r"|0[67](?:[ .-][0-9]{2}){4}|0[1-9][0-9]{1,3}[ /-][0-9]{3,4}[ -]?[0-9]{3,5}"  # within a country
    r")(?![\w-]|[ .,][0-9])"
)
_CALL = re.compile(
    r"\b(?:tel|phone|call|text|whatsapp|mobile|cell|handy|ring)\b[.:]?(?: (?:me|us|at|on|number|is)){0,3}:?[ ]?"
    r"\+?[0-9](?:[ .()-]?[0-9]){6,14}(?!\w|[.,:%]?[0-9])",
    re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)?[0-9]{2}\b")


def looks_like(text: str) -> list[str]:
    """What the text seems to hold that should perhaps not be public: ``a private key``, ``a phone number``."""
    return list(_looks_like(text[:_LONGEST]))


@lru_cache(maxsize=8)  # a post is looked at when it is queued, and again for its first words when it is out
def _looks_like(text: str) -> list[str]:
    found = [sign.what for sign in _SIGNS if sign.pattern.search(text) is not None]
    if any(_is_value(match) for match in _NAMED.finditer(text)):
        found.append("a password")
    if not found and _has_random_run(text):
        found.append("a key or a token")
    if _has_phone(text):
        found.append(_PHONE_NUMBER)
    return found


def _is_value(match: re.Match[str]) -> bool:
    """Whether what follows ``password:`` is one, and not the next word of a sentence."""
    value = match["value"].rstrip(".,;:!?)…")
    digits, letters = _DIGIT.search(value) is not None, _LETTER.search(value) is not None
    marks = _MARK.search(value) is not None
    if len(value) < 6 or reading.links(value):
        return False
    if "=" in match["link"]:
        return digits or marks or match["name"].lower().startswith(("pass", "pwd"))
    plain = value.rstrip("snrtdh’'").isdecimal()  # 2024's, 1990s, 100th
    return letters and not plain and (digits or marks) and not value.startswith(("#", "@", "$", "&", "*", "“"))


def _has_random_run(text: str) -> bool:
    """A long run of letters of both cases and digits, outside of addresses, that no word looks like."""
    links = reading.links(text)
    for match in _RUN.finditer(text):
        run = match[0]
        body = run.rstrip("=")
        if len(body) < 45 and body == run and not set(body) & set("+/0OIl"):
            continue  # in base58, as addresses of coins are, which are made to be shown
        mixed = min(sum(map(str.isdigit, body)), sum(map(str.isupper, body)), sum(map(str.islower, body))) >= 4
        if mixed and len(set(body)) >= 16 and not any(link.start <= match.start() < link.end for link in links):
            return True
    return False


def _has_phone(text: str) -> bool:
    if _CALL.search(text) is not None:
        return True
    return any(_DATE.match(match[0]) is None for match in _PHONE.finditer(text))


# ---------------------------------------------------------------- quoting


def holds_secret(text: str) -> bool:
    """Whether the text seems to hold what the bot must not say again or write down. A phone number is no secret."""
    return any(what != _PHONE_NUMBER for what in looks_like(text))


def first_words(text: str, most: int = 60) -> str:
    """As ``text.first_words``, but of a text that seems to hold a secret nothing is said again."""
    return HIDDEN if holds_secret(text[:_NEAR]) else reading.first_words(text, most)


def pictures(draft: Draft) -> str:
    """The pictures of a draft, for a sentence: ``the picture “cat.jpg”``, ``2 pictures (“cat.jpg”, “dog.jpg”)``; empty
    where there are none. Their senders chose the names.
    """
    names = [f"“{first_words(one.name, 30) or 'without a name'}”" for one in draft.media]
    if len(names) < 2:
        kind = "video" if any(one.mime.startswith("video/") for one in draft.media) else "picture"
        return f"the {kind} {names[0]}" if names else ""
    return f"{len(names)} pictures ({', '.join(names)})"
