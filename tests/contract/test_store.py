"""What every Store promises, whatever database is behind it."""

import asyncio
from dataclasses import replace

import pytest

from bridge.interfaces import Kinds, Ready, Store, Topic, Tx
from bridge.model import (
    Account,
    Action,
    Answer,
    Draft,
    Identity,
    LinkState,
    Policy,
    Post,
    PostState,
    Role,
    Room,
    Sealed,
    Speech,
    label,
    unlabel,
)

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.0


def queue(tx: Tx, account: Account, text: str = "hello", **more: object) -> Post:
    fields: dict[str, object] = {"state": PostState.QUEUED, "now": NOW, "fresh_at": NOW, "due_at": NOW} | more
    message = str(fields.pop("message_id", f"$of-{text}"))
    author = fields.pop("author", ANA)
    action = fields.pop("action", Action.POST)
    return tx.posts.add(action, account.id, author, PRESS, message, None, Draft(text), **fields)  # type: ignore[arg-type]  # a table of fields


async def test_a_transaction_that_raises_leaves_nothing_behind(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.notes.put("matrix", "bookmark", b"s1")
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(work)
    assert await store.transact(lambda tx: tx.notes.get("matrix", "bookmark")) is None


class Joiner:
    """A follower that notes what it is told. ``breaks``: it raises after its share."""

    def __init__(self, *, joins: bool = True, breaks: bool = False) -> None:
        self.joins = joins
        self.breaks = breaks
        self.told: list[bool] = []

    def may_join(self) -> bool:
        return self.joins

    def join(self, tx: Tx) -> bool:
        tx.notes.put("share", "1", b"x")
        if self.breaks:
            raise LookupError
        return True

    def joined(self, *, committed: bool) -> None:
        self.told.append(committed)


def account_with_a_post(tx: Tx) -> Post:
    return queue(tx, tx.accounts.put("x", "1", "acme"))


async def share(store: Store) -> bytes | None:
    return await store.transact(lambda tx: tx.notes.get("share", "1"))


async def test_a_followers_share_is_committed_with_the_rest_and_rings_no_bell(store: Store) -> None:
    follower = Joiner()
    store.follow(follower)
    post = await store.transact(account_with_a_post)
    assert follower.told == [True]
    assert not store.bell(Topic.POSTS).is_set()
    assert await share(store) == b"x"
    assert await store.transact(lambda tx: tx.posts.get(post.id)) == post


async def test_a_follower_is_asked_about_posts_only_and_may_leave_them(store: Store) -> None:
    follower = Joiner(joins=False)
    store.follow(follower)
    await store.transact(lambda tx: tx.notes.put("a", "1", b"x"))
    assert not store.bell(Topic.POSTS).is_set()
    await store.transact(account_with_a_post)
    assert store.bell(Topic.POSTS).is_set()
    assert follower.told == []
    store.follow(None)
    follower.joins = True
    await store.transact(account_with_a_post)
    assert follower.told == []


async def test_a_follower_that_breaks_loses_its_share_alone(store: Store) -> None:
    follower = Joiner(breaks=True)
    store.follow(follower)
    post = await store.transact(account_with_a_post)
    assert follower.told == [False]
    assert store.bell(Topic.POSTS).is_set()
    assert await share(store) is None
    assert await store.transact(lambda tx: tx.posts.get(post.id)) == post


async def test_a_follower_hears_of_it_when_the_caller_is_gone(store: Store) -> None:
    follower = Joiner()
    store.follow(follower)
    task = asyncio.create_task(store.transact(account_with_a_post))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = await share(store)
    assert (kept, follower.told) in [(None, []), (b"x", [True])]


async def test_a_cancelled_caller_cannot_leave_half_a_transaction(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.notes.put("a", "1", b"x")
        tx.notes.put("a", "2", b"x")

    task = asyncio.create_task(store.transact(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = await store.transact(lambda tx: (tx.notes.get("a", "1"), tx.notes.get("a", "2")))
    assert kept in [(None, None), (b"x", b"x")]


async def test_what_a_cancelled_caller_changed_rings_the_bell(store: Store) -> None:
    task = asyncio.create_task(store.transact(account_with_a_post))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5.0):
        await store.bell(Topic.POSTS).wait()


async def test_what_need_not_last_is_there_all_the_same(store: Store) -> None:
    await store.transact(lambda tx: tx.notes.put("a", "1", b"x"), lasting=False)

    def breaks(tx: Tx) -> None:
        tx.notes.drop("a", "1")
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(breaks, lasting=False)
    assert await store.transact(lambda tx: tx.notes.get("a", "1")) == b"x"


async def test_transactions_of_many_tasks_do_not_mix(store: Store) -> None:
    def add_one(tx: Tx) -> None:
        count = int(tx.notes.get("n", "count") or b"0")
        tx.notes.put("n", "count", str(count + 1).encode())

    await asyncio.gather(*(store.transact(add_one) for _ in range(50)))
    assert await store.transact(lambda tx: tx.notes.get("n", "count")) == b"50"


async def test_an_event_and_a_replayed_ciphertext_count_once(store: Store) -> None:
    first = await store.transact(lambda tx: tx.arrivals.first("matrix", "$1", "session:0", NOW))
    again = await store.transact(lambda tx: tx.arrivals.first("matrix", "$1", "session:0", NOW))
    replay = await store.transact(lambda tx: tx.arrivals.first("matrix", "$2", "session:0", NOW))
    elsewhere = await store.transact(lambda tx: tx.arrivals.first("irc", "$1", None, NOW))
    assert (first, again, replay, elsewhere) == (True, False, False, True)


async def test_bells_ring_only_for_what_changed_and_only_after_commit(store: Store) -> None:
    await store.transact(lambda tx: tx.answers.add(PRESS, Speech.TEXT, "hi"))
    assert store.bell(Topic.ANSWERS).is_set()
    assert not store.bell(Topic.LINKS).is_set()


async def test_an_account_is_its_remote_id_and_keeps_up_with_its_handle(store: Store) -> None:
    def work(tx: Tx) -> tuple[Account, Account, Account]:
        return (
            tx.accounts.put("x", "7", "acme"),
            tx.accounts.put("x", "7", "acme_hq"),
            tx.accounts.put("x", "8", "acme"),
        )

    one, renamed, other = await store.transact(work)
    assert (renamed.id, renamed.handle) == (one.id, "acme_hq")
    assert other.id != one.id


async def test_rights_and_defaults_go_together(store: Store) -> None:
    def work(tx: Tx) -> None:
        account = tx.accounts.put("x", "7", "acme")
        tx.accounts.seal(account.id, Sealed(b"sealed"))
        tx.accounts.grant(account.id, ANA, Role.OWNER, NOW)
        tx.accounts.grant(account.id, BEN, Role.POSTER, NOW + 1)
        tx.accounts.set_default(ANA, account.id)
        tx.accounts.set_default(PRESS, account.id)
        assert tx.accounts.team(account.id) == [(ANA, Role.OWNER), (BEN, Role.POSTER)]
        assert tx.accounts.usable_by(BEN) == [(account, Role.POSTER)]
        tx.accounts.revoke(account.id, ANA)
        assert tx.accounts.role(account.id, ANA) is None
        assert tx.accounts.default(ANA) is None
        assert tx.accounts.default(PRESS) == account.id
        assert tx.accounts.sealed(account.id) == b"sealed"

    await store.transact(work)


async def test_held_posts_without_a_question_are_found(store: Store) -> None:
    def work(tx: Tx) -> tuple[list[Post], Post]:
        acme = tx.accounts.put("x", "1", "acme")
        asked = queue(tx, acme, "asked", state=PostState.HELD)
        tx.posts.save(replace(asked, question_id=tx.answers.ask(ANA, PRESS).id))
        queue(tx, acme, "queued")
        return tx.posts.unasked(), queue(tx, acme, "held", state=PostState.HELD)

    before, held = await store.transact(work)
    assert before == []
    assert await store.transact(lambda tx: tx.posts.unasked()) == [held]


async def test_waiting_posts_that_nobody_was_told_about_are_found(store: Store) -> None:
    def work(tx: Tx) -> tuple[Account, Post, Post]:
        acme, zoo = tx.accounts.put("x", "1", "acme"), tx.accounts.put("x", "2", "zoo")
        first, told, other = queue(tx, acme, "a"), queue(tx, acme, "b"), queue(tx, zoo, "c")
        tx.posts.save(replace(told, reason="it rests"))
        queue(tx, acme, "d", due_at=float("inf"), action=Action.DELETE)
        queue(tx, acme, "e", state=PostState.HELD)
        return acme, first, other

    acme, first, other = await store.transact(work)
    assert await store.transact(lambda tx: tx.posts.untold(acme.id)) == [first]
    assert await store.transact(lambda tx: tx.posts.untold(None)) == [first, other]


async def test_due_rows_are_of_their_states_and_action(store: Store) -> None:
    def work(tx: Tx) -> tuple[Post, Post]:
        acme = tx.accounts.put("x", "1", "acme")
        now, later = queue(tx, acme, "a", action=Action.DELETE), queue(tx, acme, "b", due_at=NOW + 5)
        queue(tx, acme, "c", action=Action.DELETE, due_at=float("inf"))
        queue(tx, acme, "d", state=PostState.HELD)
        return now, later

    deleting, later = await store.transact(work)
    assert await store.transact(lambda tx: tx.posts.due((PostState.QUEUED,), Action.DELETE, NOW)) == [deleting]
    states = (PostState.UNKNOWN, PostState.QUEUED)
    assert await store.transact(lambda tx: tx.posts.due(states, None, NOW + 5)) == [deleting, later]


async def test_heads_are_the_oldest_of_each_account(store: Store) -> None:
    def work(tx: Tx) -> list[tuple[int, int, float]]:
        acme, zoo = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "zoo")
        sent = queue(tx, acme, "0")
        tx.posts.save(replace(sent, state=PostState.POSTED, remote_id="99"))
        first = queue(tx, acme, "1", due_at=NOW + 9)
        queue(tx, acme, "2")
        other = queue(tx, zoo, "3")
        queue(tx, zoo, "4", action=Action.DELETE)
        assert list(tx.posts.heads()) == [(acme.id, first.id, NOW + 9), (zoo.id, other.id, NOW)]
        assert tx.posts.remote_ids(acme.id) == {"99"}
        assert tx.posts.find("x", "99") == replace(sent, state=PostState.POSTED, remote_id="99")
        assert tx.posts.next_due(NOW) == NOW + 9
        return list(tx.posts.heads())

    assert len(await store.transact(work)) == 2


async def test_the_kinds_of_rows_that_there_are(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        done = queue(tx, acme, "0")
        tx.posts.save(replace(done, state=PostState.POSTED))
        assert tx.posts.kinds() == Kinds(queued=False, deletes=False, unasked=False)
        queue(tx, acme, "1")
        assert tx.posts.kinds() == Kinds(queued=True, deletes=False, unasked=False)
        held = queue(tx, acme, "2", state=PostState.HELD)
        queue(tx, acme, "3", action=Action.DELETE)
        assert tx.posts.kinds() == Kinds(queued=True, deletes=True, unasked=True)
        tx.posts.save(replace(held, question_id=tx.answers.ask(ANA, PRESS).id))
        assert not tx.posts.kinds().unasked

    await store.transact(work)


async def test_what_must_be_known_to_send_comes_with_the_rows(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme, zoo = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "zoo")
        first, other = queue(tx, acme, "1"), queue(tx, zoo, "2", action=Action.REPOST)
        assert tx.posts.ready([other.id, first.id]) == [
            Ready(first, acme, None, 0.0, None, Policy()),
            Ready(other, zoo, None, 0.0, None, Policy()),
        ]
        tx.accounts.seal(acme.id, Sealed(b"sealed"))
        tx.accounts.rest(acme.id, Action.POST, NOW + 5)
        tx.accounts.rest(zoo.id, Action.POST, NOW + 5)
        broken = replace(zoo, broken="revoked", premium=True, frozen="matrix:@ana:example.org")
        tx.accounts.save(broken)
        tx.accounts.grant(acme.id, ANA, Role.POSTER, NOW)
        tx.policies.put(zoo.id, Policy(approvals=2))
        assert tx.posts.ready([first.id, other.id, 99]) == [
            Ready(first, acme, Sealed(b"sealed"), NOW + 5, Role.POSTER, Policy()),
            Ready(other, broken, None, 0.0, None, Policy(approvals=2)),
        ]
        tx.shares.gather(PRESS, {ANA}, closed=True)
        tx.shares.give(acme.id, PRESS, Role.APPROVER, NOW)
        assert [ready.role for ready in tx.posts.ready([first.id])] == [Role.APPROVER]
        tx.shares.gather(PRESS, {ANA}, closed=False)
        assert [ready.role for ready in tx.posts.ready([first.id])] == [Role.POSTER]

    await store.transact(work)


async def test_several_answers_are_added_in_order_and_found_by_their_posts(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        first, other, third = (queue(tx, acme, text) for text in "123")
        earlier = tx.answers.add(PRESS, Speech.TEXT, "earlier", post_id=first.id)
        said = Answer(0, PRESS, Speech.TEXT, "a", "$m", None, "$t", ANA, NOW, first.id, None)
        shown = Answer(0, PRESS, Speech.REACTION, "b", target_answer=earlier, post_id=other.id)
        tx.answers.add_all([said, shown, replace(said, body="c", post_id=third.id)])
        ids = [first.id, other.id]
        texts = tx.answers.of_posts(ids, Speech.TEXT)
        assert [answer.body for answer in texts] == ["earlier", "a"]
        assert texts[1] == replace(said, id=earlier + 1)
        assert tx.answers.of_posts(ids, Speech.REACTION) == [replace(shown, id=earlier + 2)]

    await store.transact(work)


async def test_a_sign_that_was_not_sent_yet_becomes_another_one(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        waits, twice, shown, other = (queue(tx, acme, text) for text in "1234")
        for post in (shown, waits, twice, twice):
            tx.answers.add(PRESS, Speech.REACTION, "⏳", target=post.message_id, due_at=NOW + 1, post_id=post.id)
            if post is shown:
                ((key, _),) = tx.answers.claim(NOW + 2, (), 10)
                tx.answers.sent(key, "$e", NOW)
        tx.answers.add(PRESS, Speech.REACTION, "👀", post_id=other.id)
        ids = [post.id for post in (waits, twice, shown, other)]
        assert tx.answers.instead(ids, "⏳", "✅") == {waits.id, twice.id}
        said = {post_id: [a.body for a in tx.answers.of_post(post_id, Speech.REACTION)] for post_id in ids}
        assert said == {waits.id: ["✅"], twice.id: ["✅"], shown.id: ["⏳"], other.id: ["👀"]}
        assert [a.due_at for a in tx.answers.of_post(waits.id, Speech.REACTION)] == [0.0]

    await store.transact(work)


async def test_what_went_out_is_posted_and_keeps_the_rest(store: Store) -> None:
    def work(tx: Tx) -> None:
        post = queue(tx, tx.accounts.put("x", "7", "acme"))
        asked = replace(post, claimed_at=NOW, reason="waits", question_id=tx.answers.ask(ANA, PRESS).id)
        tx.posts.save(asked)
        tx.posts.went_out([(asked.id, "99")], NOW + 5)
        posted = replace(asked, state=PostState.POSTED, remote_id="99", question_id=None, reason="", due_at=NOW + 5)
        assert tx.posts.get(post.id) == posted

    await store.transact(work)


async def test_a_claim_counts_and_keeps_the_time_of_the_first_attempt(store: Store) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        fresh, tried, left = queue(tx, acme, "1"), queue(tx, acme, "2"), queue(tx, acme, "3")
        tried = replace(tried, claimed_at=NOW - 60, attempts=1)
        tx.posts.save(tried)
        tx.posts.claim([fresh.id, tried.id], NOW)
        assert [tx.posts.get(post.id) for post in (fresh, tried, left)] == [
            replace(fresh, state=PostState.SENDING, claimed_at=NOW, attempts=1),
            replace(tried, state=PostState.SENDING, attempts=2),
            left,
        ]

    await store.transact(work)


async def test_the_daily_count_leaves_out_what_failed_and_what_undoes(store: Store) -> None:
    def work(tx: Tx) -> int:
        acme = tx.accounts.put("x", "7", "acme")
        queue(tx, acme, "1")
        tx.posts.save(replace(queue(tx, acme, "2"), state=PostState.FAILED))
        queue(tx, acme, "3", action=Action.DELETE)
        queue(tx, acme, "4", author=BEN)
        queue(tx, acme, "5", now=NOW - 90_000, fresh_at=NOW - 90_000)
        queue(tx, acme, "6", now=NOW - 90_000, fresh_at=NOW - 60)  # held for a day, and sent on its author's word
        return tx.posts.count_since(ANA, NOW - 86_400)

    assert await store.transact(work) == 2


async def test_several_answers_in_a_room_are_one_batch_with_one_lasting_key(store: Store) -> None:
    def add(tx: Tx) -> None:
        tx.answers.add(PRESS, Speech.TEXT, "one")
        tx.answers.add(PRESS, Speech.REACTION, "✅", target="$1")
        tx.answers.add(PRESS, Speech.TEXT, "two")
        tx.answers.add(PRESS, Speech.TEXT, "later", due_at=NOW + 5)

    await store.transact(add)
    [(key, batch)] = await store.transact(lambda tx: tx.answers.claim(NOW, set(), 9))
    assert [a.body for a in batch] == ["one", "two"]
    await store.transact(lambda tx: tx.answers.add(PRESS, Speech.TEXT, "three"))
    [(again, same)] = await store.transact(lambda tx: tx.answers.claim(NOW, set(), 9))
    assert (again, same) == (key, batch), "a repetition must be the same message"
    await store.transact(lambda tx: tx.answers.sent(key, "$out", NOW))
    [(_, reaction)] = await store.transact(lambda tx: tx.answers.claim(NOW, set(), 9))
    assert [a.body for a in reaction] == ["✅"]
    assert await store.transact(lambda tx: tx.answers.claim(NOW, {PRESS}, 9)) == []
    found = await store.transact(lambda tx: tx.answers.of_event("matrix", "$out"))
    assert [a.body for a in found] == ["one", "two"]


async def test_the_backlog_of_one_room_silences_no_other(store: Store) -> None:
    other = Room("matrix", "!other")

    def work(tx: Tx) -> list[str]:
        for number in range(1500):
            tx.answers.add(PRESS, Speech.TEXT, f"{number}")
        tx.answers.add(other, Speech.TEXT, "hi")
        return [answer.body for _, batch in tx.answers.claim(NOW, {PRESS}, 9) for answer in batch]

    assert await store.transact(work) == ["hi"]


async def test_a_room_that_moved_again_does_not_change_what_was_chosen_in_the_new_one(store: Store) -> None:
    new = Room("matrix", "!new")

    def work(tx: Tx) -> tuple[int | None, int | None, int]:
        acme, zoo = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "zoo")
        tx.accounts.set_default(new, zoo.id)
        tx.accounts.set_default(PRESS, acme.id)
        tx.accounts.move_room(PRESS, new)
        return tx.accounts.default(PRESS), tx.accounts.default(new), zoo.id

    gone, kept, zoo_id = await store.transact(work)
    assert (gone, kept) == (None, zoo_id)


async def test_a_redaction_finds_the_event_of_an_earlier_answer(store: Store) -> None:
    def work(tx: Tx) -> str | None:
        glass = tx.answers.add(PRESS, Speech.REACTION, "⏳", target="$1")
        [(key, _)] = tx.answers.claim(NOW, set(), 9)
        assert not tx.answers.cancel(glass), "it may be on its way"
        tx.answers.add(PRESS, Speech.REDACTION, "", target_answer=glass)
        tx.answers.sent(key, "$glass", NOW)
        [(_, batch)] = tx.answers.claim(NOW, set(), 9)
        return batch[0].target

    assert await store.transact(work) == "$glass"


async def test_an_answer_that_nobody_tried_to_send_can_be_taken_back_and_its_id_is_not_used_again(store: Store) -> None:
    def work(tx: Tx) -> tuple[int, int]:
        one = tx.answers.add(PRESS, Speech.REACTION, "⏳", target="$1", due_at=NOW + 1)
        assert tx.answers.cancel(one)
        return one, tx.answers.add(PRESS, Speech.TEXT, "done")

    one, two = await store.transact(work)
    assert two > one


async def test_a_new_link_ends_the_one_before(store: Store) -> None:
    def work(tx: Tx) -> None:
        old = tx.links.add(ANA, "x", PRESS, "$1", None, None, NOW)
        tx.links.save(replace(old, state=LinkState.WAITING, request=Sealed(b"r")))
        new = tx.links.add(ANA, "x", PRESS, "$2", None, PRESS, NOW)
        other = tx.links.add(BEN, "x", PRESS, "$3", None, None, NOW)
        assert tx.links.pending(ANA) == new
        ended = tx.links.get(old.id)
        assert ended is not None
        assert (ended.state, ended.request) == (LinkState.ENDED, None)
        assert tx.links.to_do(NOW) == [new, other]
        assert tx.links.count_since(ANA, NOW - 1) == 2

    await store.transact(work)


async def test_a_link_that_waits_for_its_pin_is_to_do_once_its_time_is_over(store: Store) -> None:
    def work(tx: Tx) -> None:
        link = tx.links.add(ANA, "x", PRESS, "$1", None, PRESS, NOW)
        waiting = replace(link, state=LinkState.WAITING, due_at=NOW + 900)
        tx.links.save(waiting)
        assert tx.links.to_do(NOW + 899) == []
        assert tx.links.next_due(NOW) == NOW + 900
        assert tx.links.to_do(NOW + 900) == [waiting]
        tx.links.save(replace(waiting, due_at=0.0))
        assert tx.links.to_do(NOW + 900) == []

    await store.transact(work)


async def test_a_pair_that_is_in_use_again_is_not_revoked(store: Store) -> None:
    def work(tx: Tx) -> int:
        acme = tx.accounts.put("x", "7", "acme")
        tx.links.revoke(acme.id, Sealed(b"pair"), NOW)
        assert len(tx.links.revocations(NOW)) == 1
        tx.links.keep(acme.id)
        return len(tx.links.revocations(NOW))

    assert await store.transact(work) == 0


@pytest.mark.parametrize("number", [1, 35, 36, 1295, 10**9])
def test_a_label_reads_back(number: int) -> None:
    assert unlabel(label("k", number).upper()) == ("k", number)


@pytest.mark.parametrize("text", ["", "k", "17", "x17", "k-1", "k1 ", "k٣", "kkkkkkkkkkkkkkk"])
def test_what_is_no_label(text: str) -> None:
    assert unlabel(text) is None or text.strip() != text
