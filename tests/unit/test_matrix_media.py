"""Files of rooms: what counts as one, and how it is brought onto the disk."""

import hashlib
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from nio.crypto.attachments import encrypt_attachment  # type: ignore[import-untyped]  # nio ships no types

from bridge.chat.matrix.events import Envelope, mxc_parts, read_medium, read_text
from bridge.chat.matrix.media import fetch
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Edit, Identity, Medium, Message, Room

CONTENT = bytes(range(256)) * 700
ROOM = Room("matrix", "!press")
SAID = Envelope("$1", ROOM, Identity("matrix", "@ana:example.org"), 1_800_000_000.0)
STORED, KEYS = encrypt_attachment(CONTENT)
PLAIN = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://example.org/cat", "info": {"mimetype": "image/png"}}
SEALED = {"msgtype": "m.image", "body": "cat.png", "file": {**KEYS, "url": "mxc://example.org/sealed"}}


def read(content: dict[str, Any]) -> Message | Edit | None:
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
    assert read({"msgtype": kind, "filename": "a.mp4", "body": "!tweet hello"}) is None


def test_the_caption_of_no_picture_is_nothing() -> None:
    assert read(PLAIN | {"filename": "cat.png", "body": "!tweet hello", "url": "https://example.org/cat.png"}) is None


def test_an_edit_changes_the_caption() -> None:
    new = PLAIN | {"filename": "cat.png", "body": "!tweet other"}
    said = read(new | {"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}})
    assert isinstance(said, Edit)
    assert (said.target, said.text) == ("$0", "!tweet other")


def test_a_sealed_file_has_its_key_and_does_not_show_it() -> None:
    medium = read_medium(SEALED)
    assert medium is not None
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
        {"msgtype": "m.text"},
        {"file": {"url": "mxc://example.org/cat"}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "v": "v1"}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "hashes": {}}},
        {"file": {**KEYS, "url": "mxc://example.org/cat", "key": "x"}},
    ],
)
def test_what_is_no_file_of_a_room_is_none(content: dict[str, Any]) -> None:
    assert read_medium(PLAIN | content) is None


@pytest.mark.parametrize(
    "info", [None, 7, {"mimetype": 7, "size": "x"}, {"mimetype": "a b", "size": -1}, {"size": True}]
)
def test_odd_descriptions_are_passed_over(info: object) -> None:
    medium = read_medium(PLAIN | {"info": info})
    assert medium is not None
    assert (medium.mime, medium.size) == ("", 0)


def test_content_addresses() -> None:
    assert mxc_parts("mxc://example.org:8448/a_-9") == ("example.org:8448", "a_-9")
    assert mxc_parts("mxc://[::1]:80/a") == ("[::1]:80", "a")
    assert mxc_parts("mxc://exa mple/a") is None
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

    app = web.Application()
    app.router.add_get("/_matrix/client/v1/media/download/{server}/{media_id}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield SimpleNamespace(
            client_session=session, homeserver=f"http://127.0.0.1:{port}", access_token="t0ken", asked=asked
        )
    await runner.cleanup()


def medium(content: dict[str, Any]) -> Medium:
    found = read_medium(content)
    assert found is not None
    return found


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
