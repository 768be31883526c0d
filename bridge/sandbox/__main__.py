"""``python -m bridge.sandbox``: the stand-in as a process of its own, for tests that run or kill it apart.

It prints one line of JSON (url, consumer key and secret, control token) when it listens, and runs until SIGTERM or
SIGINT. Logs go to stderr.
"""

import argparse
import asyncio
import json
import signal
import sys

import structlog

from bridge.sandbox.server import HANDLES, Sandbox

log = structlog.get_logger(__name__)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bridge.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--handles", default=",".join(HANDLES), help="accounts to begin with, with commas between")
    parser.add_argument("--consumer-key", help="default: random")
    parser.add_argument("--consumer-secret", help="default: random; it is worth nothing outside the sandbox")
    parser.add_argument("--control-token", help="default: random")
    parser.add_argument("--unlimited", action="store_true", help="no rate limit on posts, for benchmarks")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    sandbox = await Sandbox.start(
        arguments.port,
        numbers={"post": 10**9} if arguments.unlimited else None,
        handles=[handle for handle in arguments.handles.split(",") if handle],
        consumer_key=arguments.consumer_key,
        consumer_secret=arguments.consumer_secret,
        control_token=arguments.control_token,
    )
    told = {
        "url": sandbox.url,
        "consumer_key": sandbox.consumer_key,
        "consumer_secret": sandbox.consumer_secret,
        "control_token": sandbox.control_token,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    log.info("sandbox.listens", url=sandbox.url)
    await ended.wait()
    await sandbox.stop()
    log.info("sandbox.ended", taken=sandbox.world.taken)


def main() -> int:
    """Run it. Returns the exit status: 1 when the port is taken."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(_run(_arguments()))
    except OSError as error:
        sys.stderr.write(f"cannot listen: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
