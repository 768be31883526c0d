"""How private a room is and who governs it, read from its state; and what an answer looks like on the wire."""

import json
from typing import Any

import pytest

from bridge.chat.matrix.rooms import Powers, privacy_of
from bridge.chat.matrix.roster import creators_of
from bridge.chat.matrix.sending import notice_of, transaction_of
from bridge.interfaces import Privacy
from bridge.model import Identity, Outgoing, Room, Speech

BOT, ANA, BEN = "@kantter:example.org", "@ana:example.org", "@ben:example.org"
ROOM = Room("matrix", "!press")


def state(kind: str, content: dict[str, Any], key: str = "") -> dict[str, Any]:
    return {"type": kind, "state_key": key, "content": content, "sender": BOT}


def member(user: str, membership: str = "join") -> dict[str, Any]:
    return state("m.room.member", {"membership": membership}, user)


DM = [
    member(BOT),
    member(ANA),
    member(BEN, "leave"),
    state("m.room.join_rules", {"join_rule": "invite"}),
    state("m.room.history_visibility", {"history_visibility": "shared"}),
    state("m.room.guest_access", {"guest_access": "can_join"}),
    state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
]


def without(kind: str) -> list[dict[str, Any]]:
    return [raw for raw in DM if raw["type"] != kind]


@pytest.mark.parametrize(
    ("known", "privacy"),
    [
        (DM, Privacy.PRIVATE),
        ([*DM, member(ANA, "invite")], Privacy.PRIVATE),
        ([*DM, member(BEN)], Privacy.SHARED),
        ([*DM, member(BEN, "invite")], Privacy.SHARED),
        ([*DM, member(BEN, "knock")], Privacy.PRIVATE),
        ([*DM, member(ANA, "leave")], Privacy.SHARED),
        ([*DM, member(BOT, "invite")], Privacy.SHARED),
        ([*DM, state("m.room.join_rules", {"join_rule": "public"})], Privacy.SHARED),
        ([*DM, state("m.room.join_rules", {"join_rule": "knock"})], Privacy.SHARED),
        ([*DM, state("m.room.join_rules", {})], Privacy.SHARED),
        ([*DM, state("m.room.history_visibility", {"history_visibility": "world_readable"})], Privacy.SHARED),
        ([*DM, state("m.room.third_party_invite", {"display_name": "c..."}, "token")], Privacy.SHARED),
        ([*DM, state("m.room.third_party_invite", {}, "token")], Privacy.PRIVATE),
        (without("m.room.encryption"), Privacy.UNENCRYPTED),
        ([*DM, state("m.room.encryption", {"algorithm": "rot13"})], Privacy.UNENCRYPTED),
        (without("m.room.join_rules"), Privacy.SHARED),
        ([], Privacy.SHARED),
    ],
)
def test_a_room_is_private_for_two_behind_closed_doors(known: list[dict[str, Any]], privacy: Privacy) -> None:
    assert privacy_of(known, BOT, ANA) is privacy


def test_the_creators_of_new_rooms_stand_above_all() -> None:
    create = {"sender": ANA, "content": {"room_version": "12", "additional_creators": [BEN, 5]}}
    assert creators_of(create) == {ANA, BEN}
    assert creators_of(create | {"content": {"room_version": "11"}}) == frozenset()
    assert creators_of(create | {"content": {}}) == frozenset()
    powers = Powers({"events": {"m.room.power_levels": 150}}, creators_of(create), ANA)
    assert powers.of(ANA) > powers.to_change("m.room.power_levels") > powers.of(BOT)


def test_levels_have_defaults_and_may_be_text() -> None:
    powers = Powers({"users": {ANA: "100", BEN: 50}, "users_default": 5}, frozenset(), "")
    assert [powers.of(user) for user in (ANA, BEN, BOT)] == [100, 50, 5]
    assert (powers.to_change("m.room.name"), powers.to_redact, powers.to_send("m.room.redaction")) == (50, 50, 0)
    assert Powers({"users": {ANA: [1]}, "users_default": True}, frozenset(), "").of(ANA) == 0


def test_a_room_without_levels_is_its_maker_s() -> None:
    powers = Powers(None, frozenset(), ANA)
    assert (powers.of(ANA), powers.of(BEN)) == (100, 0)


def test_an_answer_in_a_thread_replies_there() -> None:
    outgoing = Outgoing("k", ROOM, Speech.TEXT, "hi", target="$1", thread="$0", mention=Identity("matrix", ANA))
    assert notice_of(outgoing) == {
        "msgtype": "m.notice",
        "body": "hi",
        "m.mentions": {"user_ids": [ANA]},
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": "$0",
            "is_falling_back": False,
            "m.in_reply_to": {"event_id": "$1"},
        },
    }


@pytest.mark.parametrize("body", ["x" * 200_000, "😀" * 100_000, "\0" * 100_000, "\n" * 100_000, "a\ud800" * 30_000])
def test_an_answer_that_is_too_large_is_cut(body: str) -> None:
    content = notice_of(Outgoing("k", ROOM, Speech.TEXT, body, target="$1"))
    size = len(json.dumps(content, separators=(",", ":")))
    assert 30_000 < size <= 40_000
    assert content["body"].endswith("…")
    content["body"].encode("utf-8")


def test_a_key_is_one_transaction_for_ever() -> None:
    assert transaction_of("a-1") == transaction_of("a-1") != transaction_of("a-2")
    assert len(transaction_of("x" * 10_000)) < 60
