"""Says what looks wrong about a text before it is public: a secret, a phone number, words that were out already.

It only warns, in sentences; what follows from a warning is its caller's business, and what a publisher refuses is the
publisher's. It names the kind of what it found and never repeats it. Linear in the text's length: every repetition is
bounded or possessive, since anybody may send anything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge import text as reading
from bridge.bot.words import span
from bridge.interfaces import Tx
from bridge.model import Account, Draft, Identity, Post, PostState

RECENT = 30 * 86400.0
"""Seconds that the same text counts as a repetition."""
_LONGEST = 50_000
"""Code points that are looked at; no publisher takes more."""


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
    text = text[:_LONGEST]
    found = [sign.what for sign in _SIGNS if sign.pattern.search(text) is not None]
    if any(_is_value(match) for match in _NAMED.finditer(text)):
        found.append("a password")
    if not found and _has_random_run(text):
        found.append("a key or a token")
    if _has_phone(text):
        found.append("a phone number")
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


# ---------------------------------------------------------------- what was said before


def _when(post: Post, now: float) -> str:
    if post.state is PostState.POSTED:
        return f"posted it {span(now - post.created_at)} ago ({post.label})"
    return f"has it waiting or on its way ({post.label})"


def repeated(tx: Tx, who: Identity, account: Account, draft: Draft, now: float, *, but: int | None = None) -> list[str]:
    """Sentences about the same text among the account's posts of the last 30 days, and those of the other accounts that
    ``who`` may use, by our own record. ``but``: the row that the draft itself has already.
    """
    if not draft.text.strip():
        return []
    others = {other.id: other for other, _ in tx.accounts.usable_by(who) if other.id != account.id}
    said = []
    for ids, known in (([account.id], {account.id: account}), (sorted(others), others)):
        posts = [post for post in tx.posts.same_text(ids, draft.text, now - RECENT) if post.id != but]
        if not posts:
            continue
        latest = posts[0]
        sentence = f"{known[latest.account_id].at} {_when(latest, now)}"
        if latest.account_id == account.id:
            said.append(f"It is the same text as before: {sentence}. X refuses or hides repetitions.")
        else:
            said.append(f"It is the same text from a second account: {sentence}. X forbids that.")
    return said


def about(
    tx: Tx, who: Identity, account: Account, drafts: Sequence[Draft], now: float, *, but: int | None = None
) -> list[str]:
    """Everything that ``who`` should read before these drafts (the parts of one post) go out; nothing when all is well.
    Raises nothing. The caller has cleaned the texts.
    """
    found = dict.fromkeys(what for draft in drafts for what in looks_like(draft.text))
    said = [f"It looks as if {_listed(list(found))} were in it."] if found else []
    for draft in drafts:
        said += repeated(tx, who, account, draft, now, but=but)
    return list(dict.fromkeys(said))


def _listed(things: Sequence[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
