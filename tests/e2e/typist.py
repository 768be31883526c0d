"""A person at a real terminal (a pty): reads what a command asks, and types."""

import asyncio
import fcntl
import os
import signal
import subprocess
import termios
import threading
from collections.abc import Sequence

from tests.patience import until


def _sit_down() -> None:
    """In the new process: the terminal is its own, and Ctrl-C reaches it also when these tests run where it is ignored,
    such as behind a shell's ``&``.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Typist:
    """One command at one terminal. ``screen``: all that stood there."""

    def __init__(self, words: Sequence[str], environment: dict[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm", "COLUMNS": "200"},
            start_new_session=True, preexec_fn=_sit_down,
        )  # fmt: skip
        os.close(theirs)
        self.screen = ""
        self._read = 0
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 4096)
            except OSError:  # the other side is gone
                return
            if not data:
                return
            self.screen += data.decode("utf-8", "replace").replace("\r\n", "\n")

    async def asked(self, words: str, within: float = 40.0) -> None:
        """Wait for these words, behind all that was waited for before. Raises AssertionError with the screen."""
        try:
            await until(lambda: words in self.screen[self._read :], within=within)
        except TimeoutError as error:
            raise AssertionError(f"{words!r} was not said:\n{self.screen}") from error
        self._read = self.screen.index(words, self._read) + len(words)

    async def answer(self, question: str, text: str) -> None:
        """Type a line when that is asked."""
        await self.asked(question)
        await self.asked(": ")
        os.write(self._ours, text.encode() + b"\n")

    def press(self, keys: bytes) -> None:
        """Such as Ctrl-C."""
        os.write(self._ours, keys)

    async def ended(self) -> int:
        """Its exit code."""
        code = await asyncio.to_thread(self._process.wait, 60)
        self._reader.join(5)
        return code

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        os.close(self._ours)
