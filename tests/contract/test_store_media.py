"""What every Store promises about the pictures of posts."""

from dataclasses import fields, replace

import pytest

from bridge.interfaces import Store, Tx
from bridge.model import Action, Draft, Medium, Post, PostState
from tests.contract.rows import ANA, NOW, PRESS


def add(tx: Tx, *message_ids: str, state: PostState = PostState.QUEUED) -> Post:
    account = tx.accounts.put("x", "1", "acme")
    media = tuple(Medium(f"mxc://example.org/{n}", "image/png", message_id=name) for n, name in enumerate(message_ids))
    draft = Draft("hello", media=media)
    return tx.posts.add(
        Action.POST, account.id, ANA, PRESS, "$command", None, draft, state=state, now=NOW, fresh_at=NOW, due_at=NOW
    )


async def test_every_field_of_a_picture_is_kept(store: Store) -> None:
    whole = Medium(
        "mxc://a/b", "image/png", 7, "c\u202e\0.png", "key", "iv", "hash", "alt\n", "99", 1.5, "$message", 2.5, True,
        "!room", (Medium("mxc://a/c", "image/png", key="k"), Medium("mxc://a/d", "image/gif")), "gone", 3, 4,
    )  # fmt: skip
    assert all(getattr(whole, field.name) != field.default for field in fields(whole))

    def work(tx: Tx) -> Medium:
        post = add(tx)
        tx.posts.save(replace(post, draft=Draft("", None, (whole,))))
        found = tx.posts.get(post.id)
        assert found is not None
        return found.draft.media[0]

    kept = await store.transact(work)
    assert [getattr(kept, field.name) for field in fields(kept)] == [
        getattr(whole, field.name) for field in fields(whole)
    ]


@pytest.mark.parametrize("odd", ["$a", "$A", '$"', "$\\", "$%", "$_", "$!", "$ä", "$\u202e"])
async def test_posts_are_found_by_the_messages_of_their_pictures(store: Store, odd: str) -> None:
    def work(tx: Tx) -> list[int]:
        first, second = add(tx, odd, "$other"), add(tx, "$other", odd, state=PostState.SCHEDULED)
        for state in (PostState.POSTED, PostState.FAILED):
            add(tx, odd, state=state)
        add(tx)
        add(tx, odd + "x")
        add(tx, odd.upper() if odd != odd.upper() else odd.lower() + "y")
        assert [first.id, second.id] == [post.id for post in tx.posts.with_picture("matrix", odd)]
        return [post.id for post in tx.posts.with_picture("console", odd)]

    assert await store.transact(work) == []
