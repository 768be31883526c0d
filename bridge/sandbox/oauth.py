"""X's side of the OAuth 1.0a flow: request tokens, trading a PIN, revoking.

The consent page is in ``pages``; here are the three endpoints that the app signs itself (RFC 5849, section 2).
"""

from collections.abc import Callable
from urllib.parse import urlencode

from bridge.sandbox import answers
from bridge.sandbox.answers import Answer
from bridge.sandbox.endpoints import Call, Endpoint, Signer
from bridge.sandbox.world import World


def request_token(callbacks: frozenset[str]) -> Callable[[World, Call], Answer]:
    """``POST /oauth/request_token``, for an app with these callback addresses; ``oob`` is always one."""

    def work(world: World, call: Call) -> Answer:
        callback = call.claim.rest.get("oauth_callback", "")
        if callback != "oob" and callback not in callbacks:
            return answers.CALLBACK
        pair = world.ask(callback, call.now).credentials
        return _form(oauth_token=pair.token, oauth_token_secret=pair.secret, oauth_callback_confirmed="true")

    return work


def access_token(world: World, call: Call) -> Answer:
    """``POST /oauth/access_token``. A request token can be traded once; a wrong PIN burns it."""
    token = call.claim.token
    pending = world.pending(token, call.now)
    if pending is None:
        return answers.REQUEST_TOKEN_GONE
    world.burn(token)
    if pending.pin is None or pending.handle is None or call.claim.rest.get("oauth_verifier") != pending.pin:
        return answers.WRONG_PIN
    access = world.issue(pending.handle)
    return _form(
        oauth_token=access.credentials.token,
        oauth_token_secret=access.credentials.secret,
        user_id=access.user.id,
        screen_name=access.user.handle,
    )


def invalidate_token(world: World, call: Call) -> Answer:
    """``POST /1.1/oauth/invalidate_token.json``: the token that signed is dead from now on."""
    world.revoke(call.claim.token)
    return Answer(200, f'{{"access_token":"{call.claim.token}"}}'.encode())


def _form(**values: str) -> Answer:
    return answers.text(200, urlencode(values), answers.FORM)


def endpoints(callbacks: frozenset[str]) -> tuple[Endpoint, ...]:
    """The three of them, for an app with these callback addresses."""
    return (
        Endpoint("POST", "/oauth/request_token", request_token(callbacks), Signer.APP),
        Endpoint("POST", "/oauth/access_token", access_token, Signer.REQUEST_TOKEN),
        Endpoint("POST", "/1.1/oauth/invalidate_token.json", invalidate_token),
    )
