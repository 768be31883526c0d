"""The operator's pages, over a real socket."""

import asyncio
import socket

import aiohttp
import pytest

from bridge.errors import ConfigError, StoreError
from bridge.model import Health
from bridge.web.server import Web


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def get(port: int, path: str) -> tuple[int, str]:
    """Ask until the server listens."""
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                    return response.status, await response.text()
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)


async def numbers() -> dict[str, dict[str, float]]:
    return {"posts": {"queued": 3.0}, "answers": {"": 2.0}}


async def broken_numbers() -> dict[str, dict[str, float]]:
    raise StoreError("the database refused: disk full")


async def test_ready_is_503_until_every_part_is_and_names_the_one_that_is_not() -> None:
    state = {"matrix": Health(ok=False, reason="not in sync yet"), "outbox": Health(ok=True)}
    port = free_port()
    task = asyncio.create_task(Web("127.0.0.1", port, parts=lambda: state, numbers=numbers).run())
    try:
        assert await get(port, "/live") == (200, "ok\n")
        assert await get(port, "/ready") == (503, "matrix: not in sync yet\noutbox: ok\n")
        state["matrix"] = Health(ok=True)
        assert (await get(port, "/ready"))[0] == 200
        status, text = await get(port, "/metrics")
        assert status == 200
        assert 'kantter_posts{of="queued"} 3.0' in text
        assert "kantter_answers 2.0" in text
        assert 'kantter_up{of="matrix"} 1.0' in text
        assert (await get(port, "/other"))[0] == 404
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_metrics_are_there_when_the_store_is_not() -> None:
    port = free_port()
    web = Web("127.0.0.1", port, parts=lambda: {"outbox": Health(ok=False, reason="disk full")}, numbers=broken_numbers)
    task = asyncio.create_task(web.run())
    try:
        status, text = await get(port, "/metrics")
        assert (status, 'kantter_up{of="outbox"} 0.0' in text) == (200, True)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_taken_port_is_a_config_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
            await Web("127.0.0.1", port, parts=dict, numbers=numbers).run()
