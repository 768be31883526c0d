"""Carries one signed request to X and its answer back: once, within one deadline, on aiohttp.

It knows HTTP and when an outcome is certain; it knows no signature, no endpoint and no meaning of an answer.
No redirect is followed (a signature must not leave its host), no cookie kept (people would be mixed), nothing taken
from the environment. No error from here holds a header.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, Any

import aiohttp
import structlog
from yarl import URL

from bridge.errors import OutcomeUnknown, Unreachable

log = structlog.get_logger(__name__)

DEADLINE = 8.0
"""Seconds for a whole exchange: connect, send, wait, read."""
_CONNECT = 4.0
"""Seconds of it for a connection. A request that has none by then certainly has not left."""
_CONNECTIONS = 200
"""At once: one for each account that the outbox serves at a time, and some for links and uploads."""
LARGEST_ANSWER = 1 << 20
_HEADERS = {"User-Agent": "kantter", "Accept": "application/json", "Accept-Encoding": "identity"}
"""Answers are small. Without compression none can grow after it has been measured."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status and headers arrived. ``whole``: its body did too, and was not too large."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool

    def json(self) -> dict[str, Any]:
        """The JSON object in the body; an empty one when it is anything else (cut, HTML, nested without end)."""
        try:
            value = json.loads(self.body.decode("utf-8")) if self.whole else None
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def text(self) -> str:
        """The body as text, for matching words in it."""
        return self.body[:4096].decode("utf-8", "replace")

    def date(self) -> float | None:
        """The server's time in Unix seconds (RFC 9110, section 6.6.1); None when it does not tell."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None


class Wire:
    """A pool of connections. Made in no loop in particular; the first exchange ties it to the running one."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=10.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT),
                headers=_HEADERS,
                trust_env=False,
            )
            # aiohttp would send GET and DELETE a second time by itself, with the same nonce: X refuses that as a replay
            self._session._retry_connection = False  # noqa: SLF001 - it has no public switch; a test holds it
        return self._session

    async def exchange(
        self,
        method: str,
        url: str,
        authorization: str,
        body: bytes | aiohttp.FormData | None = None,
        *,
        deadline: float | None = None,
    ) -> Reply:
        """Send once and give what came back, whatever its status. ``url`` goes out as it is, ``body`` as JSON, or as
        the form that it is.
        ``deadline``: by the loop's clock, when the exchange is part of a longer one.

        Raises Unreachable when no connection was had, OutcomeUnknown when one was and no status came back.
        """
        data = aiohttp.BytesPayload(body, content_type="application/json") if isinstance(body, bytes) else body
        begun: aiohttp.ClientResponse | None = None
        received = bytearray()
        whole = False
        lost = "The connection to X broke before its answer came."
        try:
            async with asyncio.timeout_at(deadline or deadline_from_now()):
                async with self._opened().request(
                    method,
                    URL(url, encoded=True),
                    data=data,
                    headers={"Authorization": authorization},
                    allow_redirects=False,
                ) as begun:
                    whole = await _read(begun, received)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(_no_connection(error)) from error
        except TimeoutError:
            lost = "X did not answer in time."
        except (aiohttp.ClientError, OSError) as error:
            log.debug("an exchange broke", kind=type(error).__name__)
        if begun is None:  # raised here, not above: aiohttp's errors carry the request's headers, signature and all
            raise OutcomeUnknown(lost)
        return Reply(begun.status, begun.headers, bytes(received), whole)

    async def close(self) -> None:
        """Let go of the sockets."""
        if self._session is not None:
            await self._session.close()


def deadline_from_now(seconds: float | None = None) -> float:
    """The loop's time at which an exchange that begins now must be over."""
    return asyncio.get_running_loop().time() + (DEADLINE if seconds is None else seconds)


def form(fields: Mapping[str, str], file: IO[bytes], mime: str) -> aiohttp.FormData:
    """A multipart form (RFC 7578) with the open ``file`` as ``media``; it is read as it is sent, and has no name."""
    made = aiohttp.FormData()
    for name, value in fields.items():
        made.add_field(name, value)
    made.add_field("media", file, filename="media", content_type=mime)
    return made


async def _read(response: aiohttp.ClientResponse, received: bytearray) -> bool:
    """Read into ``received``; give whether that is all of it."""
    while not response.content.at_eof():
        received += await response.content.read(65536)
        if len(received) > LARGEST_ANSWER:
            response.close()
            return False
    return True


def _no_connection(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "X could not be reached safely: its certificate does not hold. Nothing was sent."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "X could not be reached: its name could not be looked up. Nothing was sent."
    return "X could not be reached: there is no connection. Nothing was sent."
