"""The stand-in for X in a process of its own, with linked accounts, so that its CPU time is not counted as ours.

Run as a module it is that process: it prints one JSON line and serves until its standard input ends.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from bridge.model import Credentials
from bridge.sandbox import Sandbox


@dataclass(frozen=True)
class Stand:
    """Where it is, the app's key pair, and a token pair for each account: (user id, handle, token pair)."""

    url: str
    consumer_key: str
    consumer_secret: str
    accounts: list[tuple[str, str, Credentials]]

    def told(self) -> dict[str, object]:
        """All of it as JSON values, for another process."""
        pairs = [[user, handle, pair.token, pair.secret] for user, handle, pair in self.accounts]
        return asdict(self) | {"accounts": pairs}

    @classmethod
    def from_told(cls, told: dict[str, Any]) -> "Stand":
        """What ``told`` gave."""
        pairs = [(user, handle, Credentials(token, secret)) for user, handle, token, secret in told["accounts"]]
        return cls(told["url"], told["consumer_key"], told["consumer_secret"], pairs)


@contextmanager
def stand(accounts: int) -> Iterator[Stand]:
    """A running stand-in with that many linked accounts and no rate limits; ended by closing its input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stand", str(accounts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Stand.from_told(json.loads(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(10)


async def _serve(accounts: int) -> None:
    endless = dict.fromkeys(("post", "timeline", "delete", "read"), 10**9)
    async with await Sandbox.start(numbers=endless) as sandbox:
        pairs = []
        for number in range(accounts):
            user = sandbox.world.add_user(f"account{number}")
            pair = sandbox.world.issue(user.handle).credentials
            pairs.append((user.id, user.handle, pair))
        told = Stand(sandbox.url, sandbox.consumer_key, sandbox.consumer_secret, pairs).told()
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
