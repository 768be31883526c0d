"""Pictures and videos on Matrix: what their events say, their keys, and what strangers write."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chat.matrix.events import Envelope, mxc_parts
from bridge.chat.matrix.filekeys import opened, sealed
from bridge.chat.matrix.messages import Damaged, read_media, read_medium, read_text
from bridge.errors import ChatRefused
from bridge.model import Edit, Identity, Message, Room, Unreadable
from bridge.vault import Vault
from tests.unit.file_scene import KEYS, PLAIN, SEALED
from tests.unit.test_matrix_media import medium

ROOM = Room("matrix", "!press")
SAID = Envelope("$1", ROOM, Identity("matrix", "@ana:example.org"), 1_800_000_000.0)


def read(content: dict[str, Any]) -> Message | Edit | Unreadable | None:
    return read_text(SAID, content, content.get("m.relates_to", {}), direct=False, replay_key=None)


# ---------------------------------------------------------------- events


@pytest.mark.parametrize(
    ("named", "caption"),
    [
        ({"filename": "cat.png", "body": "!tweet hello"}, "!tweet hello"),
        ({"filename": "!tweet", "body": "!tweet"}, ""),
        ({"body": "!tweet hello"}, ""),
        ({"filename": 7, "body": "!tweet hello"}, "!tweet hello"),
        ({"body": 7}, ""),
    ],
)
def test_only_a_caption_is_text(named: dict[str, Any], caption: str) -> None:
    said = read(PLAIN | named)
    assert isinstance(said, Message)
    assert said.text == caption
    assert [one.source for one in said.media] == ["mxc://example.org/cat"]


@pytest.mark.parametrize("kind", ["m.video", "m.audio", "m.file"])
def test_other_files_are_told_by_what_they_are(kind: str) -> None:
    said = read(
        PLAIN | {"msgtype": kind, "filename": "a.mp4", "body": "!tweet hello", "info": {"mimetype": "video/mp4"}}
    )
    assert isinstance(said, Message)
    assert (said.text, [one.mime for one in said.media]) == ("!tweet hello", ["video/mp4"])
    assert isinstance(read({"msgtype": kind, "filename": "a.mp4", "body": "!tweet hello"}), Unreadable)


def test_the_caption_of_no_picture_is_answered_and_does_not_run() -> None:
    said = read(PLAIN | {"filename": "cat.png", "body": "!tweet hello", "url": "https://example.org/cat.png"})
    assert isinstance(said, Unreadable)
    assert (said.id, said.sender, said.text) == (SAID.id, SAID.sender, "!tweet hello")
    assert said.reason == (
        "I cannot open that file: it names no file of a homeserver. Nothing was posted with it. Please send it again."
    )


def test_an_edit_changes_the_caption() -> None:
    new = PLAIN | {"filename": "cat.png", "body": "!tweet other"}
    said = read(new | {"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}})
    assert isinstance(said, Edit)
    assert (said.target, said.text, said.media) == ("$0", "!tweet other", (medium(PLAIN),))
    broken = new | {"url": "https://example.org/cat"}
    told = read(new | {"m.new_content": broken, "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}})
    assert isinstance(told, Unreadable)
    assert (told.text, "so the edit changed nothing" in told.reason) == ("!tweet other", True)


def test_an_edit_of_a_text_has_no_pictures() -> None:
    new = {"msgtype": "m.text", "body": "!tweet other"}
    said = read(new | {"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}})
    assert isinstance(said, Edit)
    assert said.media == ()


def test_a_sealed_file_has_its_key_and_does_not_show_it() -> None:
    medium = read_medium(SEALED)
    assert medium.key == KEYS["key"]["k"]
    assert KEYS["key"]["k"] not in repr(medium)
    assert KEYS["iv"] not in repr(medium)


@pytest.mark.parametrize(
    "content",
    [
        {"url": "https://example.org/cat.png"},
        {"url": "mxc://example.org/../../admin"},
        {"url": "mxc://example.org/a/b"},
        {"url": "mxc://example.org/"},
        {"url": "mxc://example.org/cat?x=1"},
        {"url": None},
        {"url": ["mxc://example.org/cat"]},
        {"file": "mxc://example.org/cat"},
        {"file": []},
        {"file": KEYS},
        {"file": {"url": "mxc://example.org/cat"}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "v": "v1"}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "hashes": {}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": "x"}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": {**KEYS["key"], "k": None}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": {**KEYS["key"], "k": "A" * 42}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": {**KEYS["key"], "k": "A" * 10_000}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": {**KEYS["key"], "k": "\ud800" * 43}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": {**KEYS["key"], "alg": "A128CTR"}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "iv": "?" * 22}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "hashes": {"sha256": 7}}},
    ],
)
def test_a_file_that_cannot_be_opened_makes_its_message_unreadable(content: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        read_media(PLAIN | content)
    said = read(PLAIN | content | {"filename": "cat.png", "body": "!tweet hello"})
    assert isinstance(said, Unreadable)
    assert said.text == "!tweet hello"


def test_padding_and_the_other_alphabet_are_read_too() -> None:
    padded = {**KEYS, "iv": KEYS["iv"] + "==", "hashes": {"sha256": KEYS["hashes"]["sha256"] + "="}}
    padded["key"] = {**KEYS["key"], "k": KEYS["key"]["k"].replace("-", "+").replace("_", "/") + "="}
    assert read_medium(PLAIN | {"file": {**padded, "url": "mxc://example.org/cat"}}).iv == KEYS["iv"] + "=="


# ---------------------------------------------------------------- galleries


def gallery(*items: object, **more: object) -> dict[str, Any]:
    return {"msgtype": "dm.filament.gallery", "body": "!tweet hello", "itemtypes": list(items)} | more


def item(name: str, **more: object) -> dict[str, Any]:
    named = {"itemtype": "m.image", "body": name, "url": f"mxc://example.org/{name}"}
    return named | {"info": {"mimetype": "image/png"}} | more


@pytest.mark.parametrize("kind", ["dm.filament.gallery", "m.gallery"])
def test_a_gallery_is_its_files_in_order_under_one_caption(kind: str) -> None:
    sealed = item("b") | {"file": {**KEYS, "url": "mxc://example.org/b"}}
    said = read(gallery(item("a"), sealed, item("c", itemtype="m.video"), msgtype=kind))
    assert isinstance(said, Message)
    assert said.text == "!tweet hello"
    assert [(one.name, one.source, bool(one.key)) for one in said.media] == [
        ("a", "mxc://example.org/a", False),
        ("b", "mxc://example.org/b", True),
        ("c", "mxc://example.org/c", False),
    ]
    new = gallery(item("c"))
    edit = read(new | {"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}})
    assert isinstance(edit, Edit)
    assert [one.name for one in edit.media] == ["c"]


@pytest.mark.parametrize(
    "items",
    [None, [], "abc", {"0": item("a")}, [7], [item("a"), None], [item("a"), item("b", itemtype="m.text")],
     [item("a"), item("b", url="https://example.org/b")], [item("a"), gallery(item("b"))]],
)  # fmt: skip
def test_a_gallery_with_anything_else_is_unreadable(items: object) -> None:
    said = read(gallery(itemtypes=items))
    assert isinstance(said, Unreadable)
    assert said.text == "!tweet hello"


def test_a_gallery_of_ten_thousand_is_read_as_too_many_and_at_once() -> None:
    began = time.perf_counter()
    said = read(gallery(*[item("a")] * 10_000))
    assert time.perf_counter() - began < 0.1
    assert isinstance(said, Message)
    assert len(said.media) == 20


@pytest.mark.parametrize("size", [-1, 0, 1e300, float("nan"), "10", 2**70, True, None, [5], 10**400])
def test_only_a_sane_size_is_believed(size: object) -> None:
    assert read_medium(PLAIN | {"info": {"mimetype": "image/png", "size": size}}).size == 0


# ---------------------------------------------------------------- keys


def test_a_key_is_sealed_for_its_file_and_opened_for_it_alone() -> None:
    vault, other = Vault([b"k" * 32]), Vault([b"o" * 32])
    plain = read_medium(SEALED)
    once, again = sealed(plain, vault), sealed(plain, vault)
    assert plain.key not in (once.key, again.key)
    assert once.key != again.key
    assert once == again == plain  # a file is not another one for that
    assert opened(once, vault).key == plain.key
    assert sealed(medium(PLAIN), vault).key == opened(medium(PLAIN), vault).key == ""
    for wrong, by in ((once, other), (replace(once, source="mxc://example.org/x"), vault),
                      (replace(once, key="!"), vault), (replace(once, key="AAAA"), vault), (plain, vault)):  # fmt: skip
        with pytest.raises(ChatRefused):
            opened(wrong, by)


@pytest.mark.parametrize(
    "info", [None, 7, {"mimetype": 7, "size": "x"}, {"mimetype": "a b", "size": -1}, {"size": True}]
)
def test_odd_descriptions_are_passed_over(info: object) -> None:
    medium = read_medium(PLAIN | {"info": info})
    assert (medium.mime, medium.size) == ("", 0)


def test_content_addresses() -> None:
    assert mxc_parts("mxc://example.org:8448/a_-9") == ("example.org:8448", "a_-9")
    assert mxc_parts("mxc://[::1]:80/a") == ("[::1]:80", "a")
    for odd in (
        "mxc://exa mple/a",
        "mxc://../a",
        "mxc://./a",
        "mxc://-a/..",
        "mxc://a/%2e%2e",
        "mxc:///a",
        "mxc://a/b#c",
    ):
        assert mxc_parts(odd) is None
    assert mxc_parts(None) is None


# ---------------------------------------------------------------- what strangers write


_ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8) | st.just([])
)
_FILE_KEYS = ("url", "v", "iv", "hashes", "key", "alg", "k", "sha256", "body", "filename", "info", "mimetype", "size")
_OBJECT = st.recursive(
    st.dictionaries(st.sampled_from(_FILE_KEYS), _ODD, max_size=4),
    lambda inner: st.dictionaries(st.sampled_from(_FILE_KEYS), inner | _ODD, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["m.image", "m.file", "m.gallery", "dm.filament.gallery"]),
    changed=st.dictionaries(st.sampled_from([*_FILE_KEYS, "file", "itemtypes", "m.new_content"]), _OBJECT | _ODD),
    items=_ODD | st.lists(_OBJECT | st.just(PLAIN | {"itemtype": "m.image"}), max_size=3),
)
def test_no_file_of_a_stranger_raises_or_hides(kind: str, changed: dict[str, Any], items: Any) -> None:
    for content in (PLAIN | changed, SEALED | changed):
        said = read(content | {"msgtype": kind, "itemtypes": items})
        if isinstance(said, Message | Edit):
            assert all(mxc_parts(one.source) is not None and 0 <= one.size < 2**53 for one in said.media)
            assert isinstance(said, Edit) or said.media
            repr(said).encode("utf-8")
        elif said is not None:
            assert "cannot open" in said.reason
