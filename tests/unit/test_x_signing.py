"""Our short way to a signature, held against oauthlib's own and against the sandbox's verifier."""

import hashlib
import hmac
import logging
import re
from base64 import b64encode
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client
from pydantic import SecretStr

from bridge.model import Credentials
from bridge.publish.x.signing import DirectClient, Signer
from bridge.sandbox import verify

KEY, SECRET = "key!&=~", "se/cret +\u00e9"
PAIR = Credentials("7-to ken%", "t&s=*'()")


def parameters(header: str) -> dict[str, str]:
    assert header.startswith("OAuth ")
    return dict(re.findall(r'(\w+)="([^"]*)"', header))


WORDS = st.text(st.characters(codec="utf-8"), max_size=6)


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.sampled_from(["https://api.x.com/2/tweets", "HTTP://Example.COM:80/a%20b", "https://[::1]:8443/x"]),
    st.lists(st.tuples(WORDS.filter(bool), WORDS), max_size=4),
    st.sampled_from([{}, {"callback_uri": "oob"}, {"verifier": "7654321"}]),
)
def test_signs_as_oauthlib_does(method: str, url: str, query: list[tuple[str, str]], more: dict[str, str]) -> None:
    if query:
        url += "?" + urlencode(query, quote_via=quote)
    given_: dict[str, str] = {"nonce": "n o", "timestamp": "1800000000", **more}
    both = []
    for kind in (DirectClient, Client):
        client = kind(KEY, SECRET, PAIR.token, PAIR.secret, **given_)
        _, headers, body = client.sign(url, method)  # type: ignore[arg-type] # the methods are three of its literals
        assert not body
        both.append(parameters(headers["Authorization"]))
    assert both[0] == both[1]


def test_a_form_body_goes_oauthlibs_own_way() -> None:
    client = DirectClient(KEY, SECRET, nonce="n", timestamp="1800000000")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    own = Client(KEY, SECRET, nonce="n", timestamp="1800000000").sign(
        "https://a.example/", "POST", "a=b", dict(headers)
    )
    assert client.sign("https://a.example/", "POST", "a=b", dict(headers)) == own


def test_a_signature_by_hand() -> None:
    signer = Signer(SecretStr(KEY), SecretStr(SECRET))
    url = "https://api.x.com/2/users/7/tweets?b=2&a=1%2C2"
    given_ = parameters(signer.as_account(PAIR, "GET", url, at=1_800_000_000.9))
    assert given_["oauth_timestamp"] == "1800000000"
    signed = {name: value for name, value in given_.items() if name != "oauth_signature"} | {"a": "1%2C2", "b": "2"}
    listed = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
    base = "&".join(quote(part, safe="") for part in ("GET", "https://api.x.com/2/users/7/tweets", listed))
    key = "&".join(quote(part, safe="") for part in (SECRET, PAIR.secret))
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
    assert unquote(given_["oauth_signature"]) == b64encode(digest).decode()


def test_each_leg_holds_before_the_verifier() -> None:
    signer = Signer(SecretStr(KEY), SecretStr(SECRET))
    nonces = verify.Nonces()
    headers = {
        "/oauth/request_token": (signer.as_app("http://127.0.0.1:9/oauth/request_token", at=5.0), ""),
        "/oauth/access_token": (
            signer.as_request(PAIR, "7654321", "http://127.0.0.1:9/oauth/access_token", at=5.0),
            PAIR.secret,
        ),
        "/2/tweets": (signer.as_account(PAIR, "POST", "http://127.0.0.1:9/2/tweets", at=5.0, body=b"{}"), PAIR.secret),
    }
    for path, (header, secret) in headers.items():
        claim = verify.read("POST", "http", "127.0.0.1:9", path, authorization=header)
        verify.check(claim, SECRET, secret, now=5.0, nonces=nonces)


def test_nonces_differ() -> None:
    signer = Signer(SecretStr(KEY), SecretStr(SECRET))
    seen = {parameters(signer.as_app("https://a.example/", at=5.0))["oauth_nonce"] for _ in range(100)}
    assert len(seen) == 100


def test_nothing_is_shown() -> None:
    assert SECRET not in repr(Signer(SecretStr(KEY), SecretStr(SECRET)))
    shown = repr(DirectClient(KEY, SECRET, PAIR.token, PAIR.secret, verifier="7654321"))
    assert not any(secret in shown for secret in (KEY, SECRET, PAIR.token, PAIR.secret, "7654321"))


@pytest.mark.parametrize(
    "name", ["oauthlib", "oauthlib.oauth1.rfc5849", "requests_oauthlib.oauth1_auth", "requests_oauthlib.oauth1_session"]
)
def test_the_libraries_logs_are_shut(name: str) -> None:
    log = logging.getLogger(name)
    assert log.level == logging.WARNING
    assert not log.propagate
