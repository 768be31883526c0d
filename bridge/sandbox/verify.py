"""Checks OAuth 1.0a signatures, written from RFC 5849 alone.

It is the second opinion on the signer of the product, so it must share no line with it: no oauthlib, no
requests-oauthlib, nothing of ``bridge.publish``. It knows no HTTP server and no accounts either: strings in, a verdict
out. The time is an argument.
"""

import base64
import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qsl, quote, unquote

WINDOW = 300.0
"""How many seconds a timestamp may be off, either way. X gives no number; five minutes is what it was seen to allow."""

NONCES_KEPT = 100_000
"""Replays of that many latest requests are refused; a bound, so that a benchmark does not fill the memory."""

FORM = "application/x-www-form-urlencoded"


class Fault(Enum):
    """Why a request's signature is refused."""

    CONSUMER = "unknown consumer key"
    NO_HEADER = "no OAuth Authorization header"
    MALFORMED = "malformed Authorization header"
    REPEATED = "a protocol parameter stands twice"
    INCOMPLETE = "a protocol parameter is missing"
    METHOD = "only HMAC-SHA1 and version 1.0 are spoken here"
    CLOCK = "timestamp out of bounds"
    SIGNATURE = "wrong signature"
    REPLAY = "nonce used before"


class Refused(Exception):
    """The request's signature does not hold."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about itself; nothing in it is proven until ``check`` has returned.

    ``token`` is empty where none was sent. ``rest`` holds the other protocol parameters: callback and verifier.
    """

    consumer_key: str
    token: str
    nonce: str
    timestamp: int
    signature: str = field(repr=False)
    base_string: str = field(repr=False)
    rest: dict[str, str] = field(repr=False)


_PARAMETER = re.compile(r'\s*([^\s=",]+)="([^"]*)"\s*(,|\Z)')
_PLAIN = re.compile(r"[A-Za-z0-9\-._~]*\Z")
_NEEDED = ("oauth_consumer_key", "oauth_nonce", "oauth_timestamp", "oauth_signature", "oauth_signature_method")
_ELSEWHERE = frozenset({"oauth_callback", "oauth_verifier"})


def encode(text: str) -> str:
    """Percent-encode (RFC 5849, section 3.6): all but letters, digits and ``-._~``, of the UTF-8 form."""
    return text if _PLAIN.match(text) else quote(text, safe="")


def header_parameters(header: str | None) -> dict[str, str]:
    """The decoded parameters of an Authorization header, without ``realm`` (sections 3.5.1 and 3.4.1.3.1)."""
    if not header or header[:6].lower() != "oauth ":
        raise Refused(Fault.NO_HEADER)
    if not header.isascii():
        raise Refused(Fault.MALFORMED)
    found: dict[str, str] = {}
    at, end, comma = 6, len(header), ","
    while at < end:
        match = _PARAMETER.match(header, at)
        if match is None:
            raise Refused(Fault.MALFORMED)
        name, value, comma = match.groups()
        at = match.end()
        try:
            name, value = unquote(name, errors="strict"), unquote(value, errors="strict")
        except UnicodeDecodeError as error:
            raise Refused(Fault.MALFORMED) from error
        if name in found:
            raise Refused(Fault.REPEATED)
        found[name] = value
    if comma:  # the last parameter must not be followed by one, and there must be a last parameter
        raise Refused(Fault.MALFORMED)
    found.pop("realm", None)
    return found


def form_parameters(text: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query or of a form body, in order, empty values kept (section 3.4.1.3.1)."""
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Refused(Fault.MALFORMED) from error


def base_string(method: str, scheme: str, host: str, path: str, parameters: list[tuple[str, str]]) -> str:
    """The signature base string (section 3.4.1). ``host`` may name a port; ``path`` is as it was sent."""
    host = host.lower()
    default = ":443" if scheme.lower() == "https" else ":80"
    address = f"{scheme.lower()}://{host.removesuffix(default)}{path or '/'}"
    pairs = sorted([(encode(name), encode(value)) for name, value in parameters])
    listed = "&".join([f"{name}={value}" for name, value in pairs])
    return f"{encode(method.upper())}&{quote(address, safe='')}&{quote(listed, safe='')}"


def signature(text: str, consumer_secret: str, token_secret: str = "") -> str:
    """HMAC-SHA1 of a base string (section 3.4.2), in base64."""
    key = f"{encode(consumer_secret)}&{encode(token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode()


def read(
    method: str,
    scheme: str,
    host: str,
    target: str,
    *,
    authorization: str | None,
    content_type: str = "",
    body: bytes = b"",
) -> Claim:
    """What a request claims. ``target`` is path and query as they stood on the request line.

    A body counts only when it is a form (section 3.4.1.3.1). Raises Refused.
    """
    claimed = header_parameters(authorization)
    path, _, query = target.partition("?")
    others = form_parameters(query) if query else []
    if body and content_type.partition(";")[0].strip().lower() == FORM:
        try:
            others += form_parameters(body.decode())
        except UnicodeDecodeError as error:
            raise Refused(Fault.MALFORMED) from error
    signed = [pair for pair in claimed.items() if pair[0] != "oauth_signature"] + others
    _adopt(claimed, others)
    if any(not claimed.get(name) for name in _NEEDED):
        raise Refused(Fault.INCOMPLETE)
    if claimed["oauth_signature_method"] != "HMAC-SHA1" or claimed.get("oauth_version", "1.0") != "1.0":
        raise Refused(Fault.METHOD)
    if not (claimed["oauth_timestamp"].isascii() and claimed["oauth_timestamp"].isdigit()):
        raise Refused(Fault.MALFORMED)
    return Claim(
        consumer_key=claimed["oauth_consumer_key"],
        token=claimed.get("oauth_token", ""),
        nonce=claimed["oauth_nonce"],
        timestamp=int(claimed["oauth_timestamp"][:18]),
        signature=claimed["oauth_signature"],
        base_string=base_string(method, scheme, host, path, signed),
        rest={name: value for name, value in claimed.items() if name in _ELSEWHERE},
    )


def _adopt(claimed: dict[str, str], others: list[tuple[str, str]]) -> None:
    """Take callback and verifier from query or form, where some clients put them; nothing else may stand there."""
    for name, value in others:
        if name in claimed and name.startswith("oauth_"):
            raise Refused(Fault.REPEATED)
        if name in _ELSEWHERE:
            claimed[name] = value
        elif name.startswith("oauth_"):
            raise Refused(Fault.MALFORMED)


class Nonces:
    """The nonces of the latest requests, so that none runs twice (section 3.3)."""

    def __init__(self, keep: int = NONCES_KEPT) -> None:
        self._seen: OrderedDict[tuple[str, int, str], None] = OrderedDict()
        self._keep = keep

    def first(self, claim: Claim) -> bool:
        """Remember the claim's nonce; False when that token used it in that second before."""
        key = (claim.token or claim.consumer_key, claim.timestamp, claim.nonce)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._keep:
            self._seen.popitem(last=False)
        return True


def check(claim: Claim, consumer_secret: str, token_secret: str, *, now: float, nonces: Nonces) -> None:
    """Return when the claim holds and is new (section 3.2); raise Refused otherwise. ``now``: Unix seconds.

    The nonce is remembered last: a forger cannot use up somebody's nonces.
    """
    if abs(claim.timestamp - now) > WINDOW:
        raise Refused(Fault.CLOCK)
    proper = signature(claim.base_string, consumer_secret, token_secret)
    if not hmac.compare_digest(proper.encode(), claim.signature.encode()):
        raise Refused(Fault.SIGNATURE)
    if not nonces.first(claim):
        raise Refused(Fault.REPLAY)
