"""What every store promises about decisions and previews: whose word counts, for what, and until when."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.interfaces import Store, Topic, Tx
from bridge.model import Account, Action, Draft, Identity, Medium, Post, PostState, Role, Room, Speech, Verdict
from bridge.store import Database

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
ADA = Identity("matrix", "@ada:example.org")
OTHER = Identity("console", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Database.open(tmp_path / "kantter.db")
    yield opened
    await opened.close()


def account(tx: Tx) -> Account:
    made = tx.accounts.put("x", "1", "acme")
    for who, role in ((ANA, Role.APPROVER), (BEN, Role.APPROVER), (ADA, Role.OWNER), (OTHER, Role.APPROVER)):
        tx.accounts.grant(made.id, who, role, NOW)
    return made


def draft(tx: Tx, account_id: int, text: str = "hello", root: int | None = None, part: int = 0) -> Post:
    post = tx.posts.add(
        Action.POST, account_id, ANA, PRESS, "$m", None, Draft(text), state=PostState.DRAFT, now=NOW,
        fresh_at=NOW, due_at=NOW,
    )  # fmt: skip
    post = replace(post, thread_root=post.id if part == 1 else root, part=part)
    tx.posts.extend(post)
    return post


def settle(tx: Tx, post: Post) -> Post:
    """Give it the content that it has."""
    post = replace(post, content=tx.decisions.content(post))
    tx.posts.extend(post)
    return post


async def test_one_word_a_person_and_the_last_one_counts(store: Store) -> None:
    def work(tx: Tx) -> None:
        post = settle(tx, draft(tx, account(tx).id))
        tx.decisions.add(post.id, BEN, Verdict.APPROVE, post.content, "$1", NOW)
        tx.decisions.add(post.id, BEN, Verdict.APPROVE, post.content, "$2", NOW + 1)
        assert [d.event_id for d in tx.decisions.of(post.id)] == ["$2"]
        assert tx.decisions.stands(post, 1)
        assert not tx.decisions.stands(post, 2)
        assert not tx.decisions.stands(post, 3)
        tx.decisions.add(
            post.id, OTHER, Verdict.APPROVE, post.content, "$2", NOW + 2
        )  # of another network: another person
        assert tx.decisions.stands(post, 2)
        tx.decisions.add(post.id, BEN, Verdict.REJECT, post.content, "$3", NOW + 3, "no")
        assert [d.identity for d in tx.decisions.standing(post)] == [OTHER]
        assert [d.reason for d in tx.decisions.of(post.id)] == ["", "no"]

    await store.transact(work)


async def test_no_approvals_asked_for_is_one(store: Store) -> None:
    def work(tx: Tx) -> bool:
        return tx.decisions.stands(settle(tx, draft(tx, account(tx).id)), 0)

    assert not await store.transact(work)


async def test_only_roles_of_now_count_and_never_the_author(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = account(tx)
        post = settle(tx, draft(tx, acme.id))
        for who in (ANA, BEN, ADA):
            tx.decisions.add(post.id, who, Verdict.APPROVE, post.content, None, NOW)
        assert {d.identity for d in tx.decisions.standing(post)} == {BEN, ADA}
        for role in (Role.POSTER, Role.CONTRIBUTOR):
            tx.accounts.grant(acme.id, BEN, role, NOW)
            assert {d.identity for d in tx.decisions.standing(post)} == {ADA}
        tx.accounts.revoke(acme.id, BEN)
        assert {d.identity for d in tx.decisions.standing(post)} == {ADA}
        tx.accounts.grant(acme.id, BEN, Role.APPROVER, NOW)
        assert {d.identity for d in tx.decisions.standing(post)} == {BEN, ADA}

    await store.transact(work)


async def test_it_counts_for_exactly_that_content(store: Store) -> None:
    def work(tx: Tx) -> None:
        post = settle(tx, draft(tx, account(tx).id))
        tx.decisions.add(post.id, BEN, Verdict.APPROVE, post.content, None, NOW)
        changed = replace(post, draft=Draft("other"))
        tx.posts.save(changed)
        assert not tx.decisions.stands(changed, 1)  # the row was changed behind its content's back
        assert not tx.decisions.stands(settle(tx, changed), 1)
        tx.posts.save(post)
        assert tx.decisions.stands(settle(tx, post), 1)
        tx.decisions.void(post.id)
        assert not tx.decisions.stands(post, 1)

    await store.transact(work)


async def test_of_a_picture_whose_bytes_are_not_known_no_word_counts(store: Store) -> None:
    def work(tx: Tx) -> None:
        post = draft(tx, account(tx).id)
        for sha256, counts in (("", False), ("a-hash", True), ("another", True)):
            post = replace(post, draft=Draft("hello", media=(Medium("mxc://a/b", "image/png", sha256=sha256),)))
            tx.posts.save(post)
            before, post = post.content, settle(tx, post)
            assert post.content != before
            tx.decisions.add(post.id, BEN, Verdict.APPROVE, post.content, "$1", NOW)
            assert tx.decisions.stands(post, 1) is counts

    await store.transact(work)


async def test_drafts_with_pictures_that_nobody_looked_at_are_found(store: Store) -> None:
    unseen = Medium("mxc://a/b", "image/png", sha256="a-hash")
    seen = [replace(unseen, copies=(replace(unseen, source="mxc://a/c"),)), replace(unseen, unshown="It is gone.")]

    def work(tx: Tx) -> None:
        account_id = account(tx).id
        first = draft(tx, account_id, part=1)
        second = draft(tx, account_id, root=first.id, part=2)
        alone = draft(tx, account_id)
        over = draft(tx, account_id)
        for post, media, state in (
            (first, seen, PostState.DRAFT),
            (second, [*seen, unseen], PostState.DRAFT),
            (alone, [unseen, unseen], PostState.DRAFT),
            (over, [unseen], PostState.FAILED),
        ):
            tx.posts.save(replace(post, draft=Draft("", media=tuple(media)), state=state))
        assert [post.id for post in tx.decisions.unseen()] == [first.id, alone.id]

    store.bell(Topic.PICTURES).clear()
    await store.transact(work)
    assert not store.bell(Topic.PICTURES).is_set()
    await store.transact(lambda tx: tx.decisions.ring())
    assert store.bell(Topic.PICTURES).is_set()


async def test_a_thread_is_one_content(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = account(tx)
        first = draft(tx, acme.id, "one", part=1)
        rest = [draft(tx, acme.id, text, first.id, part) for part, text in enumerate(("two", "three"), 2)]
        assert len({tx.decisions.content(post) for post in (first, *rest)}) == 1
        first = settle(tx, first)
        tx.decisions.add(first.id, BEN, Verdict.APPROVE, first.content, None, NOW)
        assert all(tx.decisions.stands(post, 1) for post in (first, *rest))
        # Which post a part replies to becomes known when the one before it is out: that is no other content.
        tx.posts.save(replace(rest[0], draft=Draft("two", "99")))
        assert tx.decisions.stands(rest[0], 1)
        tx.posts.extend(replace(rest[0], part=3))
        tx.posts.extend(replace(rest[1], part=2))
        assert not any(tx.decisions.stands(post, 1) for post in (first, *rest))

    await store.transact(work)


async def test_only_their_own_event_withdraws_it(store: Store) -> None:
    def work(tx: Tx) -> None:
        post = settle(tx, draft(tx, account(tx).id))
        tx.decisions.add(post.id, BEN, Verdict.APPROVE, post.content, "$tick", NOW)
        assert tx.decisions.withdraw("matrix", "$tick", ADA) is None
        assert tx.decisions.withdraw("console", "$tick", OTHER) is None
        assert tx.decisions.withdraw("matrix", "$tick", OTHER) is None
        assert tx.decisions.withdraw("matrix", "$other", BEN) is None
        assert tx.decisions.stands(post, 1)
        gone = tx.decisions.withdraw("matrix", "$tick", BEN)
        assert gone is not None
        assert (gone.post_id, gone.verdict) == (post.id, Verdict.APPROVE)
        assert tx.decisions.withdraw("matrix", "$tick", BEN) is None
        assert not tx.decisions.stands(post, 1)

    await store.transact(work)


async def test_a_preview_is_said_alone_and_in_its_place(store: Store) -> None:
    def work(tx: Tx) -> list[list[str]]:
        post = settle(tx, draft(tx, account(tx).id))
        for body in ("a", "b", "preview", "c", "d"):
            number = tx.answers.add(PRESS, Speech.TEXT, body)
            if body == "preview":
                tx.decisions.show(number, post.id, 1, post.content)
        assert [(p.version, p.room) for p in tx.decisions.previews(post.id)] == [(1, PRESS)]
        said = []
        while batches := tx.answers.claim(NOW, (), 10):
            for key, batch in batches:
                said.append([answer.body for answer in batch])
                tx.answers.sent(key, f"$e{batch[0].id}", NOW)
        return said

    assert await store.transact(work) == [["a", "b"], ["preview"], ["c", "d"]]
