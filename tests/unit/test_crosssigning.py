"""The pure half of cross-signing: canonical JSON, key objects, chains, and malformed input of every kind."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import verify_signed_json

from bridge.chat.matrix.crosssigning import Seeds, canonical, decode, encode, is_signed, public_of

ANA = "@ana:example.org"
SEEDS = Seeds(b"m" * 32, b"s" * 32, b"u" * 32)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def signed(value: dict[str, Any], usage: str = "self_signing") -> dict[str, Any]:
    return value | {"signatures": {ANA: {f"ed25519:{SEEDS.public(usage)}": SEEDS.signature(usage, value)}}}


def test_an_independent_library_takes_our_signatures() -> None:
    for usage, key in SEEDS.key_objects(ANA).items():
        assert public_of(key, ANA, usage) == SEEDS.public(usage)
        if usage != "master":
            public = decode_verify_key_bytes(f"ed25519:{SEEDS.public('master')}", decode(SEEDS.public("master")))
            verify_signed_json(key, ANA, public)


def test_a_chain_holds_and_each_change_breaks_it() -> None:
    device: dict[str, Any] = {"user_id": ANA, "device_id": "DEV", "keys": {"ed25519:DEV": "abc"}, "unsigned": {"a": 1}}
    good = signed(device)
    public = SEEDS.public("self_signing")
    assert is_signed(good, ANA, public)
    assert is_signed(good | {"unsigned": {"b": 2}}, ANA, public), "what is unsigned does not count"
    assert not is_signed(good | {"device_id": "OTHER"}, ANA, public)
    assert not is_signed(good, "@eve:example.org", public)
    assert not is_signed(good, ANA, SEEDS.public("master"))
    assert not is_signed(device, ANA, public)


@given(values)
def test_whatever_stands_in_it_a_signature_reads_back(value: Any) -> None:
    try:
        canonical({"v": value})
    except ValueError:
        return  # a lone surrogate cannot be signed
    assert is_signed(signed({"v": value}), ANA, SEEDS.public("self_signing"))


@given(values, values)
def test_malformed_input_is_no_signature_and_no_error(value: Any, signature: Any) -> None:
    broken = {"v": value, "signatures": signature}
    assert not is_signed(broken, ANA, SEEDS.public("master"))
    assert not is_signed({"v": 1, "signatures": {ANA: {"ed25519:x": value}}}, ANA, SEEDS.public("master"))
    assert public_of(value, ANA, "master") is None


def test_deep_nesting_is_no_error() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    assert not is_signed({"v": deep, "signatures": {ANA: {"ed25519:x": "AAAA"}}}, ANA, SEEDS.public("master"))


@pytest.mark.parametrize("text", ["a b", "é", None, 7, "A"])
def test_what_is_no_base64(text: object) -> None:
    with pytest.raises(ValueError, match="no base64"):
        decode(text)


@given(st.binary(max_size=40))
def test_base64_reads_back_without_padding(data: bytes) -> None:
    assert decode(encode(data)) == data
    assert "=" not in encode(data)


def test_a_key_of_another_user_or_usage_is_not_taken() -> None:
    key = SEEDS.key_objects(ANA)["master"]
    assert public_of(key, "@eve:example.org", "master") is None
    assert public_of(key, ANA, "self_signing") is None
    assert public_of(key | {"keys": {"ed25519:other": SEEDS.public("master")}}, ANA, "master") is None


def test_no_repr_shows_a_seed() -> None:
    assert "m" * 8 not in repr(SEEDS)
