"""What ``kantter doctor`` asks the homeserver: is it there, does it take our password or token, who may walk in.

It makes no device and leaves nothing behind, so it may run beside a running Kantter.
"""

from typing import Any

import aiohttp

from bridge.config import MatrixSettings

Found = tuple[str, bool | None, str]
"""What was looked at; True fine, False `run` would fail, None look at it; and the sentence."""

SECONDS = 10.0


async def ask(session: aiohttp.ClientSession, method: str, url: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """One request: the status, and the object in the answer (empty where there is none)."""
    async with session.request(method, url, allow_redirects=False, **more) as response:
        try:
            body = await response.json(content_type=None)
        except ValueError:
            body = {}
        return response.status, body if isinstance(body, dict) else {}


async def examine(settings: MatrixSettings) -> list[Found]:
    """The findings about the homeserver, in the order in which ``run`` meets them."""
    base = f"{settings.homeserver}/_matrix/client"
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            status, body = await ask(session, "GET", f"{base}/versions")
            if status != 200 or not isinstance(body.get("versions"), list):
                return [("matrix", False, f"{settings.homeserver} does not answer as a Matrix homeserver ({status})")]
            return [
                ("matrix", True, f"{settings.homeserver} answers"),
                await _account(session, base, settings),
                *await _openness(session, base, settings),
            ]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return [("matrix", False, f"{settings.homeserver} cannot be reached: {type(error).__name__}")]


async def _account(session: aiohttp.ClientSession, base: str, settings: MatrixSettings) -> Found:
    if settings.access_token is not None:
        headers = {"Authorization": f"Bearer {settings.access_token.get_secret_value()}"}
        status, body = await ask(session, "GET", f"{base}/v3/account/whoami", headers=headers)
        if status != 200:
            return "matrix login", False, "the homeserver does not take the access token"
        if (body.get("user_id"), body.get("device_id")) != (settings.user_id, settings.device_id):
            said = f"the access token is that of {body.get('user_id')}, device {body.get('device_id')}"
            return "matrix login", False, f"{said}, not of {settings.user_id}, device {settings.device_id}"
        return "matrix login", True, f"the access token is that of {settings.user_id}"
    status, body = await ask(session, "GET", f"{base}/v3/login")
    flows = body.get("flows")
    kinds = [flow.get("type") for flow in flows if isinstance(flow, dict)] if isinstance(flows, list) else []
    if "m.login.password" not in kinds:
        return "matrix login", False, "the homeserver takes no passwords; give access_token and device_id instead"
    return "matrix login", True, f"{settings.user_id} logs in with its password at the first start"


async def _openness(session: aiohttp.ClientSession, base: str, settings: MatrixSettings) -> list[Found]:
    own = f"*:{settings.server_name}"
    if "*:*" in settings.allowed:
        return [("matrix allow", None, "everybody on every homeserver may command the bot")]
    if own not in settings.allowed:
        return [("matrix allow", True, ", ".join(settings.allowed))]
    status, _ = await ask(session, "POST", f"{base}/v3/register", json={})
    if status == 401:
        return [("matrix allow", None, f"anybody can register at {settings.server_name}, and then command the bot")]
    return [("matrix allow", True, f"everybody on {settings.server_name}; it takes no strangers")]
