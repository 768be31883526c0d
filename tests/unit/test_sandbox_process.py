"""``python -m bridge.sandbox``: the stand-in as a process of its own."""

import asyncio
import json
import signal
import sys

import aiohttp


async def test_it_tells_where_it_is_and_ends_when_told() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.sandbox", "--handles", "acme", "--consumer-key", "k"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            told = json.loads(await process.stdout.readline())
        assert told["consumer_key"] == "k"
        async with aiohttp.ClientSession() as session, session.get(f"{told['url']}/acme") as page:
            assert page.status == 200
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            out, err = await process.communicate()
        assert (process.returncode, out) == (0, b"")
        assert not any(told[name].encode() in err for name in ("consumer_secret", "control_token"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
