"""Files of rooms: what counts as one, and how it is brought onto the disk."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment

from bridge.chat.matrix import media
from bridge.chat.matrix.events import Envelope, mxc_parts
from bridge.chat.matrix.filekeys import opened, sealed
from bridge.chat.matrix.media import fetch
from bridge.chat.matrix.messages import Damaged, read_media, read_medium, read_text, shown
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Edit, Identity, Medium, Message, Room, Unreadable
from bridge.vault import Vault

CONTENT = bytes(range(256)) * 700
ROOM = Room("matrix", "!press")
SAID = Envelope("$1", ROOM, Identity("matrix", "@ana:example.org"), 1_800_000_000.0)
STORED, KEYS = encrypt_attachment(CONTENT)
PLAIN = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://example.org/cat", "info": {"mimetype": "image/png"}}
SEALED = {"msgtype": "m.image", "body": "cat.png", "file": {**KEYS, "url": "mxc://example.org/sealed"}}


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


# ---------------------------------------------------------------- fetching


@pytest.fixture
async def home() -> AsyncIterator[SimpleNamespace]:
    """A homeserver with two files; ``asked`` is what was asked for, with which token."""
    asked: list[tuple[str, str]] = []

    async def give(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, request.headers["Authorization"]))
        media_id = request.match_info["media_id"]
        if media_id == "elsewhere":
            raise web.HTTPFound("/secret")
        if media_id == "busy":
            return web.json_response({"errcode": "M_UNKNOWN"}, status=502)
        content = {"cat": CONTENT, "sealed": STORED}.get(media_id)
        if content is None:
            return web.json_response({"errcode": "M_NOT_FOUND"}, status=404)
        return web.Response(body=content)

    put: list[tuple[str, bytes]] = []
    answers: list[tuple[int, object]] = []

    async def take(request: web.Request) -> web.Response:
        put.append((request.headers["Content-Type"], await request.read()))
        status, said = answers.pop(0) if answers else (200, {"content_uri": f"mxc://example.org/put{len(put)}"})
        return web.json_response(said, status=status)

    app = web.Application()
    app.router.add_post("/_matrix/media/v3/upload", take)
    app.router.add_get("/_matrix/client/v1/media/download/{server}/{media_id}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield SimpleNamespace(
            client_session=session,
            homeserver=f"http://127.0.0.1:{port}",
            access_token="t0ken",
            asked=asked,
            put=put,
            answers=answers,
        )
    await runner.cleanup()


def medium(content: dict[str, Any]) -> Medium:
    return read_medium(content)


@pytest.mark.parametrize("content", [PLAIN, SEALED])
async def test_a_file_comes_whole_decrypted_and_for_us_only(
    home: SimpleNamespace, tmp_path: Path, content: dict[str, Any]
) -> None:
    await fetch(home, medium(content), tmp_path / "file", len(CONTENT))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    [(path, token)] = home.asked
    assert path.startswith("/_matrix/client/v1/media/download/example.org/")
    assert token == "Bearer t0ken"


async def test_a_file_that_is_larger_than_said_is_cut_off(home: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(ChatRefused, match="larger"):
        await fetch(home, medium(PLAIN), tmp_path / "file", len(CONTENT) - 1)
    assert (tmp_path / "file").stat().st_size < len(CONTENT)


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": hashlib.sha256(b"other").hexdigest()},
        {"sha256": "AAAA"},
        {"key": "AAAA"},
        {"key": "!!!!"},
        {"iv": "AAAA"},
    ],
)
async def test_a_sealed_file_that_does_not_fit_is_refused(
    home: SimpleNamespace, tmp_path: Path, changed: dict[str, str]
) -> None:
    with pytest.raises(ChatRefused):
        await fetch(home, replace(medium(SEALED), **changed), tmp_path / "file", 1 << 20)  # type: ignore[arg-type]  # texts


@pytest.mark.parametrize(
    ("name", "error"), [("gone", ChatRefused), ("busy", ChatUnreachable), ("elsewhere", ChatRefused)]
)
async def test_refusals_are_told_apart(
    home: SimpleNamespace, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await fetch(home, Medium(f"mxc://example.org/{name}", "image/png"), tmp_path / "file", 1 << 20)
    assert len(home.asked) == 1


async def test_no_other_address_is_ever_asked(home: SimpleNamespace, tmp_path: Path) -> None:
    for source in ("https://example.org/cat", "file:///etc/passwd", "mxc://a/../b", ""):
        with pytest.raises(ChatRefused):
            await fetch(home, Medium(source, "image/png"), tmp_path / "file", 1 << 20)
        (tmp_path / "file").unlink(missing_ok=True)
    assert home.asked == []


# ---------------------------------------------------------------- putting there


@pytest.mark.parametrize("encrypted", [True, False])
async def test_what_is_put_there_can_be_read_again(home: SimpleNamespace, tmp_path: Path, encrypted: bool) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    said = Medium("", "image/png", len(CONTENT), "cat.png", width=4, height=3, duration=2.5)
    there = await media.upload(home, tmp_path / "file", said, encrypted=encrypted)
    [(kind, stored)] = home.put
    assert kind == ("application/octet-stream" if encrypted else "image/png")
    assert (stored == CONTENT) is not encrypted
    content = shown(there)
    assert content["info"] == {"mimetype": "image/png", "size": len(CONTENT), "w": 4, "h": 3, "duration": 2500}
    assert read_medium(content) == replace(there, width=0, height=0, sha256=there.sha256 if encrypted else "")
    if encrypted:
        assert decrypt_attachment(stored, there.key, there.sha256, there.iv) == CONTENT
        assert base64.urlsafe_b64decode(there.iv + "==")[8:] == bytes(8)
        again = await media.upload(home, tmp_path / "file", said, encrypted=True)
        assert len({there.key, there.iv, again.key, again.iv}) == 4


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((413, {"errcode": "M_TOO_LARGE"}), ChatRefused),
        ((413, None), ChatRefused),
        ((403, {"errcode": "M_FORBIDDEN"}), ChatRefused),
        ((429, {"errcode": "M_LIMIT_EXCEEDED"}), ChatUnreachable),
        ((502, "bad gateway"), ChatUnreachable),
        ((200, {}), ChatUnreachable),
        ((200, ["mxc://a/b"]), ChatUnreachable),
        ((200, {"content_uri": "https://example.org/cat"}), ChatUnreachable),
    ],
)
async def test_a_homeserver_that_does_not_take_it(
    home: SimpleNamespace, tmp_path: Path, answer: tuple[int, object], error: type[Exception]
) -> None:
    home.answers.append(answer)
    (tmp_path / "file").write_bytes(CONTENT)
    with pytest.raises(error):
        await media.upload(home, tmp_path / "file", medium(PLAIN), encrypted=False)
    with pytest.raises(FileNotFoundError):
        await media.upload(home, tmp_path / "nothing", medium(PLAIN), encrypted=False)


# ---------------------------------------------------------------- homeservers that do as they like

_OK = b"HTTP/1.1 200 OK\r\n"


async def _behave(kind: str, writer: asyncio.StreamWriter) -> None:
    if kind == "silent":
        await asyncio.sleep(30)
    elif kind == "large header":
        writer.write(_OK + b"X-Large: " + b"x" * (1 << 20) + b"\r\n\r\n")
    elif kind == "headers without end":
        while not writer.is_closing():
            writer.write(b"".join(b"X-%d: x\r\n" % number for number in range(1000)))
            await writer.drain()
    elif kind == "no http":
        writer.write(b"\x89PNG\r\n\x1a\n\r\n" * 100)
    elif kind == "cut":
        writer.write(_OK + b"Content-Length: 1000\r\n\r\nabc")
    elif kind == "byte by byte":
        writer.write(_OK + b"Content-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif kind == "without end":
        writer.write(_OK + b"\r\n")
        while not writer.is_closing():
            writer.write(bytes(1 << 16))
            await writer.drain()
    elif kind == "packed":
        packed = gzip.compress(bytes(50 << 20))
        length = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
        writer.write(_OK + length + packed)
    await writer.drain()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("silent", ChatUnreachable),
        ("large header", ChatUnreachable),
        ("headers without end", ChatUnreachable),
        ("no http", ChatUnreachable),
        ("cut", ChatUnreachable),
        ("byte by byte", ChatUnreachable),
        ("without end", ChatRefused),
        ("packed", None),
    ],
)
async def test_a_homeserver_cannot_hold_or_fill_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, error: type[Exception] | None
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            await _behave(kind, writer)
        writer.close()

    monkeypatch.setattr(media, "_SECONDS", 0.5)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        home = SimpleNamespace(client_session=session, homeserver=f"http://127.0.0.1:{port}", access_token="t")
        began = time.perf_counter()
        wanted = Medium("mxc://example.org/cat", "image/png")
        if error is None:
            await fetch(home, wanted, tmp_path / "file", 1 << 20)
        else:
            with pytest.raises(error):
                await fetch(home, wanted, tmp_path / "file", 1 << 20)
    server.close()
    assert time.perf_counter() - began < 5.0
    assert (tmp_path / "file").stat().st_size <= 1 << 20


def test_a_large_file_has_its_time() -> None:
    assert media._SECONDS + (512 << 20) / media._SLOWEST > 900.0


async def test_a_full_disk_is_no_broken_connection(home: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full refuses every byte."""
    real = os.open
    monkeypatch.setattr(os, "open", lambda *_: real("/dev/full", os.O_WRONLY))
    with pytest.raises(OSError, match="No space left"):
        await fetch(home, medium(PLAIN), Path("/dev/full"), len(CONTENT))


async def test_files_that_lie_about_their_size_leave_room_on_the_disk(
    home: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is looked at while they come, since several may come at once."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=media._SPARE - 1))
    with pytest.raises(OSError, match="nearly full"):
        await fetch(home, replace(medium(PLAIN), size=1), tmp_path / "file", len(CONTENT))
    assert (tmp_path / "file").stat().st_size == 0


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


@settings(max_examples=300, deadline=None)
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
