"""Puts answers on the wire, whole or, where a fault says so, broken in the way it says.

It knows connections only: whether a request is carried out is a function it is given, and calls or does not call.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress

from aiohttp import web

from bridge.sandbox import answers
from bridge.sandbox.answers import Answer
from bridge.sandbox.faults import Fault, Kind

STRAYED = "/sandbox/strayed"
"""Where a ``redirect`` leads when it names no place: whoever follows stands in the log."""

_GARBAGE = '<!DOCTYPE html><title>over capacity</title>{"data":'
_LOOK = 0.1
"""Seconds between two looks whether a client that hangs has gone."""

Headers = Mapping[str, str]


class Wire:
    """Answers requests of one server. ``closing`` ends every wait."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()

    async def respond(
        self, request: web.BaseRequest, work: Callable[[], Answer], fault: Fault, headers: Headers
    ) -> web.StreamResponse:
        """Answer one request that ``fault`` hits. ``work`` carries it out, once at most."""
        if fault.kind is Kind.DELAY and not fault.taken and not await self._wait(fault.seconds):
            return cut(request)
        taken = fault.taken or fault.kind is Kind.DELAY
        answer = work() if taken else answers.text(200, "")
        match fault.kind:
            case Kind.DELAY:
                if fault.taken and not await self._wait(fault.seconds):
                    return cut(request)
                return whole(answer, headers)
            case Kind.ANSWER:
                return whole(answers.CANNED[fault.answer], headers)
            case Kind.GARBAGE:
                return whole(Answer(answer.status, (fault.body or _GARBAGE).encode(errors="replace")), headers)
            case Kind.REDIRECT:
                return whole(answers.text(307, ""), {**headers, "Location": fault.location or STRAYED})
            case Kind.CUT:
                return cut(request)
            case Kind.RESET:
                return cut(request, reset=True)
            case Kind.TRUNCATE:
                return await self._pieces(request, answer, headers, [answer.body[: len(answer.body) // 2]], 0.0)
            case Kind.DRIBBLE:
                size = max(len(answer.body), 1)
                pieces = [answer.body[at : at + 1] for at in range(len(answer.body))]
                return await self._pieces(request, answer, headers, pieces, fault.seconds / size)
            case Kind.HANG:
                return await self._hang(request)

    async def _wait(self, seconds: float) -> bool:
        """False when the server closed before the time was over. Real seconds, whatever the clock says."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)
        return not self.closing.is_set()

    async def _hang(self, request: web.BaseRequest) -> web.StreamResponse:
        while request.transport is not None and not request.transport.is_closing():
            if not await self._wait(_LOOK):
                break
        return cut(request)

    async def _pieces(
        self, request: web.BaseRequest, answer: Answer, headers: Headers, pieces: list[bytes], pause: float
    ) -> web.StreamResponse:
        """Announce the whole answer, then send these pieces of it; a part that is missing never comes."""
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type, **headers})
        response.content_length = len(answer.body)
        with suppress(ConnectionError):  # a client that lost patience is what this is for
            await response.prepare(request)
            for piece in pieces:
                if pause and not await self._wait(pause):
                    break
                await response.write(piece)
        if sum(map(len, pieces)) < len(answer.body) or self.closing.is_set():
            cut(request)
        return response


def whole(answer: Answer, headers: Headers) -> web.Response:
    """The answer as it should be."""
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers={"Content-Type": answer.content_type, **answer.headers, **headers},
    )


def cut(request: web.BaseRequest, *, reset: bool = False) -> web.StreamResponse:
    """Close the connection under the client's feet, by RST if ``reset``. Nothing more is sent."""
    transport = request.transport
    if transport is not None:
        if reset:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return web.Response()
