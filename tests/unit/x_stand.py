"""X's adapter before a server that says what a test wants, and a look for secrets in all that could be printed."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.config import XSettings
from bridge.errors import PublishError
from bridge.model import Account, Credentials
from bridge.publish.x import XPublisher
from tests.fakes.raw_http import RawServer, Write, answer

NOW = 1_800_000_000.0
PAIR = Credentials("7-tokentokentokentoken", "token-secret-token-secret")
REQUEST = Credentials("request-token-request", "request-secret-request")
ANA = Account(1, "x", "7", "ana")
CREATED = '{"data":{"id":"1234567890123456789","text":"hello"}}'
GRANTED = answer(200, "oauth_token=r1&oauth_token_secret=s1&oauth_callback_confirmed=true")
SECRETS = ("ckey-ckey-ckey", "csecret-csecret", PAIR.token, PAIR.secret, REQUEST.token, REQUEST.secret, "7654321")
Make = Callable[..., Awaitable[tuple[RawServer, XPublisher]]]


@asynccontextmanager
async def stands() -> AsyncIterator[Make]:
    """Makes servers, each with an adapter before it; all end together."""
    made: list[tuple[RawServer, XPublisher]] = []

    async def build(*answers: Write, clock: Callable[[], float] = lambda: NOW) -> tuple[RawServer, XPublisher]:
        server = await RawServer(*answers).__aenter__()
        made.append((server, publisher(server.url, clock)))
        return made[-1]

    yield build
    for server, x in made:
        await x.close()
        await server.__aexit__(None, None, None)


def publisher(url: str, clock: Callable[[], float] = lambda: NOW) -> XPublisher:
    settings = XSettings(consumer_key=SecretStr(SECRETS[0]), consumer_secret=SecretStr(SECRETS[1]), api_url=url)
    return XPublisher(settings, clock=clock)


def chain(error: BaseException) -> str:
    """Everything that could be printed of an error and of those behind it."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    return " ".join(f"{one!r} {one} {one.args!r} {vars(one)!r}" for one in seen)


def assert_tells_nothing(text: str) -> None:
    for secret in (*SECRETS, "oauth_signature", "OAuth "):
        assert secret not in text


async def fails(call: Awaitable[object]) -> PublishError:
    with pytest.raises(PublishError) as caught:
        await call
    assert_tells_nothing(chain(caught.value))
    return caught.value


def problem(status: int, detail: str = "", headers: dict[str, str] | None = None, **more: Any) -> Write:
    return answer(status, json.dumps({"title": "T", "detail": detail, "status": status, **more}), headers)
