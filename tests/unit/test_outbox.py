"""The outbox: each state and each error, its new state, and what the person hears."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.model import PostState
from tests.unit.outbox_stage import Stage, stage


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def test_a_post_goes_out_once_and_is_answered(at: Stage) -> None:
    acme = await at.link("acme")
    post = await at.queue(acme)
    at.start()
    row = await at.until_state(post, PostState.POSTED)
    assert at.x.texts("acme") == ["hello"]
    assert row.remote_id == at.x.person("acme").posts[0].id
    assert await at.signs(post) == ["✅"]
    assert await at.texts(post) == [
        f"Posted as @acme: https://x.example/acme/status/{row.remote_id} · undo: !undo {post.label}"
    ]
    assert at.outbox.outcomes()["posted"] == 1
    assert at.outbox.health().ok
