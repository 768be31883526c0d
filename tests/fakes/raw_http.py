"""An HTTP server with full control of every byte and every close, for what no well-behaved server does.

A test gives the answers as functions that write to the connection; each request takes the next one, the last one stays.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from types import TracebackType

Write = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request; the connection is kept open when it returns, unless it closed it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in. Header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class RawServer:
    """Use as ``async with RawServer(answer, ...) as server``."""

    def __init__(self, *answers: Write) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""
        self._answers = answers
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        tasks = [task for task in self._open.values() if task is not None]
        for writer in list(self._open):
            writer.close()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open[writer] = asyncio.current_task()
        try:
            while not writer.is_closing() and (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
                await answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            self._open.pop(writer, None)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


# ---------------------------------------------------------------- answers


def answer(
    status: int, body: bytes | str = b"", headers: dict[str, str] | None = None, *, at: float | None = None
) -> Write:
    """A whole, proper answer. ``at``: the server's time for the Date header; without one there is none."""
    raw = body.encode() if isinstance(body, str) else body
    given = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}
    if at is not None:
        given["Date"] = formatdate(at, usegmt=True)

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in given.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
        await writer.drain()

    return write


def cut(*first: bytes) -> Write:
    """The connection breaks: with no byte, or after these."""

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in first:
            writer.write(piece)
            await writer.drain()
        writer.close()

    return write


def hang(*first: bytes) -> Write:
    """These bytes, and then nothing until the client goes away."""

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in first:
            writer.write(piece)
        await writer.drain()
        await reader.read()
        writer.close()

    return write


def dribble(body: bytes, every: float) -> Write:
    """A success whose body comes byte by byte, so many seconds apart."""

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Any\r\nContent-Length: %d\r\n\r\n" % len(body))
        for place in range(len(body)):
            writer.write(body[place : place + 1])
            await writer.drain()
            await asyncio.sleep(every)

    return write
