"""What every Store promises about what waits to be said."""

from dataclasses import replace

from bridge.interfaces import Store, Tx
from bridge.model import Answer, Room, Speech
from tests.contract.rows import ANA, NOW, PRESS, queue


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


async def test_a_question_is_said_alone(store: Store) -> None:
    """A tick or a cross on it answers that, and nothing beside it."""

    def work(tx: Tx) -> None:
        question = tx.answers.ask(ANA, PRESS)
        tx.answers.add(PRESS, Speech.TEXT, "before")
        tx.answers.add(PRESS, Speech.TEXT, "Shall I?", question_id=question.id)
        tx.answers.add(PRESS, Speech.TEXT, "after")
        tx.answers.add(PRESS, Speech.TEXT, "and after")
        said = []
        while batches := tx.answers.claim(NOW, set(), 9):
            [(key, batch)] = batches
            said.append([answer.body for answer in batch])
            tx.answers.sent(key, f"$said-{key}", NOW)
        assert said == [["before"], ["Shall I?"], ["after", "and after"]]

    await store.transact(work)
