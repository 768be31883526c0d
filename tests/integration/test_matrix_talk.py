"""What is said on a real homeserver comes in as it should, or not at all; and answers go out, once."""

import asyncio
import uuid
from typing import Any

import pytest
from aiohttp import ClientConnectionError
from nio import ShareGroupSessionResponse

from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Edit, Identity, Message, Outgoing, Reaction, Redaction, Room, Speech, Unreadable
from tests.integration.matrix_scene import Person, Scene

pytestmark = pytest.mark.homeserver


def encrypted_for(person: Person, room: str, text: str) -> dict[str, Any]:
    """The ciphertext of a text, not sent."""
    _, content = person.client.encrypt(room, "m.room.message", {"msgtype": "m.text", "body": text})
    return dict(content)


# ---------------------------------------------------------------- in


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_message_comes_in_and_an_answer_goes_out(scene: Scene, encrypted: bool) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, encrypted=encrypted)
    sent = await ana.say(room, "!tweet hello")
    heard = await bot.inbox.until_text("!tweet hello")
    assert (heard.id, heard.sender.name, heard.room.id) == (sent, ana.user_id, room)
    assert (heard.replay_key is not None, heard.direct) == (encrypted, encrypted)
    await bot.say(room, "Posted: https://x.com/acme/status/1", target=sent)
    assert await ana.notices(room, bot.user_id) == ["Posted: https://x.com/acme/status/1"]
    assert [type(event) for event in bot.inbox.heard] == [Message]


@pytest.mark.parametrize("encrypted", [True, False])
async def test_edits_threads_reactions_and_redactions_are_told_apart(scene: Scene, encrypted: bool) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, encrypted=encrypted)
    first = await ana.say(room, "!tweet one")
    new = {"msgtype": "m.text", "body": "!tweet two"}
    relation = {"rel_type": "m.replace", "event_id": first}
    await ana.say(room, "* !tweet two", **{"m.new_content": new, "m.relates_to": relation})
    in_thread = {"rel_type": "m.thread", "event_id": first, "is_falling_back": True}
    in_thread["m.in_reply_to"] = {"event_id": first}
    await ana.say(room, "!tweet three", **{"m.relates_to": in_thread})
    relation = {"rel_type": "m.annotation", "event_id": first, "key": "✅"}
    await ana.send_raw(room, "m.reaction", {"m.relates_to": relation})
    await ana.client.room_redact(room, first)
    await bot.inbox.until(lambda: bool(bot.inbox.kind(Redaction)))
    assert bot.inbox.texts() == ["!tweet one", "!tweet three"]
    assert bot.inbox.kind(Message)[1].thread == first
    assert [(edit.target, edit.text) for edit in bot.inbox.kind(Edit)] == [(first, "!tweet two")]
    assert [(reaction.target, reaction.key) for reaction in bot.inbox.kind(Reaction)] == [(first, "✅")]
    assert [redaction.target for redaction in bot.inbox.kind(Redaction)] == [first]


async def test_notices_emotes_echoes_strangers_and_other_bots_are_nobody_s_business(scene: Scene) -> None:
    ana, eve = await scene.person("ana"), await scene.person("eve")
    bot, other = await scene.bot(ana.user_id), await scene.bot(ana.user_id)
    room = await scene.room(bot, ana, other.user_id, eve.user_id)
    await ana.until_in(room, other.user_id)
    await eve.client.join(room)
    await eve.sync()
    await ana.sync()
    for kind in ("m.notice", "m.emote"):
        await ana.send(room, "m.room.message", {"msgtype": kind, "body": "!tweet no"})
    await eve.say(room, "!tweet stranger")
    said = await eve.say(room, "!tweet stranger again")
    relation = {"rel_type": "m.annotation", "event_id": said, "key": "✅"}
    await eve.send_raw(room, "m.reaction", {"m.relates_to": relation})
    await other.say(room, "!tweet from another bot")
    await bot.say(room, "!tweet echo")
    await ana.say(room, "!tweet yes")
    await bot.inbox.until_text("!tweet yes")
    await other.inbox.until_text("!tweet yes")
    assert bot.inbox.texts() == other.inbox.texts() == ["!tweet yes"]
    assert len(bot.inbox.heard) == 1


async def test_what_was_said_before_the_bot_came_never_runs(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await ana.create(encrypted=False)
    for number in range(80):  # more than a sync answer holds, so that the join has to be looked for
        await ana.say(room, f"!tweet old {number}")
    await ana.client.room_invite(room, bot.user_id)
    await ana.until_in(room, bot.user_id)
    await ana.say(room, "!tweet new")
    await bot.inbox.until_text("!tweet new")
    assert bot.inbox.texts() == ["!tweet new"]


async def test_the_first_start_of_all_runs_nothing(scene: Scene) -> None:
    bot, ana = await scene.bot(start=False), await scene.person()
    there = await scene.person(user_id=bot.user_id)
    room = await ana.create(bot.user_id, encrypted=False)
    await there.client.join(room)
    await ana.say(room, "!tweet old")
    await bot.start()
    await ana.say(room, "!tweet new")
    await bot.inbox.until_text("!tweet new")
    assert bot.inbox.texts() == ["!tweet new"]


async def test_plaintext_in_an_encrypted_room_is_told_and_never_run(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    for number in range(5):
        await ana.send_raw(room, "m.room.message", {"msgtype": "m.text", "body": f"!tweet plain {number}"})
    await ana.say(room, "!tweet sealed")
    await bot.inbox.until_text("!tweet sealed")
    assert bot.inbox.texts() == ["!tweet sealed"]
    refused = bot.inbox.kind(Unreadable)
    assert [told.text for told in refused] == [f"!tweet plain {number}" for number in range(5)]
    assert all("unencrypted" in told.reason and told.sender.name == ana.user_id for told in refused)


async def test_a_room_that_was_encrypted_once_stays_so_whatever_its_state_says(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet sealed")
    await bot.inbox.until_text("!tweet sealed")
    await ana.put_state(room, "m.room.encryption", {})
    await bot.restart()
    await ana.send_raw(room, "m.room.message", {"msgtype": "m.text", "body": "!tweet plain"})
    await bot.inbox.until(lambda: bool(bot.inbox.kind(Unreadable)))
    assert bot.inbox.texts() == []
    event_id = await bot.say(room, "still sealed")
    assert (await ana.event(room, event_id))["type"] == "m.room.encrypted"


async def test_a_ciphertext_that_is_sent_again_does_not_run_again(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    event_id = await ana.say(room, "!tweet once")
    await bot.inbox.until_text("!tweet once")
    content = (await ana.event(room, event_id))["content"]
    await ana.send_raw(room, "m.room.encrypted", content)
    await ana.say(room, "!tweet then")
    await bot.inbox.until_text("!tweet then")
    assert bot.inbox.texts() == ["!tweet once", "!tweet then"]
    await bot.restart()
    await ana.send_raw(room, "m.room.encrypted", content)
    await ana.send_raw(room, "m.room.encrypted", {k: v for k, v in content.items() if k != "sender_key"})
    await ana.say(room, "!tweet last")
    await bot.inbox.until_text("!tweet last")
    assert bot.inbox.texts() == ["!tweet last"]


async def test_a_ciphertext_of_another_room_is_not_read(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    here, there = await scene.room(bot, ana), await scene.room(bot, ana)
    event_id = await ana.say(here, "!tweet here")
    await bot.inbox.until_text("!tweet here")
    await ana.send_raw(there, "m.room.encrypted", (await ana.event(here, event_id))["content"])
    await bot.inbox.until(lambda: bool(bot.inbox.kind(Unreadable)))
    assert bot.inbox.texts() == ["!tweet here"]


async def test_the_deprecated_sender_key_may_be_missing(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "first")
    content = encrypted_for(ana, room, "!tweet without")
    await ana.send_raw(room, "m.room.encrypted", {k: content[k] for k in ("algorithm", "ciphertext", "session_id")})
    await bot.inbox.until_text("!tweet without")


async def test_many_undecryptable_messages_are_one_answer_and_a_late_key_runs_none(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet readable")
    await bot.inbox.until_text("!tweet readable")
    olm = ana.client.olm
    ana.client.invalidate_outbound_session(room)
    [(_, kept_back)] = olm.share_group_session_parallel(room, [bot.user_id], ignore_unverified_devices=True)
    olm.outbound_group_sessions[room].shared = True
    for number in range(20):
        await ana.say(room, f"!tweet lost {number}")
    await bot.inbox.until(lambda: bool(bot.inbox.kind(Unreadable)))
    await bot.say(room, "Please send it again")
    await ana.call("PUT", f"/_matrix/client/v3/sendToDevice/m.room.encrypted/{uuid.uuid4().hex}", kept_back)
    await ana.say(room, "!tweet again")
    await bot.inbox.until_text("!tweet again")
    assert bot.inbox.texts() == ["!tweet readable", "!tweet again"]
    assert len(bot.inbox.kind(Unreadable)) == 1
    await bot.restart()
    await ana.say(room, "!tweet after")
    await bot.inbox.until_text("!tweet after")
    assert bot.inbox.texts() == ["!tweet after"]


HOSTILE: list[tuple[str, Any]] = [
    ("m.room.message", {"msgtype": "m.text", "body": 5}),
    ("m.room.message", {"msgtype": "m.text", "body": ["!tweet x"]}),
    ("m.room.message", {"msgtype": ["m.text"], "body": "!tweet x"}),
    ("m.room.message", {"msgtype": "m.text", "body": "\x00\u202e\u2066"}),
    ("m.room.message", {"msgtype": "m.text", "body": "a\n" * 10_000}),
    ("m.room.message", {"msgtype": "m.text", "body": "x" * 40_000}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.relates_to": [1]}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": {"event_id": {}}}}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.new_content": 7}),
    ("m.room.message", {}),
    ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": 5, "key": []}}),
    ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2"}),
    ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "%%%", "session_id": "x"}),
    ("m.room.encrypted", {"algorithm": ["x"], "ciphertext": {}, "session_id": {}}),
    ("m.room.encrypted", {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": {"a": 1}, "sender_key": "x"}),
    ("m.bad.encrypted", {"algorithm": 1}),
]


async def test_malformed_events_hold_nothing_up(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    plain = await scene.room(bot, ana, encrypted=False)
    await ana.say(room, "first")
    session = ana.client.olm.outbound_group_sessions[room].id
    for kind, content in HOSTILE:
        for where in (room, plain):  # some of them the homeserver turns down itself
            await ana.call("PUT", f"/_matrix/client/v3/rooms/{where}/send/{kind}/{uuid.uuid4().hex}", content)
        await ana.send(room, kind, content)
    damaged = encrypted_for(ana, room, "!tweet x")
    await ana.send_raw(room, "m.room.encrypted", damaged | {"ciphertext": damaged["ciphertext"][:-9] + "AAAAAAAAA"})
    await ana.send_raw(room, "m.room.encrypted", damaged | {"ciphertext": "AwgA", "session_id": session})
    for body in ({"messages": {bot.user_id: {"*": {"algorithm": "x"}}}}, _broken_olm(bot.user_id, bot)):
        await ana.call("PUT", f"/_matrix/client/v3/sendToDevice/m.room.encrypted/{uuid.uuid4().hex}", body)
    await ana.say(room, "!tweet sealed")
    await ana.say(plain, "!tweet plain")
    await bot.inbox.until_text("!tweet sealed")
    await bot.inbox.until_text("!tweet plain")
    assert "!tweet x" not in bot.inbox.texts()
    assert bot.network.health().ok


def _broken_olm(user_id: str, bot: Any) -> dict[str, Any]:
    key = bot.network._client.olm.account.identity_keys["curve25519"]
    content = {
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": key,
        "ciphertext": {key: {"type": 0, "body": "AAAA"}},
    }
    return {"messages": {user_id: {"*": content}}}


# ---------------------------------------------------------------- out


@pytest.mark.parametrize("encrypted", [True, False])
async def test_the_same_key_is_the_same_event_also_in_a_new_process(scene: Scene, encrypted: bool) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana, encrypted=encrypted)
    sent = await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")
    reaction = Outgoing("r", Room("matrix", room), Speech.REACTION, "⏳", target=sent)
    once, mark = await bot.say(room, "one", key="k"), await bot.network.send(reaction)
    removal = Outgoing("d", Room("matrix", room), Speech.REDACTION, "", target=mark)
    removed = await bot.network.send(removal)
    for _ in range(2):
        assert await bot.say(room, "one", key="k") == once
        assert await bot.network.send(reaction) == mark
        assert await bot.network.send(removal) == removed
        await bot.restart()
    assert await bot.say(room, "two", key="k2") != once
    assert await ana.notices(room, bot.user_id) == ["one", "two"]
    assert "redacted_because" in (await ana.event(room, mark))["unsigned"]


async def test_answers_reply_in_the_thread_and_mention(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    root = await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")
    words = Outgoing("k", Room("matrix", room), Speech.TEXT, "hi", root, root, Identity("matrix", ana.user_id))
    event_id = await bot.network.send(words)
    history = await ana.history(room)
    [content] = [event.source["content"] for event in history if event.event_id == event_id]
    assert content["msgtype"] == "m.notice"
    assert content["m.mentions"] == {"user_ids": [ana.user_id]}
    assert content["m.relates_to"]["event_id"] == content["m.relates_to"]["m.in_reply_to"]["event_id"] == root


async def test_an_answer_that_is_too_large_is_cut_and_arrives(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    for body in ("x" * 200_000, "😀" * 100_000, "a\x00\ud800" * 50_000):
        await bot.say(room, body, key=body[:5].encode("utf-8", "replace").hex())
    said = await ana.notices(room, bot.user_id)
    assert [text[:1] for text in said] == ["x", "😀", "a"]
    assert all(text.endswith("…") for text in said)


async def test_who_came_gets_the_key_and_who_left_does_not(scene: Scene) -> None:
    bot, ana, ben = await scene.bot(), await scene.person("ana"), await scene.person("ben")
    room = await scene.room(bot, ana, ben.user_id)
    await ben.client.join(room)
    await ana.say(room, "!tweet both")
    await bot.inbox.until_text("!tweet both")
    await bot.say(room, "for both")
    assert await ben.notices(room, bot.user_id) == ["for both"]
    phone = await scene.person(user_id=ana.user_id)
    await ana.say(room, "with my phone")
    await bot.inbox.until_text("with my phone")
    await bot.say(room, "for the phone too")
    assert await phone.notices(room, bot.user_id) == ["for the phone too"]
    await ben.client.room_leave(room)
    await ana.until_in(room, ben.user_id, membership="leave")
    await ana.say(room, "without ben")
    await bot.inbox.until_text("without ben")
    network: Any = bot.network
    known = network._client.olm.outbound_group_sessions.get(room)
    await bot.say(room, "not for ben")
    fresh = network._client.olm.outbound_group_sessions[room]
    assert known is not fresh
    assert {user for user, _ in fresh.users_shared_with} == {ana.user_id}


async def test_a_room_that_the_bot_is_not_in_refuses(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await ana.create()
    with pytest.raises(ChatRefused):
        await bot.say(room, "hello?")


async def test_a_hundred_answers_at_once_keep_their_order(scene: Scene) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")
    await asyncio.gather(*(bot.say(room, f"answer {number}") for number in range(110)))  # past one session's life
    said = await ana.notices(room, bot.user_id)
    assert said == [f"answer {number}" for number in range(110 - len(said), 110)]
    assert len(said) > 90


async def test_an_answer_waits_until_everybody_has_its_key(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    bot, ana = await scene.bot(), await scene.person()
    room = await scene.room(bot, ana)
    await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")
    client: Any = bot.network._client
    whole, cut = client._send, [ClientConnectionError("cut")]

    async def send(response_class: type, *args: Any, **more: Any) -> Any:
        if response_class is ShareGroupSessionResponse and cut:
            raise cut.pop()
        return await whole(response_class, *args, **more)

    monkeypatch.setattr(client, "_send", send)
    with pytest.raises(ChatUnreachable):
        await bot.say(room, "answer", key="k")
    assert await ana.notices(room, bot.user_id) == []
    await bot.say(room, "answer", key="k")
    assert await ana.notices(room, bot.user_id) == ["answer"]


async def test_a_device_without_keys_holds_nobody_up_and_is_tried_again(scene: Scene) -> None:
    bot, ana, eve = await scene.bot(), await scene.person("ana"), await scene.person("eve")
    room = await scene.room(bot, ana)
    phone = await scene.person(user_id=ana.user_id)
    claim = {"one_time_keys": {ana.user_id: {phone.client.device_id: "signed_curve25519"}}}
    for _ in range(phone.client.olm.account.max_one_time_keys):
        await eve.call("POST", "/_matrix/client/v3/keys/claim", claim)
    await ana.say(room, "!tweet a")
    await bot.inbox.until_text("!tweet a")
    await bot.say(room, "first")
    assert await ana.notices(room, bot.user_id) == ["first"]
    assert await phone.notices(room, bot.user_id) == []
    phone.client.olm.uploaded_key_count = 0  # nio does not believe it when the homeserver says so
    await phone.client.keys_upload()
    network: Any = bot.network
    keys = network._session.keys
    assert list(keys._incomplete) == [room]
    keys._incomplete[room] = 0.0  # some time later
    await bot.say(room, "second")
    assert keys._incomplete == {}
    assert await phone.notices(room, bot.user_id) == ["second"]
    assert await ana.notices(room, bot.user_id) == ["first", "second"]
