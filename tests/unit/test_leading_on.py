"""Answers that lead on: what they offer can be done, and what cannot be done says what can."""

from dataclasses import replace

import pytest

from bridge.interfaces import Tx
from bridge.model import Account, LinkState, Medium, OfferState, Policy, Post, PostState, Role
from tests.unit.bot_scene import ADMIN, ANA, BEN, COPY, DM, EVE, LOBBY, NOW, PRESS, Scene, open_scene
from tests.unit.drafting_scene import ADA, OWEN, POLLY, drafted, grant, now_says, set_policy, shown, team

CAT = Medium("mxc://example.org/cat", "image/jpeg", 300_000, "cat.jpg", sha256="a-hash", copies=(COPY,))


@pytest.fixture
async def acme(scene: Scene) -> Account:
    return await scene.account("acme", ana=Role.OWNER, ben=Role.POSTER)


async def out(scene: Scene, number: int = -1, remote_id: str = "1700000000000000001") -> Post:
    """That row went out."""
    post = replace(await scene.post(number), state=PostState.POSTED, remote_id=remote_id)
    await scene.set(post)
    return post


async def offered(scene: Scene, acme: Account) -> None:
    """Eve was asked whether she wants it."""

    def ask(tx: Tx) -> None:
        offer = tx.shares.offer(acme.id, EVE, Role.POSTER, ANA, PRESS, "$1", None, NOW)
        tx.shares.save_offer(replace(offer, state=OfferState.ASKED))

    await scene.store.transact(ask)


# ---------------------------------------------------------------- only what can be done


async def test_a_draft_that_needs_an_alt_text_offers_no_approval(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, alt="require")
    await scene.say(ANA, "!tweet@acme A cat", media=(CAT,))
    post = await scene.post()
    words = await now_says(scene, await shown(scene, post))
    assert "It cannot be approved without an alt text · reject: !reject k1" in words
    assert "!approve" not in words
    await scene.say(ANA, "!alt k1 A red cat")
    assert "Approve: ✅ here or !approve k1.2" in await now_says(scene, await shown(scene, await scene.post(), 2))


async def test_the_status_offers_no_send_of_what_needs_an_alt_text(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.policies.put(acme.id, Policy(alt="require")))
    await scene.say(ANA, "!tweet A cat", media=(CAT,))
    await scene.question(ANA, [await scene.post()])
    words = await scene.ask(ANA, "!status")
    assert "k1 waits for your word: “A cat” · !alt k1 WHAT IT SHOWS or !drop k1" in words
    assert "!send" not in words


# ---------------------------------------------------------------- what is so


async def test_who_approves_again_hears_that_it_counts_once(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, approvals=2)
    await drafted(scene)
    assert (await scene.ask(ADA, "!approve k1")).startswith("Approved k1, “hello”: 1 of 2, it still waits.")
    again = await scene.ask(ADA, "!approve k1")
    assert again.startswith("You had approved k1, “hello” before: 1 of 2, it still waits.")


async def test_what_has_ended_says_so_and_what_to_do(scene: Scene) -> None:
    await team(scene)
    await drafted(scene)
    await scene.say(BEN, "!reject k1 the date is wrong")
    words = await scene.ask(ANA, "!edit k1 other words")
    assert words == (
        "It is too late to change k1: it ended, not posted (rejected by @ben:example.org)."
        " Say it anew with the new words."
    )
    assert await scene.ask(ANA, "!drop k1") == (
        "k1 does not wait for your word: it ended, not posted (rejected by @ben:example.org)."
    )


async def test_an_owner_sees_in_the_status_who_wants_to_own_the_account(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.OWNER)

    await scene.store.transact(lambda tx: tx.accounts.grant(acme.id, BEN, Role.POSTER, NOW, linked=True))
    await scene.say(BEN, "!recover @acme")
    words = await scene.ask(ANA, "!status")
    assert words.startswith("@ben:example.org becomes owner of @acme at 2027-01-22")
    assert words.endswith("unless an owner says !object @acme")
    assert "becomes owner" not in await scene.ask(BEN, "!status")


async def test_the_status_tells_when_few_posts_are_left() -> None:
    async with open_scene(None, cap=5) as scene:
        await scene.account("acme", ana=Role.OWNER)
        assert "limit" not in await scene.ask(ANA, "!status")
        for number in range(4):
            await scene.say(ANA, f"!tweet {number}")
            await out(scene, remote_id=f"170000000000000000{number}")
        left = "You may make 1 more post now: the limit is 5 in 24 hours."
        assert await scene.ask(ANA, "!status") == f"All is well: nothing of yours waits.\n{left}"
        await scene.say(ANA, "!tweet the last")
        assert "You may make 0 more posts now" in await scene.ask(ANA, "!status")
        assert "The next one at 08:00 UTC, in 24 h." in await scene.ask(ANA, "!status")
        assert "limit" not in await scene.ask(ADMIN, "!status")


async def test_a_budget_that_is_used_up_already_says_so(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet hello")
    await out(scene)
    words = await scene.ask(ANA, "!policy @acme budget=0.01")
    assert words == "@acme: budget=$0.01 (was none). Used or promised: $0.015 of $0.01 this month."
    refused = await scene.ask(ANA, "!tweet again")
    assert "An owner can raise it: !policy @acme budget=DOLLARS" in refused


async def test_who_may_run_operator_commands_hears_which(scene: Scene) -> None:
    assert "!resume" in await scene.ask(ADMIN, "!whoami", DM)


# ---------------------------------------------------------------- what is meant


async def test_a_later_part_of_a_thread_does_not_stand_for_all_of_it(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!thread one\n---\ntwo\n---\nthree")
    for number in range(3):
        await out(scene, number, f"170000000000000000{number}")
    for named in ("k2", "https://x.example/acme/status/1700000000000000001"):
        words = await scene.ask(ANA, f"!undo {named}")
        assert "is part 2 of the thread k1, and an undo takes back all 3 parts, so I did nothing yet." in words
        assert words.endswith("To do that: !undo k1")
    assert len(await scene.posts()) == 3
    await scene.say(ANA, "!undo k1")
    assert len(await scene.posts()) == 6


async def test_a_post_of_ours_is_named_by_its_id_too(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!tweet hello")
    assert "k1 is not out" in await scene.ask(ANA, "!reply k1 indeed")
    await out(scene)
    await scene.say(ANA, "!reply k1 indeed")
    post = await scene.post()
    assert (post.draft.text, post.draft.reply_to) == ("indeed", "1700000000000000001")
    await scene.say(ANA, "!retweet K1")
    assert (await scene.post()).target == "1700000000000000001"
    await scene.account("own", eve=Role.OWNER)
    for name in ("k1", "k9", "q1"):
        words = await scene.ask(BEN if name != "k1" else POLLY, f"!retweet {name}")
        assert words.startswith(f"Not posted: “{name}”.")


@pytest.mark.parametrize("text", ["one\n!tweet two", "one\n  !T@acme two", "!undo"])
async def test_a_second_command_in_a_message_is_asked_about(scene: Scene, acme: Account, text: str) -> None:
    await scene.say(ANA, f"!tweet {text}")
    post = await scene.post()
    assert post.state is PostState.HELD
    assert "I take one command from a message" in post.reason


@pytest.mark.parametrize("text", ["one\n!wow two", "one !tweet two", "!", "a\n! tweet b"])
async def test_what_is_no_command_is_not(scene: Scene, acme: Account, text: str) -> None:
    await scene.say(ANA, f"!tweet {text}")
    assert (await scene.post()).state is PostState.QUEUED


@pytest.mark.parametrize("typed", ["9 | text", "10:30 Berlim | text", "tomorrow | text", "in 2 parsecs | text"])
async def test_a_mistyped_time_changes_nothing(scene: Scene, acme: Account, typed: str) -> None:
    await scene.say(ANA, "!schedule in 2h | before")
    words = await scene.ask(ANA, f"!edit k1 {typed}")
    assert words.startswith("k1 is as it was: ")
    assert words.endswith("To change the words only: !edit k1 | TEXT")
    assert (await scene.post()).draft.text == "before"


async def test_behind_a_bar_with_nothing_before_it_all_is_words(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | before")
    at = (await scene.post()).scheduled_for
    await scene.say(ANA, "!edit k1 | 9 | 10 rules")
    assert ((await scene.post()).draft.text, (await scene.post()).scheduled_for) == ("9 | 10 rules", at)


async def test_a_frozen_account_keeps_the_time_in_the_queue(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | later")
    await scene.say(ANA, "!freeze @acme")
    words = await scene.ask(ANA, "!queue")
    assert "is for Friday 15 January 2027, 10:00 UTC, but waits: the account is frozen" in words


# ---------------------------------------------------------------- a right that is gone


async def test_a_lost_default_is_replaced_by_no_other_account(scene: Scene) -> None:
    acme = await scene.account("acme", ana=Role.POSTER)
    await scene.account("own", ana=Role.OWNER)
    await scene.say(ANA, "!use @acme")
    await scene.store.transact(lambda tx: tx.accounts.revoke(acme.id, ANA))
    words = await scene.ask(ANA, "!tweet hello")
    assert words == (
        "Not posted: “hello”. You may not use your default account any more. Name another: !tweet@own … or choose one:"
        " !use @own"
    )
    assert await scene.posts() == []


async def test_a_draft_of_somebody_without_a_right_cannot_be_approved(scene: Scene) -> None:
    account = await team(scene)
    _, event = await drafted(scene)
    await scene.say(POLLY, "!status")
    await grant(scene, account, ANA, None)  # as when they leave a room that had it
    await scene.say(OWEN, "!policy @acme links=allow")
    gone = "@ana:example.org may not use this account any more."
    assert f"It cannot be approved: {gone} Reject: !reject k1" in await now_says(scene, event)
    why = "k1 cannot be approved: @ana:example.org, who wrote it, may not use @acme any more."
    assert await scene.ask(ADA, "!approve k1") == why
    assert await scene.react(ADA, event, "✅") == why
    assert "k1 @acme does not go out while @ana:example.org may not use @acme" in await scene.ask(ADA, "!queue")
    await grant(scene, account, ANA, Role.CONTRIBUTOR)
    assert "it goes out now" in await scene.ask(ADA, "!approve k1")


async def test_an_approval_is_taken_back_by_a_word(scene: Scene) -> None:
    account = await team(scene)
    await set_policy(scene, account, approvals=2)
    await drafted(scene)
    assert (await scene.ask(ADA, "!approve k1")).endswith("To take that back: !unapprove k1")
    assert "end the draft: !drop k1" in await scene.ask(ADA, "!undo k1")  # it may have meant the approval
    assert (await scene.post()).state is PostState.DRAFT
    assert await scene.ask(ADA, "!unapprove k1") == "Took your approval of k1, “hello” back: 0 of 2, it waits."
    assert await scene.ask(ADA, "!unapprove k1") == "There is no approval of yours on k1 that I could take back."
    await scene.say(BEN, "!approve k1")
    assert (await scene.post()).state is PostState.DRAFT
    await scene.say(ADA, "!approve k1")
    assert (await scene.post()).state is PostState.QUEUED
    await scene.say(ADA, "!unapprove k1")
    assert (await scene.post()).state is PostState.DRAFT
    await scene.say(ADA, "!approve k1")
    await scene.set(replace(await scene.post(), state=PostState.SENDING, claimed_at=NOW))
    assert await scene.ask(ADA, "!unapprove k1") == "Too late: k1 is on its way already · !undo k1"


async def test_of_what_has_ended_no_version_is_asked_for(scene: Scene) -> None:
    await team(scene)
    await drafted(scene)
    await scene.say(ANA, "!drop k1")
    assert (await scene.ask(ADA, "!approve k1.2")).startswith(
        "k1 does not wait for approval: it is not posted (dropped"
    )


async def test_who_was_asked_to_join_is_told_of_that_instead_of_linking(scene: Scene, acme: Account) -> None:
    await offered(scene, acme)
    words = await scene.ask(EVE, "!tweet hi", DM)
    assert words == (
        "Not posted: “hi”. You have no account here yet. @ana:example.org asked whether you want @acme. To take it:"
        " !accept @acme"
    )
    there = await scene.ask(EVE, "!accounts")
    assert there == "You have no account here yet, but I have asked you in private whether you want one: look there."


# ---------------------------------------------------------------- the first words


async def test_somebody_new_who_talks_in_private_is_told_once_what_the_bot_is(scene: Scene) -> None:
    words = await scene.ask(EVE, "hey there, what are you?", DM)
    assert words.startswith("I post to X for people in chats like this. To begin, write !link to me in private")
    assert await scene.ask(EVE, "ok, thank you", DM) == ""
    assert await scene.ask(BEN, "just talk", LOBBY) == ""


async def test_who_has_an_account_or_wrote_long_ago_is_not_greeted(scene: Scene, acme: Account) -> None:
    assert await scene.ask(ANA, "just some words", DM) == ""
    assert await scene.ask(EVE, "old words of mine", DM, age=7200) == ""


async def test_who_was_asked_and_says_yes_is_led_on(scene: Scene, acme: Account) -> None:
    await offered(scene, acme)
    for said in ("yes", "yes please"):
        words = await scene.ask(EVE, said, DM)
        assert words.endswith("asked whether you want @acme. To take it: !accept @acme · if not: !decline")


@pytest.mark.parametrize("said", ["hello", "yes", "hi", "what are you?"])
async def test_the_first_word_of_somebody_new_is_greeted_whatever_it_is(scene: Scene, said: str) -> None:
    assert (await scene.ask(EVE, said, DM)).startswith("I post to X for people in chats like this.")


async def test_while_a_link_waits_digits_that_are_no_pin_and_slips_are_answered(scene: Scene) -> None:
    def link(tx: Tx) -> None:
        made = tx.links.add(EVE, "x", DM, "$link", None, DM, NOW)
        tx.links.save(replace(made, state=LinkState.WAITING))

    await scene.store.transact(link)
    assert await scene.ask(EVE, "241601", DM) == "That is no PIN: it has 7 digits. Say it as X shows it."
    assert "Do you mean !cancel?" in await scene.ask(EVE, "cancle", DM)
    assert await scene.ask(EVE, "wait a moment", DM) == ""


# ---------------------------------------------------------------- whose account, and whose word


async def test_a_choice_that_does_not_count_here_says_so(scene: Scene, acme: Account) -> None:
    await scene.account("own", ana=Role.OWNER)
    await scene.store.transact(lambda tx: tx.accounts.set_default(PRESS, acme.id))
    words = await scene.ask(ANA, "!use @own")
    assert words == (
        "You speak as @own now, when no account is named. Not in this room, which has an account of its own: name yours"
        " here, !tweet@own …"
    )
    assert "Not in this room" not in await scene.ask(ANA, "!use @own", LOBBY)
    assert "Not in this room" not in await scene.ask(ANA, "!use @acme")


async def test_policy_takes_the_only_account(scene: Scene, acme: Account) -> None:
    assert (await scene.ask(ANA, "!policy hold")).startswith("@acme: hold=none.")
    assert await scene.ask(ANA, "!policy hold=20s") == "@acme: hold=20s (was none)."
    await scene.account("own", ana=Role.OWNER)
    assert "Which account?" in await scene.ask(ANA, "!policy hold=30s")


async def test_a_changed_schedule_that_is_asked_about_says_where_it_stands(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!schedule in 2h | one")
    words = await scene.ask(ANA, "!edit k1 in 3h | call me at +1 202 555 0143")
    assert words.endswith("waits for its author's word (!send k1), to go out Friday 15 January 2027, 11:00 UTC.")
    words = await scene.ask(ANA, "!send k1")
    assert words == (
        "Sending k1. It goes out at its time: Friday 15 January 2027, 11:00 UTC. To change it: !edit k1 [WHEN |] TEXT ·"
        " to drop it: !drop k1"
    )
    assert (await scene.post()).state is PostState.SCHEDULED


async def test_help_answers_for_pictures_too(scene: Scene, acme: Account) -> None:
    assert "send them one after the other, and reply to the first" in await scene.ask(ANA, "!help pictures")


async def test_the_preview_of_an_own_draft_offers_what_only_its_author_may(scene: Scene) -> None:
    await team(scene)
    _, event = await drafted(scene, "mine", POLLY)
    assert "@polly:example.org may send it: !send k1" in await now_says(scene, event)
    _, event = await drafted(scene, "theirs", ANA)
    assert "may send it" not in await now_says(scene, event)


async def test_the_log_tells_times_in_the_zone_of_who_asks(scene: Scene, acme: Account) -> None:
    await scene.say(ANA, "!freeze @acme")
    assert (await scene.ask(ANA, "!log")).startswith("15 Jan 08:00 · @ana:example.org · freeze")
    await scene.say(ANA, "!timezone Europe/Berlin")
    assert (await scene.ask(ANA, "!log")).startswith("15 Jan 09:00 · @ana:example.org · freeze")


async def test_the_queue_offers_no_send_of_what_needs_an_alt_text(scene: Scene, acme: Account) -> None:
    await scene.store.transact(lambda tx: tx.policies.put(acme.id, Policy(alt="require")))
    await scene.say(ANA, "!tweet A cat", media=(CAT,))
    await scene.question(ANA, [await scene.post()])
    assert "· !alt k1 WHAT IT SHOWS or !drop k1" in await scene.ask(ANA, "!queue")
    assert "!drop" not in await scene.ask(BEN, "!queue")
