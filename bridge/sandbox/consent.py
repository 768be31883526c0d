"""The consent page: which app asks, for which account, yes or no; then the PIN.

It knows the request tokens of the world and what a browser sends. The form carries a proof bound to a cookie, so that
no other site can approve in a person's name; a request token is decided once.
"""

import hashlib
import hmac
import re
import secrets
from urllib.parse import urlencode

from bridge.sandbox.answers import TEXT, Answer
from bridge.sandbox.pages import STRICT, Markup, Visit, face, fill, joined, notice, page
from bridge.sandbox.world import Pending, World

PATH = "/oauth/authorize"
COOKIE = "consent"

_HANDLE = re.compile(r"@?([A-Za-z0-9_]{1,15})\Z")
_SHOWN = 8
"""Accounts offered. A benchmark makes hundreds; nobody would choose among them."""


class Consent:
    """Answers ``GET`` and ``POST /oauth/authorize``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = secrets.token_bytes(32)

    def answer(self, visit: Visit, now: float) -> Answer:
        """The page for this visit. ``now``: Unix seconds."""
        given = visit.form if visit.method == "POST" else visit.query
        pending = self._world.pending(given.get("oauth_token", ""), now)
        if pending is None or pending.pin is not None:
            return notice(
                410, "This link no longer works", "It was used before, or is too old. Ask the bot for a new one."
            )
        if visit.method != "POST":
            return self._ask(pending, secrets.token_urlsafe(18))
        if not hmac.compare_digest(self._proof(visit.cookie, pending).encode(), visit.form.get("proof", "").encode()):
            return notice(403, "That did not come from this page", "Nothing was approved. Open the link once more.")
        return self._decide(pending, visit)

    def _proof(self, cookie: str, pending: Pending) -> str:
        if not cookie:
            return secrets.token_hex()  # no cookie was given: nothing proves anything
        said = f"{cookie} {pending.credentials.token}".encode()
        return hmac.digest(self._secret, said, hashlib.sha256).hex()

    def _ask(self, pending: Pending, cookie: str, mistake: str = "") -> Answer:
        users = list(self._world.users.values())[:_SHOWN]
        accounts = [fill("account", checked=Markup("" if at else " checked"), **face(u)) for at, u in enumerate(users)]
        body = fill(
            "consent",
            token=pending.credentials.token,
            proof=self._proof(cookie, pending),
            mistake=Markup(f'<p class="mistake" role="alert">{mistake}</p>' if mistake else ""),
            accounts=joined(accounts),
        )
        kept = f"{COOKIE}={cookie}; Path={PATH}; HttpOnly; SameSite=Strict"
        return page("Approve", body, status=400 if mistake else 200, leads_to=pending.callback, cookie=kept)

    def _decide(self, pending: Pending, visit: Visit) -> Answer:
        decision = visit.form.get("decision")
        if decision == "deny":
            self._world.burn(pending.credentials.token)
            if pending.callback != "oob":
                return _back(pending, denied=pending.credentials.token)
            return notice(200, "You said no", "Nothing was linked, and the link is void. You can close this page.")
        if decision != "approve":
            return self._ask(pending, visit.cookie, "Approve or deny, please.")
        offered, typed = visit.form.get("account", ""), visit.form.get("new_handle", "").strip()
        if offered and typed:
            return self._ask(pending, visit.cookie, "You chose an account and typed another: which one is it?")
        chosen = _HANDLE.match(offered or typed)
        if chosen is None:
            return self._ask(pending, visit.cookie, "A handle has 1 to 15 letters, digits or underscores.")
        user = self._world.add_user(chosen[1])
        pin = self._world.approve(pending, user.handle)
        if pending.callback != "oob":
            return _back(pending, oauth_token=pending.credentials.token, oauth_verifier=pin)
        return page("Your PIN", fill("pin", pin=pin, handle=user.handle))


def _back(pending: Pending, **said: str) -> Answer:
    """Send the browser on to the app's callback address."""
    joint = "&" if "?" in pending.callback else "?"
    return Answer(303, b"", TEXT, {**STRICT, "Location": f"{pending.callback}{joint}{urlencode(said)}"})
