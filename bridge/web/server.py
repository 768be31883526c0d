"""The operator's pages: ``/live``, ``/ready`` and ``/metrics``. No page tells who posts, what, or holds a secret.

It knows health and numbers as they are handed to it, and nothing of where they come from.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from bridge.errors import ConfigError, StoreError
from bridge.model import Health

Parts = Callable[[], Mapping[str, Health]]
"""The health of each part, by its name."""

Numbers = Callable[[], Awaitable[Mapping[str, Mapping[str, float]]]]
"""Gauges: a name, then a value for each label; the label "" for a gauge without one."""

_HELP = {
    "posts": "Rows of the outbox that are not at their end, by state.",
    "outcomes": "Posts that came to an end since the start, by how.",
    "answers": "Answers that wait to be said.",
    "up": "Whether a part can do its work now.",
}


class Web:
    """Serves on one address until cancelled."""

    def __init__(self, host: str, port: int, *, parts: Parts, numbers: Numbers) -> None:
        self._host = host
        self._port = port
        self._parts = parts
        self._numbers = numbers

    async def run(self) -> None:
        """Listen and answer. Raises ConfigError when the address is taken or not ours."""
        app = web.Application()
        app.add_routes(
            [web.get("/live", self._live), web.get("/ready", self._ready), web.get("/metrics", self._metrics)]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self._host, self._port).start()
            except OSError as error:
                said = f"web.listen: cannot listen on {self._host}:{self._port}: {error.strerror}"
                raise ConfigError(said) from error
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        """200 once every part can do its work, else 503; a line for each part either way."""
        parts = self._parts()
        lines = [f"{name}: {health.reason or ('ok' if health.ok else 'not ready')}" for name, health in parts.items()]
        status = 200 if all(health.ok for health in parts.values()) else 503
        return web.Response(text="\n".join(lines) + "\n", status=status)

    async def _metrics(self, _request: web.Request) -> web.Response:
        try:
            numbers = dict(await self._numbers())
        except StoreError:
            numbers = {}  # the disk is full or gone; `up` still tells
        numbers["up"] = {name: float(health.ok) for name, health in self._parts().items()}
        registry = CollectorRegistry()
        for name, values in numbers.items():
            labelled = "" not in values
            gauge = Gauge(f"kantter_{name}", _HELP.get(name, name), ["of"] if labelled else [], registry=registry)
            for label, value in values.items():
                (gauge.labels(label) if labelled else gauge).set(value)
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
