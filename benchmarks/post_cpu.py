"""CPU of one post, from the message that a chat adapter hands over to the recorded outcome, beside a bare loop.

Ours parses, asks who may, records, opens the token, signs, sends and records the outcome. The bare loop is
requests-oauthlib's kept session and nothing else. Both run in this process, in turns, against the stand in another.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop
from requests_oauthlib import OAuth1Session

from benchmarks.house import ROOM, House, house, person
from benchmarks.stand import Stand, stand
from bridge.model import Message

POSTS = 300
PEOPLE = 100
"""Who post in turns, each as an account of their own: nobody posts thousands a day."""
ROUNDS = 7


def bare(stand: Stand, tag: str) -> float:
    """CPU seconds a post."""
    pair = stand.accounts[-1][2]
    session = OAuth1Session(stand.consumer_key, stand.consumer_secret, pair.token, pair.secret)
    begin = time.process_time()
    for number in range(POSTS):
        answer = session.post(f"{stand.url}/2/tweets", json={"text": f"bare {tag} {number}"}, timeout=8)
        assert answer.status_code == 201
    spent = time.process_time() - begin
    session.close()
    return spent / POSTS


async def ours(parts: House, tag: str) -> float:
    """CPU seconds a post. One at a time: the next is said when the outcome of the one before is on disk."""
    begin = time.process_time()
    for number in range(POSTS):
        done = parts.outbox.outcomes().get("posted", 0) + 1
        text = f"!tweet ours {tag} {number}"
        await parts.bot.deliver(
            [Message(f"${tag}-{number}", ROOM, person(number % PEOPLE), text, time.time())], f"s{number}"
        )
        await parts.until_posted(done)
    return (time.process_time() - begin) / POSTS


async def measure() -> list[tuple[float, float]]:
    """(ours, bare) for each round, in CPU seconds a post; the first round warms up and is left out."""
    rounds = []
    with stand(PEOPLE + 1) as x, tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder), x) as parts:
            sending = asyncio.create_task(parts.outbox.run())
            for number in range(ROUNDS + 1):
                mine = await ours(parts, f"r{number}")
                rounds.append((mine, await asyncio.to_thread(bare, x, f"r{number}")))
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    return rounds[1:]


def report() -> list[tuple[str, str, str, str]]:
    """One row: what, ours, the yardstick's, the ratio."""
    rounds = uvloop.run(measure())
    mine, theirs = median(r[0] for r in rounds), median(r[1] for r in rounds)
    ratio = median(r[0] / r[1] for r in rounds)
    return [
        (
            "(a) CPU a post, message to recorded outcome, beside a bare requests-oauthlib loop (aim: at most 1.5)",
            f"{mine * 1000:.2f} ms",
            f"{theirs * 1000:.2f} ms",
            f"{ratio:.2f}",
        )
    ]
