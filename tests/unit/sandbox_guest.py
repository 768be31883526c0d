"""A client of the sandbox that is not the product's: oauthlib signs, a bare aiohttp session carries."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import requests
from requests_oauthlib import OAuth1

from bridge.sandbox import Sandbox

Pair = tuple[str, str]


@dataclass(frozen=True)
class Reply:
    """What came back. ``headers`` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json()["data"]

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


class Guest:
    """Calls the sandbox, signed or not."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self._session = session

    def signed(self, method: str, path: str, pair: Pair = ("", ""), *, auth: Any = None, **body: Any) -> Any:
        """A prepared request with its Authorization header."""
        key = self.sandbox.consumer_key, self.sandbox.consumer_secret
        signer = auth or OAuth1(*key, pair[0] or None, pair[1] or None)
        return requests.Request(method, self.sandbox.url + path, auth=signer, **body).prepare()

    async def send(self, prepared: Any) -> Reply:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in prepared.headers.items()
        }
        return await self.plain(prepared.method, prepared.url, headers=headers, data=prepared.body)

    async def call(self, method: str, path: str, pair: Pair = ("", ""), **body: Any) -> Reply:
        return await self.send(self.signed(method, path, pair, **body))

    async def plain(self, method: str, url: str, **more: Any) -> Reply:
        """A request as it stands; ``url`` may be a path."""
        url = url if url.startswith("http") else self.sandbox.url + url
        async with self._session.request(method, url, allow_redirects=False, **more) as response:
            return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, await response.read())

    async def begin(self, callback: str = "oob") -> tuple[Pair, str]:
        """A request token, and where the person goes with it."""
        key = self.sandbox.consumer_key, self.sandbox.consumer_secret
        form = (await self.call("POST", "/oauth/request_token", auth=OAuth1(*key, callback_uri=callback))).form()
        token = form["oauth_token"]
        return (token, form["oauth_token_secret"]), f"{self.sandbox.url}/oauth/authorize?oauth_token={token}"

    async def trade(self, request: Pair, pin: str) -> Reply:
        key = self.sandbox.consumer_key, self.sandbox.consumer_secret
        return await self.call("POST", "/oauth/access_token", auth=OAuth1(*key, *request, verifier=pin))

    async def link(self, handle: str) -> Pair:
        """The whole flow, to an access token."""
        request, address = await self.begin()
        form = (await self.trade(request, self.sandbox.approve(address, handle))).form()
        return form["oauth_token"], form["oauth_token_secret"]

    async def post(self, pair: Pair, text: str, **more: Any) -> Reply:
        return await self.call("POST", "/2/tweets", pair, json={"text": text, **more})


@asynccontextmanager
async def guest(clock: Callable[[], float] = time.time, timeout: float = 5.0, **more: Any) -> AsyncIterator[Guest]:
    """A sandbox and its guest; ``timeout`` in seconds is the guest's for one exchange."""
    async with await Sandbox.start(clock=clock, **more) as sandbox:
        limit = aiohttp.ClientTimeout(total=timeout)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=limit) as session:
            yield Guest(sandbox, session)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until the condition holds; raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is the state of another task, not an event
            await asyncio.sleep(0.005)
