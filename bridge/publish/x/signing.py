"""Signs requests for X with OAuth 1.0a (RFC 5849): HMAC-SHA1, parameters in the Authorization header.

requests-oauthlib does it: its ``OAuth1`` signs each request, its ``OAuth1Session`` holds the legs of the linking flow.
Nothing is sent from here. oauthlib's own client takes 150 us a signature, so ``DirectClient`` stands in for it where a
request is of the plain kind that Kantter sends: no form body, no realm. The tests hold the two against each other.

oauthlib and requests-oauthlib write token secrets to their logs at DEBUG, so those logs are shut when this is imported.
"""

import base64
import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_TYPE_AUTH_HEADER, Client
from oauthlib.oauth1.rfc5849.signature import base_string_uri
from pydantic import SecretStr
from requests_oauthlib import OAuth1, OAuth1Session

from bridge.model import Credentials

for _name in (
    "oauthlib",
    "oauthlib.oauth1.rfc5849",
    "oauthlib.oauth1.rfc5849.signature",
    "requests_oauthlib",
    "requests_oauthlib.oauth1_auth",
    "requests_oauthlib.oauth1_session",
):
    logging.getLogger(_name).setLevel(logging.WARNING)
    logging.getLogger(_name).propagate = False


class DirectClient(Client):
    """oauthlib's client, with a short way for the plain case. Its ``repr`` shows nothing; oauthlib's shows tokens."""

    def sign(  # type: ignore[no-untyped-def] # requests-oauthlib passes these on as they are
        self, uri: str, http_method="GET", body=None, headers=None, realm=None
    ) -> tuple[str, Any, Any]:
        """As ``Client.sign``: the address, the headers with Authorization, the body."""
        if body or realm or (self.signature_method, self.signature_type) != _PLAIN:
            return super().sign(uri, http_method, body, headers, realm)  # type: ignore[no-any-return] # as above
        own = (  # in the order of section 3.4.1.3.2
            ("oauth_callback", self.callback_uri),
            ("oauth_consumer_key", self.client_key),
            ("oauth_nonce", self.nonce or secrets.token_hex(16)),
            ("oauth_signature_method", SIGNATURE_HMAC_SHA1),
            ("oauth_timestamp", self.timestamp),
            ("oauth_token", self.resource_owner_key),
            ("oauth_verifier", self.verifier),
            ("oauth_version", "1.0"),
        )
        pairs = [(name, _encode(value)) for name, value in own if value]
        address, _, query = uri.partition("?")
        listed = sorted([*pairs, *_encoded(query)]) if query else pairs
        told = _encode_again("&".join([f"{name}={value}" for name, value in listed]))
        base = f"{http_method.upper()}&{_base_address(address)}&{told}"
        key = f"{_encode(self.client_secret or '')}&{_encode(self.resource_owner_secret or '')}"
        signature = base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha1")).decode()
        pairs.append(("oauth_signature", _encode(signature)))
        header = "OAuth " + ", ".join([f'{name}="{value}"' for name, value in pairs])
        return uri, {**(headers or {}), "Authorization": header}, None

    def __repr__(self) -> str:
        return "<DirectClient>"


_PLAIN = (SIGNATURE_HMAC_SHA1, SIGNATURE_TYPE_AUTH_HEADER)
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")


def _encode(text: str) -> str:
    """Percent-encode (RFC 5849, section 3.6)."""
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def _encode_again(text: str) -> str:
    """Percent-encode what consists of encoded names and values: little is left to encode."""
    return text.replace("%", "%25").replace("=", "%3D").replace("&", "%26")


def _encoded(query: str) -> list[tuple[str, str]]:
    return [(_encode(name), _encode(value)) for name, value in parse_qsl(query, keep_blank_values=True)]


@lru_cache(maxsize=64)
def _base_address(address: str) -> str:
    """The base string URI (RFC 5849, section 3.4.1.2), encoded."""
    return quote(base_string_uri(address), safe="")


class Signer:
    """The app's consumer key pair, and the three kinds of signatures made with it. ``repr`` shows nothing.

    Each method gives the value of the Authorization header; ``at`` is X's time in Unix seconds.
    """

    def __init__(self, key: SecretStr, secret: SecretStr) -> None:
        self._key = key
        self._secret = secret
        # To make one takes as long as to sign with it. A signature is made in one go, so that no two pairs can mix.
        self._auth = OAuth1(key.get_secret_value(), secret.get_secret_value(), client_class=DirectClient)

    def __repr__(self) -> str:
        return "<Signer>"

    def as_account(self, pair: Credentials, method: str, url: str, *, at: float, body: bytes | None = None) -> str:
        """Signed with an account's token pair. ``body`` is JSON, which is no part of a signature."""
        client = self._auth.client
        client.resource_owner_key, client.resource_owner_secret, client.timestamp = (
            pair.token,
            pair.secret,
            str(int(at)),
        )
        try:
            return _header(self._auth, method, url, body)
        finally:
            client.resource_owner_key = client.resource_owner_secret = None

    def as_app(self, url: str, *, at: float) -> str:
        """The first leg (section 2.1): signed by the app alone, with the callback ``oob``, for a POST."""
        return _header(self._leg(at, callback="oob").auth, "POST", url, None)

    def as_request(self, request: Credentials, pin: str, url: str, *, at: float) -> str:
        """The last leg (section 2.3): signed with a request token and the PIN, for a POST."""
        leg = self._leg(at, request=request, pin=pin)
        return _header(leg.auth, "POST", url, None)

    def authorize_url(self, url: str, request_token: str) -> str:
        """The second leg (section 2.2): where to send the person. X asks anew which account, whoever is logged in."""
        address: str = self._leg(0.0).authorization_url(url, request_token, force_login="true")
        return address

    def _leg(
        self, at: float, *, callback: str | None = None, request: Credentials | None = None, pin: str | None = None
    ) -> OAuth1Session:
        return OAuth1Session(
            self._key.get_secret_value(),
            client_secret=self._secret.get_secret_value(),
            resource_owner_key=request and request.token,
            resource_owner_secret=request and request.secret,
            callback_uri=callback,
            verifier=pin,
            client_class=DirectClient,
            timestamp=str(int(at)),
        )


@dataclass(slots=True)
class _Request:
    """As much of a prepared request of requests as an OAuth1 object signs; all of it takes ten times as long."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None

    def prepare_headers(self, headers: dict[str, str]) -> None:
        """Take those that the signature is among."""
        self.headers = headers


def _header(auth: OAuth1, method: str, url: str, body: bytes | None) -> str:
    request = _Request(method, url, {} if body is None else {"Content-Type": "application/json"})
    auth(request)  # type: ignore[arg-type]  # it needs no more of a request
    return request.headers["Authorization"]
