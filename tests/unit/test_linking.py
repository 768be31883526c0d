"""What people say about linking and unlinking: every sentence of the contract that is decided in a transaction."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.bot.asked import Facts
from bridge.errors import UsageError
from bridge.interfaces import Privacy, Tx
from bridge.model import Action, Draft, LinkState, Post, PostState, Role, Speech
from tests.unit.bot_scene import ANA, BEN, DM, NOW, PRESS
from tests.unit.linking_scene import BENS, ROWS, WATCHED, Desk, get, open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as made:
        yield made


# ---------------------------------------------------------------- link


async def test_link_in_a_private_dm_starts_there(desk: Desk) -> None:
    message = await desk.say("link")
    link = await desk.link()
    assert (link.state, link.room, link.origin, link.message_id) == (LinkState.ASKED, DM, DM, message)
    assert (link.identity, link.publisher, link.thread) == (ANA, "x", "$t")


async def test_link_in_a_room_leaves_the_dm_to_the_linker_and_says_nothing_yet(desk: Desk) -> None:
    await desk.say("link", room=PRESS, facts=WATCHED)
    link = await desk.link()
    assert (link.state, link.room, link.origin) == (LinkState.ASKED, None, PRESS)
    assert desk.said() == []


@pytest.mark.parametrize(
    ("privacy", "reason"), [(Privacy.UNENCRYPTED, "not encrypted"), (Privacy.SHARED, "Others are in this room")]
)
async def test_link_in_a_dm_that_is_not_private_is_refused_with_the_reason(
    desk: Desk, privacy: Privacy, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        await desk.say("link", facts=Facts(privacy=privacy))
    assert await get(desk, lambda tx: tx.links.pending(ANA)) is None


async def test_a_person_gets_five_links_an_hour_and_is_told_when_the_next_is_free(desk: Desk) -> None:
    for _ in range(5):
        await desk.say("link")
        desk.now += 60
    with pytest.raises(UsageError, match=r"5 addresses.* in 55 min"):
        await desk.say("link")
    await desk.say("link", who=BEN, room=BENS)  # another person's own five
    desk.now = NOW + 3601
    await desk.say("link")


async def test_a_new_link_ends_the_one_before_and_its_pin(desk: Desk) -> None:
    old = await desk.waiting()
    await desk.say("link")
    assert (await desk.link(old.id)).state is LinkState.ENDED
    assert (await desk.link(old.id)).request is None


# ---------------------------------------------------------------- cancel


async def test_cancel_drops_the_link(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.say("cancel")
    over = await desk.link(link.id)
    assert (over.state, over.request) == (LinkState.ENDED, None)
    assert "Dropped" in desk.words()


async def test_cancel_without_a_link_says_so(desk: Desk) -> None:
    with pytest.raises(UsageError, match="No link is waiting"):
        await desk.say("cancel")


# ---------------------------------------------------------------- unlink


async def test_the_last_one_to_unlink_has_the_pair_forgotten_and_revoked(desk: Desk) -> None:
    acme = await desk.account("acme", ANA)
    await desk.say("unlink")
    assert await get(desk, lambda tx: tx.accounts.role(acme.id, ANA)) is None
    assert await get(desk, lambda tx: tx.accounts.sealed(acme.id)) is None
    (revocation,) = await desk.store.transact(lambda tx: tx.links.revocations(NOW))
    assert (revocation.account_id, revocation.sealed) == (acme.id, b"pair of acme")
    assert "Unlinked @acme" in desk.words()


async def test_while_others_are_linked_the_pair_stays(desk: Desk) -> None:
    acme = await desk.account("acme", ANA, BEN)
    await desk.say("unlink", "@acme")
    assert await get(desk, lambda tx: tx.accounts.role(acme.id, BEN)) is Role.OWNER
    assert await get(desk, lambda tx: tx.accounts.sealed(acme.id)) == b"pair of acme"
    assert await get(desk, lambda tx: tx.links.revocations(NOW)) == []


async def test_with_several_accounts_and_none_named_they_are_listed_and_nothing_happens(desk: Desk) -> None:
    await desk.account("acme", ANA)
    await desk.account("beta", ANA)
    with pytest.raises(UsageError, match=r"@acme, @beta.*!unlink @acme"):
        await desk.say("unlink")
    assert len(await desk.store.transact(lambda tx: tx.accounts.usable_by(ANA))) == 2


@pytest.mark.parametrize(("account", "text"), [("BETA", ""), (None, "@beta"), (None, "beta ")])
async def test_the_account_can_be_named_in_both_ways(desk: Desk, account: str | None, text: str) -> None:
    await desk.account("acme", ANA)
    await desk.account("beta", ANA)
    await desk.say("unlink", text, account=account)
    (left,) = await desk.store.transact(lambda tx: tx.accounts.usable_by(ANA))
    assert left[0].handle == "acme"


async def test_an_account_of_others_cannot_be_unlinked_and_is_not_betrayed(desk: Desk) -> None:
    await desk.account("acme", BEN)
    with pytest.raises(UsageError) as real:
        await desk.say("unlink", "@acme")
    with pytest.raises(UsageError) as made_up:
        await desk.say("unlink", "@nobody")
    assert str(real.value).replace("acme", "") == str(made_up.value).replace("nobody", "")
    with pytest.raises(UsageError, match="no linked account"):
        await desk.say("unlink")


async def test_what_waits_on_that_account_fails_and_is_answered_with_its_first_words(desk: Desk) -> None:
    acme, beta = await desk.account("acme", ANA, BEN), await desk.account("beta", ANA)
    queued = await desk.post(acme, PostState.QUEUED, "queued words")
    held = await desk.post(acme, PostState.HELD, "held words")
    others = [
        await desk.post(acme, PostState.QUEUED, "of ben", BEN),
        await desk.post(acme, PostState.SENDING, "on its way"),
        await desk.post(acme, PostState.UNKNOWN, "who knows"),
        await desk.post(beta, PostState.QUEUED, "elsewhere"),
    ]
    await desk.say("unlink", account="acme")
    for post in (queued, held):
        failed = await desk.store.transact(lambda tx, post=post: tx.posts.get(post.id))  # type: ignore[misc]  # bound on the line
        assert failed is not None
        assert (failed.state, failed.reason) == (PostState.FAILED, f"{ANA.name} unlinked @acme")
        replies = [said for said in desk.said() if said.target == post.message_id]
        assert [said.speech for said in replies] == [Speech.REACTION, Speech.TEXT]
        assert post.draft.text in replies[1].body
        assert "Not posted" in replies[1].body
    for post in others:
        assert await get(desk, lambda tx, post=post: tx.posts.get(post.id)) == post  # type: ignore[misc]  # bound on the line
    assert "2 waiting posts" in desk.words()


async def test_the_wish_to_undo_a_post_that_now_fails_is_settled_too(desk: Desk) -> None:
    acme = await desk.account("acme", ANA)
    post = await desk.post(acme, PostState.QUEUED)

    def undo(tx: Tx) -> Post:
        return tx.posts.add(
            Action.DELETE,
            acme.id,
            ANA,
            PRESS,
            "$undo",
            None,
            Draft(""),
            state=PostState.QUEUED,
            now=NOW,
            fresh_at=NOW,
            due_at=float("inf"),
            undoes=post.id,
        )

    wish = await desk.store.transact(undo)
    await desk.say("unlink")
    settled = await desk.store.transact(lambda tx: tx.posts.get(wish.id))
    assert settled is not None
    assert settled.state is PostState.FAILED
    assert "nothing to delete" in desk.words()


async def test_the_default_that_is_unlinked_is_no_default_any_more(desk: Desk) -> None:
    acme = await desk.account("acme", ANA)
    await get(desk, lambda tx: tx.accounts.set_default(ANA, acme.id))
    await desk.say("unlink")
    assert await get(desk, lambda tx: tx.accounts.default(ANA)) is None


def test_every_verb_has_a_row_that_the_help_can_print() -> None:
    assert {row.name for row in ROWS} == {"link", "pin", "cancel", "unlink"}
    assert all(row.help and row.usage and not row.publishes for row in ROWS)
