"""Who may come in: the checks that X makes before an endpoint does anything.

It knows the app's key pair, the tokens and the signature check; no server and no rate limits. Where X tells less than
it knows (a plain 401 for a dead token and for a wrong clock alike), so does this.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox import answers, verify
from bridge.sandbox.answers import Answer
from bridge.sandbox.endpoints import Call, Endpoint, Signer
from bridge.sandbox.verify import Claim, Nonces, Refused
from bridge.sandbox.world import User, World


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came in. ``target``: path and query as on the request line; ``host`` may name a port."""

    method: str
    host: str
    target: str
    authorization: str | None
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Turned:
    """A request that was turned away: what X answers, and, for the log only, the true reason."""

    answer: Answer
    why: str


class Gate:
    """Checks requests for one app."""

    def __init__(self, world: World, consumer_key: str, consumer_secret: str) -> None:
        self._world = world
        self._key = consumer_key
        self._secret = consumer_secret
        self._nonces = Nonces()

    def admit(self, endpoint: Endpoint, args: Mapping[str, str], arrival: Arrival, now: float) -> Call | Turned:
        """The call when all holds. ``now``: Unix seconds."""
        new = endpoint.path.startswith("/2/")
        try:
            claim = self._claim(arrival)
            secret, user, writes = self._signer(endpoint.signer, claim, now)
            if secret is None:
                return _dead(endpoint, claim)
            verify.check(claim, self._secret, secret, now=now, nonces=self._nonces)
        except Refused as refused:
            return Turned(_unsigned(refused.fault, new=new), refused.fault.value)
        if self._world.suspended:
            return Turned(answers.UNAUTHORIZED if new else answers.SUSPENDED, "the app is suspended")
        if endpoint.writes and not writes:
            return Turned(answers.READ_ONLY, "the app, or this token, is read-only")
        return Call(claim, now, user, args, _query(arrival.target), arrival.content_type, arrival.body)

    def _claim(self, arrival: Arrival) -> Claim:
        if not (arrival.target.isascii() and arrival.host.isascii()):
            raise Refused(verify.Fault.MALFORMED)
        claim = verify.read(
            arrival.method,
            "http",
            arrival.host,
            arrival.target,
            authorization=arrival.authorization,
            content_type=arrival.content_type,
            body=arrival.body,
        )
        if not hmac.compare_digest(claim.consumer_key.encode(), self._key.encode()):
            raise Refused(verify.Fault.CONSUMER)
        return claim

    def _signer(self, signer: Signer, claim: Claim, now: float) -> tuple[str | None, User | None, bool]:
        """The token secret that must have signed (None: the token is dead), whose it is, and whether it may write."""
        if signer is Signer.APP:
            return "", None, False
        if signer is Signer.REQUEST_TOKEN:
            pending = self._world.pending(claim.token, now)
            return (pending.credentials.secret if pending else None), None, False
        access = self._world.access(claim.token)
        return (access.credentials.secret, access.user, access.write) if access else (None, None, False)


def _dead(endpoint: Endpoint, claim: Claim) -> Turned:
    if endpoint.signer is Signer.REQUEST_TOKEN:
        return Turned(answers.REQUEST_TOKEN_GONE, "request token is unknown, used or expired")
    if endpoint.path.startswith("/2/"):
        return Turned(answers.UNAUTHORIZED, "token is unknown or revoked" if claim.token else "no token")
    return Turned(answers.INVALID_TOKEN, "token is unknown or revoked")


def _unsigned(fault: verify.Fault, *, new: bool) -> Answer:
    if new:
        return answers.UNAUTHORIZED
    if fault is verify.Fault.CLOCK:
        return answers.CLOCK
    return answers.BAD_AUTHENTICATION if fault is verify.Fault.NO_HEADER else answers.COULD_NOT_AUTHENTICATE


def _query(target: str) -> dict[str, str]:
    _, _, query = target.partition("?")
    return dict(verify.form_parameters(query)) if query else {}
