"""The sandbox's signature check, held against RFC 5849's own examples, oauthlib and Authlib."""

from urllib.parse import urlencode

import pytest
from authlib.oauth1.rfc5849 import signature as authlib
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1 import SIGNATURE_TYPE_QUERY, Client

from bridge.sandbox import verify
from bridge.sandbox.verify import Claim, Fault, Nonces, Refused

KEY, SECRET = "consumer", "s+cret&"
TOKEN, TOKEN_SECRET = "token", "t/ken secret"
NOW = 1_700_000_000

_PRINTER = (
    'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk",'
    ' oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH",'
    ' oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"'
)


def test_the_request_of_rfc_5849_section_1_2() -> None:
    claim = verify.read(
        "GET", "http", "photos.example.net", "/photos?file=vacation.jpg&size=original", authorization=_PRINTER
    )
    verify.check(claim, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00", now=137131202, nonces=Nonces())


def test_the_base_string_of_rfc_5849_section_3_4_1_1() -> None:
    header = (
        'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7",'
        ' oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a",'
        ' oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"'
    )
    claim = verify.read(
        "POST",
        "http",
        "EXAMPLE.COM:80",
        "/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        authorization=header,
        content_type="application/x-www-form-urlencoded",
        body=b"c2&a3=2+q",
    )
    assert claim.base_string == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def signed(form: list[tuple[str, str]], query: str = "", now: int = NOW) -> tuple[str, dict[str, str], str]:
    """Target, headers and body as oauthlib signs them."""
    client = Client(KEY, SECRET, TOKEN, TOKEN_SECRET, timestamp=str(now), nonce="n0nce")
    headers = {"Content-Type": verify.FORM} if form else {}
    body = urlencode(form)
    uri, headers, _ = client.sign(f"http://127.0.0.1:9{query}", "POST", body=body or None, headers=headers)
    return uri.removeprefix("http://127.0.0.1:9"), headers, body


def read(target: str, headers: dict[str, str], body: str) -> Claim:
    return verify.read(
        "POST",
        "http",
        "127.0.0.1:9",
        target,
        authorization=headers.get("Authorization"),
        content_type=headers.get("Content-Type", ""),
        body=body.encode(),
    )


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60)
@given(form=st.lists(st.tuples(words.filter(lambda name: not name.startswith("oauth_")), words), max_size=4))
def test_what_oauthlib_signs_holds_and_authlib_agrees(form: list[tuple[str, str]]) -> None:
    target, headers, body = signed(form, "/2/tweets?max=5&q=a%20b")
    claim = read(target, headers, body)
    verify.check(claim, SECRET, TOKEN_SECRET, now=NOW, nonces=Nonces())
    assert authlib.hmac_sha1_signature(claim.base_string, SECRET, TOKEN_SECRET) == claim.signature


def claim(now: int = NOW) -> Claim:
    return read(*signed([("status", "hello")], "/2/tweets", now))


@pytest.mark.parametrize(("app", "token"), [("x", TOKEN_SECRET), (SECRET, "x"), (SECRET, "")])
def test_another_secret_is_refused(app: str, token: str) -> None:
    with pytest.raises(Refused, match="wrong signature"):
        verify.check(claim(), app, token, now=NOW, nonces=Nonces())


def test_a_changed_body_is_refused() -> None:
    target, headers, _ = signed([("status", "hello")], "/2/tweets")
    with pytest.raises(Refused, match="wrong signature"):
        verify.check(read(target, headers, "status=hullo"), SECRET, TOKEN_SECRET, now=NOW, nonces=Nonces())


def test_a_nonce_runs_once_and_a_forger_cannot_use_it_up() -> None:
    nonces = Nonces()
    with pytest.raises(Refused, match="wrong signature"):
        verify.check(claim(), "forged", TOKEN_SECRET, now=NOW, nonces=nonces)
    verify.check(claim(), SECRET, TOKEN_SECRET, now=NOW, nonces=nonces)
    with pytest.raises(Refused, match="used before"):
        verify.check(claim(), SECRET, TOKEN_SECRET, now=NOW, nonces=nonces)


@pytest.mark.parametrize("off", [-301, 301])
def test_a_timestamp_out_of_bounds_is_refused(off: int) -> None:
    with pytest.raises(Refused, match="out of bounds"):
        verify.check(claim(NOW + off), SECRET, TOKEN_SECRET, now=NOW, nonces=Nonces())


_WHOLE = 'oauth_consumer_key="k",oauth_nonce="n",oauth_timestamp="1",oauth_signature="s"'


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (None, Fault.NO_HEADER),
        ("", Fault.NO_HEADER),
        ("Bearer abc", Fault.NO_HEADER),
        ("OAuth ", Fault.MALFORMED),
        ("OAuth oauth_nonce", Fault.MALFORMED),
        ('OAuth oauth_nonce="a",', Fault.MALFORMED),
        ('OAuth oauth_nonce="%ff"', Fault.MALFORMED),
        ('OAuth oauth_nonce="\udcff"', Fault.MALFORMED),
        ('OAuth oauth_nonce="a", oauth_nonce="b"', Fault.REPEATED),
        ('OAuth oauth_nonce="a"', Fault.INCOMPLETE),
        (f'OAuth {_WHOLE},oauth_signature_method="PLAINTEXT"', Fault.METHOD),
        (f'OAuth {_WHOLE},oauth_signature_method="HMAC-SHA1",oauth_version="2.0"', Fault.METHOD),
        (f'OAuth {_WHOLE.replace("1", "x")},oauth_signature_method="HMAC-SHA1"', Fault.MALFORMED),
        ("OAuth " + "a" * 60_000, Fault.MALFORMED),
    ],
)
def test_a_bad_header_is_refused_for_what_it_is(header: str | None, fault: Fault) -> None:
    with pytest.raises(Refused) as caught:
        verify.read("POST", "http", "h", "/", authorization=header)
    assert caught.value.fault is fault


def test_protocol_parameters_in_the_address_are_refused() -> None:
    client = Client(KEY, SECRET, TOKEN, TOKEN_SECRET, signature_type=SIGNATURE_TYPE_QUERY)
    uri, _, _ = client.sign("http://h/2/users/me")
    with pytest.raises(Refused):
        verify.read("GET", "http", "h", uri.removeprefix("http://h"), authorization=None)
    with pytest.raises(Refused):
        verify.read("GET", "http", "h", uri.removeprefix("http://h"), authorization=_PRINTER)


def test_the_memory_of_nonces_is_bounded() -> None:
    nonces = Nonces(keep=2)
    claims = [Claim(KEY, TOKEN, nonce, NOW, "", "", {}) for nonce in "abc"]
    assert all(nonces.first(one) for one in claims)
    assert not nonces.first(claims[2])
    assert nonces.first(claims[0])
