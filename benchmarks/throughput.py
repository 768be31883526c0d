"""Posts a second with 2,000 waiting posts of 200 accounts, beside tweepy's async client.

Ours claims, opens, signs, sends and records each on disk; tweepy only signs and sends. Each runs in a process of its
own, in turns, against the same stand: ours on the loop that `kantter run` has, tweepy on asyncio's, as it comes. tweepy
needs an older oauthlib, so it lives in a virtual environment of its own.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.house import ROOM, house, person
from benchmarks.stand import Stand, stand
from bridge.interfaces import Tx
from bridge.model import Action, Draft, PostState

ACCOUNTS = 200
EACH = 10
ROUNDS = 5
TWEEPY = Path(".venv-tweepy")


async def ours(x: Stand, tag: str) -> float:
    """Posts a second, from the start of the outbox to the last recorded outcome."""
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder), x) as parts:
            now = time.time()

            def fill(tx: Tx) -> None:
                for turn in range(EACH):
                    for number, account in enumerate(parts.accounts):
                        tx.posts.add(
                            Action.POST,
                            account.id,
                            person(number),
                            ROOM,
                            f"${tag}-{turn}-{number}",
                            None,
                            Draft(f"ours {tag} {turn}"),
                            state=PostState.QUEUED,
                            now=now,
                            fresh_at=now,
                            due_at=now,
                        )

            await parts.store.transact(fill)
            begin = time.perf_counter()
            sending = asyncio.create_task(parts.outbox.run())
            await parts.until_posted(ACCOUNTS * EACH)
            spent = time.perf_counter() - begin
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    return ACCOUNTS * EACH / spent


def theirs(x: Stand, tag: str) -> float:
    """Posts a second of tweepy's async client with as many exchanges in flight as it likes best (see the script)."""
    told = {
        "url": x.url,
        "key": x.consumer_key,
        "secret": x.consumer_secret,
        "pairs": [[pair.token, pair.secret] for _, _, pair in x.accounts],
        "each": EACH,
        "tag": tag,
    }
    script = Path(__file__).with_name("tweepy_posts.py")
    done = subprocess.run(
        [TWEEPY / "bin" / "python", script], input=json.dumps(told), capture_output=True, text=True, check=True
    )
    return ACCOUNTS * EACH / float(done.stdout)


def set_up_tweepy() -> None:
    """Make tweepy's environment where there is none."""
    if not (TWEEPY / ".installed").exists():
        venv.create(TWEEPY, with_pip=True)
        subprocess.run([TWEEPY / "bin" / "pip", "install", "-q", "tweepy[async]"], check=True)
        (TWEEPY / ".installed").touch()


def report() -> list[tuple[str, str, str, str]]:
    """One row: what, ours, the yardstick's, the ratio."""
    set_up_tweepy()
    rounds = []
    with stand(ACCOUNTS) as x:
        for number in range(ROUNDS):
            mine = subprocess.run(
                [sys.executable, "-m", "benchmarks.throughput", f"r{number}"],
                input=json.dumps(x.told()),
                capture_output=True,
                text=True,
                check=True,
            )
            rounds.append((float(mine.stdout), theirs(x, f"r{number}")))
    mine_, theirs_ = median(r[0] for r in rounds), median(r[1] for r in rounds)
    ratio = median(r[0] / r[1] for r in rounds)
    return [
        (
            "(b) posts a second, 2,000 waiting posts of 200 accounts, beside tweepy's async client (aim: above 1)",
            f"{mine_:.0f}/s",
            f"{theirs_:.0f}/s",
            f"{ratio:.2f}",
        )
    ]


if __name__ == "__main__":
    print(uvloop.run(ours(Stand.from_told(json.load(sys.stdin)), sys.argv[1])))
