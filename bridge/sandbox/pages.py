"""The look of the sandbox's pages: templates, escaping, and the headers that keep a browser strict.

It knows HTML only. Every value that goes into a template is escaped, unless it is ``Markup``, which only this package
makes; the policy sent along forbids scripts and styles from anywhere but the sandbox itself, and inline ones at all.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from bridge.sandbox.answers import HTML, Answer
from bridge.sandbox.world import User

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_ASSETS = ("style.css", "live.js", "consent.js", "icon.svg")
_TINTS = 8


class Markup(str):
    """HTML that is safe as it stands."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser asks for. ``form`` is empty unless it posted one; ``cookie``: the one that ``consent`` gave."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    cookie: str = ""


@cache
def _file(name: str) -> bytes:
    return files("bridge.sandbox").joinpath("pages", name).read_bytes()


@cache
def _template(name: str) -> Template:
    return Template(_file(f"{name}.html").decode())


def fill(name: str, /, **values: object) -> Markup:
    """The template with its values in it, escaped."""
    safe = {key: value if isinstance(value, Markup) else html.escape(str(value)) for key, value in values.items()}
    return Markup(_template(name).substitute(safe).strip())


def joined(parts: list[Markup]) -> Markup:
    """Pieces of HTML, one after the other."""
    return Markup("\n".join(parts))


def page(
    title: str, body: Markup, *, status: int = 200, live: bool = False, leads_to: str = "", cookie: str = ""
) -> Answer:
    """A whole page. ``live``: it refreshes itself. ``leads_to``: an address that its form may redirect to."""
    refresh = (
        '<script src="/sandbox/live.js" defer></script><noscript><meta http-equiv="refresh" content="5"></noscript>'
    )
    whole = fill("frame", title=f"{title} · Sandbox", body=body, head=Markup(refresh if live else ""))
    headers = {"Content-Security-Policy": _policy(leads_to), **STRICT}
    if cookie:
        headers["Set-Cookie"] = cookie
    return Answer(status, whole.encode(errors="replace"), f"{HTML}; charset=utf-8", headers)


_REFRESH = '<script src="/sandbox/live.js" defer></script><noscript><meta http-equiv="refresh" content="5"></noscript>'

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # an address here may hold a request token
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _policy(leads_to: str) -> str:
    parts = urlsplit(leads_to)
    origin = f" {parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
        f" form-action 'self'{origin}; base-uri 'none'; frame-ancestors 'none'"
    )


def notice(status: int, heading: str, words: str, *, leads_to: str = "") -> Answer:
    """A page that says one thing."""
    return page(heading, fill("notice", heading=heading, words=words), status=status, leads_to=leads_to)


def asset(name: str) -> Answer | None:
    """A style sheet, script or picture of the pages; None when there is none of that name."""
    if name not in _ASSETS:
        return None
    return Answer(200, _file(name), _KINDS[name.rpartition(".")[2]], {**STRICT, "Cache-Control": "max-age=60"})


def face(user: User) -> dict[str, object]:
    """What the templates show of a person."""
    tint = int(user.id) // 7919 % _TINTS
    return {"handle": user.handle, "name": user.name, "initial": user.name[:1].upper() or "?", "tint": tint}
