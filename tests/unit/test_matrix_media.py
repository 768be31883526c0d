"""Files on Matrix: fetched whole or not at all, from homeservers that do as they like, and put there."""

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
from nio.crypto.attachments import decrypt_attachment

from bridge.chat.matrix import media
from bridge.chat.matrix.media import fetch
from bridge.chat.matrix.messages import read_medium, shown
from bridge.errors import ChatRefused, ChatUnreachable
from bridge.model import Medium
from tests.unit.file_scene import CONTENT, PLAIN, SEALED, STORED

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
