"""What strangers upload as keys is looked through before nio sees it: only well-formed, self-signed keys go on."""

import base64
import os
from collections.abc import Callable
from typing import Any

import pytest
import vodozemac
from nio import Api

from bridge.chat.matrix import sifting

USER, DEVICE = "@mallory:example.org", "DEVICE"
ACCOUNT = vodozemac.Account()
SIGNING = ACCOUNT.ed25519_key.to_base64()
Change = Callable[[dict[str, Any]], object]


def key(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode().rstrip("=")


def signed(value: dict[str, Any]) -> dict[str, Any]:
    signature = ACCOUNT.sign(Api.to_canonical_json(value).encode()).to_base64()
    return value | {"signatures": {USER: {f"ed25519:{DEVICE}": signature}}}


def good_device() -> dict[str, Any]:
    keys = {f"ed25519:{DEVICE}": SIGNING, f"curve25519:{DEVICE}": ACCOUNT.curve25519_key.to_base64()}
    return signed({"user_id": USER, "device_id": DEVICE, "algorithms": [], "keys": keys})


def sifted(device: object) -> dict[str, Any]:
    return sifting.devices({"device_keys": {USER: {DEVICE: device}}})[USER]


def test_a_sound_device_goes_on_without_what_nobody_signed() -> None:
    device = good_device()
    other = {"@other:example.org": {"ed25519:X": 7}}
    dressed = device | {"unsigned": {"device_display_name": []}, "signatures": device["signatures"] | other}
    assert sifted(dressed) == {DEVICE: device}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["keys"].update({f"ed25519:{DEVICE}": key(33)}),  # vodozemac panics on it
        lambda d: d["keys"].update({f"ed25519:{DEVICE}": key(32)}),
        lambda d: d["keys"].update({f"ed25519:{DEVICE}": "AAAA"}),
        lambda d: d["keys"].update({f"ed25519:{DEVICE}": 7}),
        lambda d: d["keys"].update({f"curve25519:{DEVICE}": key(31)}),
        lambda d: d["keys"].pop(f"curve25519:{DEVICE}"),
        lambda d: d.update(keys=[]),
        lambda d: d.update(user_id="@ana:example.org"),
        lambda d: d.pop("device_id"),
        lambda d: d.update(signatures=None),
        lambda d: d["signatures"].update({USER: []}),
        lambda d: d["signatures"][USER].update({f"ed25519:{DEVICE}": 7}),
        lambda d: d["signatures"][USER].update({f"ed25519:{DEVICE}": "\ud800"}),
        lambda d: d.update(more="\ud800"),
        lambda d: d.update(more=float("nan")),
    ],
)
def test_a_crooked_device_is_left_out_and_its_owner_stays_named(change: Change) -> None:
    device = good_device()
    change(device)
    assert sifted(device) == {}


@pytest.mark.parametrize("answer", [{}, {"device_keys": []}, {"device_keys": {USER: 7}}, {"device_keys": {"": {}}}])
def test_an_answer_that_is_none_names_nobody(answer: dict[str, Any]) -> None:
    assert sifting.devices(answer) == {}


def test_a_sound_one_time_key_goes_on() -> None:
    value = signed({"key": key(32), "fallback": True})
    answer = {"one_time_keys": {USER: {DEVICE: {"signed_curve25519:AAAA": value}}}}
    assert sifting.one_time_key(answer, USER, DEVICE, SIGNING) == {"signed_curve25519:AAAA": value}


@pytest.mark.parametrize(
    "offered",
    [
        {},
        [],
        {"signed_curve25519:A": {}},
        {"signed_curve25519:A": {"key": "AAAA"}},
        {"signed_curve25519:A": {"key": key(32)}},
        {"signed_curve25519:A": signed({"key": key(33)})},
        {"signed_curve25519:A": signed({"key": key(32)}) | {"key": key(32)}},
        {"curve25519:A": key(32)},
    ],
)
def test_a_crooked_one_time_key_is_none(offered: object) -> None:
    answer = {"one_time_keys": {USER: {DEVICE: offered}}}
    assert sifting.one_time_key(answer, USER, DEVICE, SIGNING) is None
