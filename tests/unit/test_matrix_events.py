"""Events as strangers write them: what is read of them, and that nothing of it raises."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chat.matrix.events import (
    Allowed,
    Envelope,
    after_own_join,
    id_of,
    part,
    read_plain,
    sent_at,
    strip_fallback,
    text_of,
)
from bridge.chat.matrix.messages import is_said, read_text
from bridge.model import Edit, Event, Identity, Message, Reaction, Redaction, Room

NOW = 1_800_000_000.0
ROOM = Room("matrix", "!press")
BOT = "@kantter:example.org"


def event(kind: str, content: object, **more: object) -> dict[str, Any]:
    stamp = int(NOW * 1000)
    head = {"event_id": "$1", "sender": "@ana:example.org", "origin_server_ts": stamp, "type": kind}
    return head | {"content": content} | more


def read(raw: dict[str, Any]) -> Event | None:
    """As the timeline does it for what is not encrypted."""
    envelope = Envelope.of(raw, ROOM, NOW)
    if envelope is None:
        return None
    content = part(raw, "content")
    if is_said(raw.get("type"), content):
        return read_text(envelope, content, part(content, "m.relates_to"), direct=False, replay_key=None)
    return read_plain(envelope, raw)


def text(body: object, **content: object) -> dict[str, Any]:
    return event("m.room.message", {"msgtype": "m.text", "body": body} | content)


def test_a_text_keeps_its_newlines_and_its_time() -> None:
    assert read(text("!tweet a\n\nb ")) == Message(
        "$1", ROOM, Identity("matrix", "@ana:example.org"), "!tweet a\n\nb ", NOW
    )


@pytest.mark.parametrize("kind", ["m.notice", "m.emote", "m.sticker", "m.bad.encrypted", None, 7])
def test_what_is_no_text_is_nothing(kind: object) -> None:
    assert read(event("m.room.message", {"msgtype": kind, "body": "!tweet a"})) is None


@pytest.mark.parametrize(
    ("stamp", "at"),
    [(1000, 1.0), (int(NOW * 1000) + 60_000, NOW), (10**400, NOW), (-1, NOW), ("5", NOW), (True, NOW), (None, NOW)],
)
def test_a_homeserver_s_clock_is_never_believed_about_the_future(stamp: object, at: float) -> None:
    assert sent_at({"origin_server_ts": stamp}, NOW) == at


def test_lone_surrogates_become_text_that_can_be_stored() -> None:
    assert text_of(json.loads('"a\\ud83d\\ude00b"')) == "a😀b"
    assert text_of("a\ud83d\ude00b\ud800c") == "a😀b\ufffdc"
    assert id_of("$\ud800") is None
    assert id_of("$" + "x" * 255) is None


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"user_ids": ["@ben:example.org", 7, "", "@eve:example.org"]}, ["@ben:example.org"]),
        ({"user_ids": [f"@p{n}:example.org" for n in range(9)]}, [f"@p{n}:example.org" for n in range(3)]),
        ({"user_ids": "@ben:example.org"}, []),
        ({"user_ids": ["\ud800", "@" + "x" * 300]}, []),
        ({"room": True}, []),
        (["@ben:example.org"], []),
    ],
)
def test_the_first_mentions_are_read(said: object, names: list[str]) -> None:
    message = read(text("!share @acme Ben", **{"m.mentions": said}))
    assert isinstance(message, Message)
    assert [mention.name for mention in message.mentions] == names


def test_an_edit_is_an_edit_and_never_a_message() -> None:
    relation = {"rel_type": "m.replace", "event_id": "$0"}
    new = {"msgtype": "m.text", "body": "!tweet b"}
    changed = read(text("* !tweet b", **{"m.relates_to": relation, "m.new_content": new}))
    assert isinstance(changed, Edit)
    assert (changed.target, changed.text) == ("$0", "!tweet b")
    for broken in (
        {"m.relates_to": relation},
        {"m.new_content": new},
        {"m.relates_to": relation, "m.new_content": {"body": 5}},
        {"m.relates_to": {"rel_type": "m.replace"}, "m.new_content": new},
        {"m.relates_to": relation, "m.new_content": {"msgtype": "m.notice", "body": "x"}},
        {"m.relates_to": {"rel_type": "m.thread", "event_id": "$0"}, "m.new_content": new},
    ):
        assert read(text("* !tweet b", **broken)) is None


def test_threads_and_replies() -> None:
    thread = {"rel_type": "m.thread", "event_id": "$root"}
    answered = {"m.in_reply_to": {"event_id": "$0"}}
    plain = read(text("a", **{"m.relates_to": answered}))
    falling_back = read(text("a", **{"m.relates_to": thread | answered | {"is_falling_back": True}}))
    in_thread = read(text("a", **{"m.relates_to": thread | answered}))
    assert isinstance(plain, Message)
    assert isinstance(falling_back, Message)
    assert isinstance(in_thread, Message)
    assert (plain.reply_to, plain.thread) == ("$0", None)
    assert (falling_back.reply_to, falling_back.thread) == (None, "$root")
    assert (in_thread.reply_to, in_thread.thread) == ("$0", "$root")


@pytest.mark.parametrize(
    ("body", "stripped"),
    [
        ("> <@ben:example.org> one\n> two\n\n!tweet a\n> mine", "!tweet a\n> mine"),
        ("> * <@ben:example.org> waves\n\n!undo", "!undo"),
        ("> a quotation of my own\n\n!tweet", "> a quotation of my own\n\n!tweet"),
        ("> <@ben:example.org> nothing else", ""),
        ("!tweet > <@ben:example.org> x", "!tweet > <@ben:example.org> x"),
    ],
)
def test_the_quotation_before_a_reply_goes(body: str, stripped: str) -> None:
    assert strip_fallback(body) == stripped


def test_a_quotation_that_belongs_to_no_reply_stays() -> None:
    message = read(text("> <@ben:example.org> one\n\n!tweet a"))
    assert isinstance(message, Message)
    assert message.text.startswith("> <@ben")


def test_reactions_and_redactions() -> None:
    relation = {"rel_type": "m.annotation", "event_id": "$0", "key": "✅"}
    reaction = read(event("m.reaction", {"m.relates_to": relation}))
    assert isinstance(reaction, Reaction)
    assert (reaction.target, reaction.key) == ("$0", "✅")
    old = read(event("m.room.redaction", {}, redacts="$0"))
    new = read(event("m.room.redaction", {"redacts": "$0"}))
    assert isinstance(old, Redaction)
    assert old == new
    assert read(event("m.room.redaction", {})) is None
    assert read(event("m.reaction", {"m.relates_to": relation | {"key": "x" * 101}})) is None


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*:example.org", "@ana:example.org", "@ana:example.org.evil.net"),
        ("*:example.org", "@a.b=c/d:example.org", "@ana:evil.net:example.org"),
        ("@ana:example.org", "@ana:example.org", "@anat:example.org"),
        ("@press-*:example.org", "@press-1:example.org", "@xpress-1:example.org"),
        ("*:*.example.org", "@ana:a.example.org", "@ana:example.org"),
        ("*:*", "@ana:anywhere.net", "ana"),
        ("*:example.org", "@ana:example.org", "@ana:exampleXorg"),
        ("@[a]:example.org", "@[a]:example.org", "@a:example.org"),
        ("*:example.org", "@ana:example.org", "@ana:example.org\n"),
    ],
)
def test_patterns_name_people_and_nobody_else(pattern: str, inside: str, outside: str) -> None:
    allowed = Allowed([pattern])
    assert inside in allowed
    assert outside not in allowed
    assert None not in allowed


def test_only_what_came_after_the_bot_s_own_last_join_counts() -> None:
    join = event("m.room.member", {"membership": "join"}, state_key=BOT, sender=BOT)
    renamed = join | {"unsigned": {"prev_content": {"membership": "join"}}}
    before, after = text("!tweet before"), text("!tweet after")
    assert after_own_join([before, join, after], BOT) == ([after], True)
    assert after_own_join([before, renamed, after], BOT) == ([before, renamed, after], False)
    assert after_own_join([before, join | {"state_key": "@ana:example.org"}], BOT)[1] is False


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["m.relates_to", "event_id", "rel_type", "key", "body", "msgtype", "m.new_content", "redacts"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["m.room.message", "m.reaction", "m.room.redaction"]) | json_values,
    content=json_values,
    head=st.dictionaries(st.sampled_from(["event_id", "sender", "origin_server_ts", "redacts"]), json_values),
)
def test_nothing_that_a_stranger_writes_raises(kind: object, content: object, head: dict[str, object]) -> None:
    heard = read(event("x", content) | {"type": kind} | head)
    if heard is not None:
        repr(heard).encode("utf-8")
        assert not isinstance(heard, Message) or heard.text.encode("utf-8") is not None
