"""Posts with tweepy's async client, for ``throughput``. It runs under tweepy's own interpreter and knows
nothing of ours.

Reads JSON from standard input; prints the seconds from the first request to the last answer.
"""

import asyncio
import json
import sys
import time

import aiohttp
from tweepy.asynchronous import AsyncClient
from tweepy.asynchronous.client import AsyncBaseClient

IN_FLIGHT = 32
"""Where its rate is best on two cores."""


def send_to(url: str) -> None:
    """Make tweepy speak to ``url``: its address is a constant in its request function, and is signed."""
    code = AsyncBaseClient.request.__code__
    moved = tuple(url if const == "https://api.twitter.com" else const for const in code.co_consts)
    if moved == code.co_consts:
        raise SystemExit("tweepy has changed: its address was not found")
    AsyncBaseClient.request.__code__ = code.replace(co_consts=moved)


async def main() -> None:
    """All accounts in parallel, one post at a time an account, at most IN_FLIGHT at once."""
    told = json.load(sys.stdin)
    send_to(told["url"])
    gate = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession() as session:

        async def one(pair: list[str]) -> None:
            client = AsyncClient(
                consumer_key=told["key"],
                consumer_secret=told["secret"],
                access_token=pair[0],
                access_token_secret=pair[1],
            )
            client.session = session
            for turn in range(told["each"]):
                async with gate:
                    await client.create_tweet(text=f"tweepy {told['tag']} {turn}")

        begin = time.perf_counter()
        await asyncio.gather(*(one(pair) for pair in told["pairs"]))
        print(time.perf_counter() - begin)


asyncio.run(main())
