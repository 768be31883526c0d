"""Starts ``kantter`` out of a process that has read its code already. Reading it is most of what a start costs, and the
tests start it hundreds of times.

What comes is a process of its own, as after ``python -m bridge``: with its own pid, signals, exit code and files. It
knows nothing else of the product, and no test.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["bridge.app", "bridge.chat.matrix", "bridge.cli", __name__, "tests.e2e.settled"])


class Forked:
    """``kantter`` with these words; what it prints is added to the file ``out``. It has started."""

    def __init__(self, words: Sequence[str], out: Path) -> None:
        self._process = _CONTEXT.Process(target=_be, args=(tuple(words), str(out)), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; -9 after SIGKILL."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError when it has just ended."""
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        return self.returncode or 0


def _be(words: tuple[str, ...], out: str) -> None:
    from bridge.cli import main

    file = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for ours in (1, 2):
        os.dup2(file, ours)
    for name in [name for name in os.environ if name.upper().startswith("KANTTER_")]:
        del os.environ[name]
    sys.argv = ["kantter", *words]
    main()
