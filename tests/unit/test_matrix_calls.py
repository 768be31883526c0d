"""Answers of a homeserver that hold what a stranger made unreadable on purpose."""

import json
import time
from typing import Any

import pytest

from bridge.chat.matrix.calls import parsed


def answer(rubbish: str) -> bytes:
    return b'{"next_batch": "s1", "to_device": {"events": [{"a\\\\\\"]": ' + rubbish.encode() + b'}, {"b": "[{\\"}"}]}}'


@pytest.mark.parametrize(
    "rubbish", ["[" * 5000 + "]" * 5000, '{"x":' * 3000 + "1" + "}" * 3000, "9" * 5000, "-" + "9" * 5000]
)
def test_one_event_that_cannot_be_read_does_not_hide_the_others(rubbish: str) -> None:
    found: Any = parsed(answer(rubbish))
    assert found["next_batch"] == "s1"
    assert found["to_device"]["events"][1] == {"b": '[{"}'}


def test_what_can_be_read_is_read_as_it_is() -> None:
    value = {"n": 2**53, "t": "é\ud800", "deep": json.loads("[" * 150 + "]" * 150)}
    assert parsed(json.dumps(value).encode()) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 5000, b'{"a": "', b"\xff\xfe\xfd", b'"' * 999])
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert parsed(body) is None


def test_a_large_unreadable_answer_takes_no_long_time() -> None:
    body = answer("[" * 5000 + "]" * 5000 + ', "c": "' + '\\"[' * 500_000 + '"')
    began = time.perf_counter()
    assert parsed(body) is not None
    assert time.perf_counter() - began < 2.0
