"""Requests to the homeserver, and what its error answers mean to us. One place for all of it.

nio gives errors as return values and drops fields that it does not know; both end here. It knows status codes and error
codes (Matrix specification, client-server API, "Standard error response"), and nothing of what was asked for.
"""

import asyncio
import json
import re
from typing import Any, TypeVar

from aiohttp import ClientError, ClientResponse, ClientTimeout
from nio import AsyncClient, ErrorResponse

from bridge.errors import ChatRefused, ChatUnreachable, ConfigError, KantterError

T = TypeVar("T")

LARGEST = 64 << 20
"""Bytes of one answer. A first sync of many rooms is large; nothing honest is larger than that."""
_CHUNK = 1 << 16
_DEEPEST = 100
_MOST_DIGITS = 100
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]|[^"\[\]{}]+', re.DOTALL)
_OPEN, _CLOSE = ("[", "{"), ("]", "}")

_DEAD = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED")


class DeadToken(ConfigError):
    """The homeserver does not take our access token (any more)."""


class TooLarge(ChatUnreachable):
    """An answer larger than ``LARGEST``: asking for less may help."""


def meaning(status: int | None, code: str) -> KantterError:
    """What an error answer means. ``status`` is None where the answer was no Matrix answer at all."""
    said = " ".join(str(part) for part in (status, code) if part)
    if code == "M_USER_DEACTIVATED":
        return ConfigError("matrix: the bot's account was deactivated at its homeserver")
    if code in _DEAD or status == 401:
        return DeadToken("matrix: the homeserver no longer takes the bot's access token; start Kantter again to log in")
    if status is None or status == 429 or status >= 500 or code == "M_LIMIT_EXCEEDED":
        return ChatUnreachable(f"the homeserver answered {said}" if said else "that was no homeserver's answer")
    return ChatRefused(f"the homeserver refused: {said}")


def checked(answer: T) -> T:
    """The answer of one of nio's own methods, when it is none of its error answers.

    Raises ChatUnreachable, ChatRefused, or ConfigError (DeadToken).
    """
    if isinstance(answer, ErrorResponse):
        transport = answer.transport_response
        raise meaning(None if transport is None else transport.status, str(answer.status_code or ""))
    return answer


async def ask(
    client: AsyncClient, method: str, path: str, body: object = None, *, timeout: float = 30.0
) -> tuple[int, Any]:
    """One request in the client's name: the status, and the JSON of the answer (None when it is none).

    ``path`` begins with ``/_matrix``; ``timeout`` in seconds, for the whole exchange, and for the waits that the
    homeserver asks for when it limits us (429, "Rate limiting"): what it refused so it has not done, whatever it was.
    Raises ChatUnreachable.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        left = deadline - asyncio.get_running_loop().time()
        status, answer = await _exchange(client, method, path, body, left)
        wait = _wait(answer) if status == 429 else None
        if wait is None or wait >= deadline - asyncio.get_running_loop().time():
            return status, answer
        await asyncio.sleep(wait)


def _wait(answer: Any) -> float | None:
    """The seconds that a 429 asks for, at least half a second; None when it does not say."""
    asked = answer.get("retry_after_ms") if isinstance(answer, dict) else None
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return None
    return max(0.5, asked / 1000)


async def _exchange(client: AsyncClient, method: str, path: str, body: object, timeout: float) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {client.access_token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body, ensure_ascii=True)
    try:
        # nio's own `send` follows redirects and has no bound on the size; its session is the one to use all the same.
        session = client.client_session
        if session is None:
            raise ChatUnreachable("the connection to the homeserver is closed")
        async with session.request(
            method,
            client.homeserver + path,
            data=data,
            headers=headers,
            timeout=ClientTimeout(total=timeout),
            allow_redirects=False,
        ) as response:
            return response.status, await _read(response)
    except (ClientError, TimeoutError, OSError) as error:
        raise ChatUnreachable(f"the homeserver cannot be reached: {type(error).__name__}") from None


async def _read(response: ClientResponse) -> Any:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST:
            raise TooLarge("the homeserver's answer was too large")
    return parsed(bytes(body))


def parsed(body: bytes) -> Any:
    """The JSON in ``body``; None when it is none.

    What Python's reader does not take, nesting without end and numbers of thousands of digits, is emptied: one such
    event of a stranger must not make a whole answer unreadable, again and again.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    try:
        return json.loads(_shallow(text), parse_int=_number)
    except (ValueError, RecursionError):
        return None


def _shallow(text: str) -> str:
    """``text`` with null in the place of what is nested too deep."""
    kept: list[str] = []
    depth = 0
    for token in _TOKEN.findall(text):
        depth += token in _OPEN
        if depth <= _DEEPEST:
            kept.append(token)
        elif depth == _DEEPEST + 1 and token in _OPEN:
            kept.append("null")
        depth -= token in _CLOSE
    return "".join(kept)


def _number(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


async def _good(client: AsyncClient, method: str, path: str, body: object, timeout: float) -> Any:
    status, answer = await ask(client, method, path, body, timeout=timeout)
    if status >= 300:
        code = answer.get("errcode") if isinstance(answer, dict) else ""
        raise meaning(status, code if isinstance(code, str) else "")
    return answer


async def raw(
    client: AsyncClient, method: str, path: str, body: object = None, *, timeout: float = 30.0
) -> dict[str, Any]:
    """As ``ask``, for answers that are objects. Raises also ChatRefused and ConfigError (DeadToken)."""
    answer = await _good(client, method, path, body, timeout)
    if not isinstance(answer, dict):
        raise ChatUnreachable("that was no homeserver's answer")
    return answer


async def raw_list(
    client: AsyncClient, method: str, path: str, body: object = None, *, timeout: float = 30.0
) -> list[Any]:
    """As ``raw``, for answers that are lists."""
    answer = await _good(client, method, path, body, timeout)
    if not isinstance(answer, list):
        raise ChatUnreachable("that was no homeserver's answer")
    return answer
