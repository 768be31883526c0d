"""A sync answer that is too large to be read is asked for in smaller pieces."""

import json
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from nio import AsyncClient

from bridge.chat.matrix import sync
from bridge.chat.matrix.calls import TooLarge
from bridge.chat.matrix.sync import Sync


async def test_after_one_that_was_too_large_less_is_asked_for_until_one_could_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    async def answer(_client: object, _method: str, path: str, **_: object) -> dict[str, Any]:
        found = json.loads(parse_qs(urlsplit(path).query)["filter"][0])["room"]["timeline"]["limit"]
        asked.append(found)
        if found > 1 and len(asked) < 4:
            raise TooLarge("too large")
        return {"next_batch": "s"}

    monkeypatch.setattr(sync, "call", answer)
    part = cast("Any", None)
    made = Sync(
        AsyncClient("http://127.0.0.1:1"), part, "s0", name="matrix", roster=part, timeline=part, doors=part, keys=part,
        clock=lambda: 0.0,
    )  # fmt: skip
    for _ in range(2):
        with pytest.raises(TooLarge):
            await made._fetch()
    await made._fetch()
    await made._fetch()
    assert asked == [50, 7, 1, 50]
