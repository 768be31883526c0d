"""What ``kantter init`` tries at a homeserver, right when it was told: is it one, does it take this password or token.

A password is tried by a login that is logged out at once, so that no device stays. What is wrong is a ConfigError, in
plain words. It keeps nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp

from bridge.chat.matrix.checks import SECONDS, ask
from bridge.errors import ConfigError

_CLIENT = "/_matrix/client"


@dataclass(frozen=True, slots=True)
class Homeserver:
    """Where it is, whether it takes passwords, and whether anybody can register there."""

    url: str
    takes_passwords: bool
    is_open: bool


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield session
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ConfigError(f"{url} cannot be reached: {_why(error)}") from error


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "there is no such host; is it spelt right?"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its TLS certificate is not valid"
        case aiohttp.ClientConnectorError():
            return "nothing answers there"
        case TimeoutError():
            return f"no answer within {SECONDS:.0f} s"
        case _:
            return "what answers there speaks another protocol"


async def find(url: str) -> Homeserver:
    """The homeserver at ``url``, or the one that this server name points to. Raises ConfigError."""
    async with _session(url) as session:
        if not await _is_one(session, url):
            pointed = await _pointed(session, url)
            if pointed is None or not await _is_one(session, pointed):
                raise ConfigError(
                    f"{url} answers, but not as a Matrix homeserver; its address is needed, as clients use it"
                )
            url = pointed
        _, body = await ask(session, "GET", f"{url}{_CLIENT}/v3/login")
        flows = body.get("flows")
        kinds = [flow.get("type") for flow in flows if isinstance(flow, dict)] if isinstance(flows, list) else []
        status, _ = await ask(session, "POST", f"{url}{_CLIENT}/v3/register", json={})
        return Homeserver(url, "m.login.password" in kinds, status == 401)


async def _is_one(session: aiohttp.ClientSession, url: str) -> bool:
    status, body = await ask(session, "GET", f"{url}{_CLIENT}/versions")
    return status == 200 and isinstance(body.get("versions"), list)


async def _pointed(session: aiohttp.ClientSession, url: str) -> str | None:
    """Where the server name says that its homeserver is (Matrix specification, "Well-known URIs")."""
    _, body = await ask(session, "GET", f"{url}/.well-known/matrix/client")
    found = body.get("m.homeserver")
    base = found.get("base_url") if isinstance(found, dict) else None
    return base.rstrip("/") if isinstance(base, str) and base.startswith("https://") else None


async def log_in(url: str, user_id: str, password: str) -> None:
    """Raises ConfigError when that password does not log that user in."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user_id},
        "password": password,
        "initial_device_display_name": "Kantter (trying the password)",
    }
    async with _session(url) as session:
        status, answer = await ask(session, "POST", f"{url}{_CLIENT}/v3/login", json=body)
        if status == 429:
            raise ConfigError("the homeserver lets nobody try so often; wait a minute, then give it again")
        if status != 200:
            raise ConfigError(f"the homeserver does not take that password for {user_id} ({status}{_code(answer)})")
        headers = {"Authorization": f"Bearer {answer.get('access_token')}"}
        await ask(session, "POST", f"{url}{_CLIENT}/v3/logout", headers=headers, json={})
    if answer.get("user_id") != user_id:
        raise ConfigError(f"the homeserver calls that user {answer.get('user_id')}, not {user_id}")


def _code(answer: dict[str, object]) -> str:
    code = answer.get("errcode")
    return f" {code}" if isinstance(code, str) else ""


async def device_of(url: str, user_id: str, token: str) -> str:
    """The device that this access token of that user belongs to. Raises ConfigError."""
    async with _session(url) as session:
        headers = {"Authorization": f"Bearer {quote(token, safe='')}"}  # what else it holds must not break the header
        status, answer = await ask(session, "GET", f"{url}{_CLIENT}/v3/account/whoami", headers=headers)
    if status != 200:
        raise ConfigError(f"the homeserver does not take that access token ({status}{_code(answer)})")
    device = answer.get("device_id")
    if answer.get("user_id") != user_id or not isinstance(device, str):
        raise ConfigError(f"that access token is the one of {answer.get('user_id')}, not of {user_id}")
    return device
