"""The whole program as a process of its own, with a config in a folder: started, looked at, stopped, killed.

It knows the command line and the operator's pages, and imports nothing of the product.
"""

import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.e2e.forking import Forked
from tests.synapse import Synapse, free_port


@dataclass
class Kantter:
    """One Kantter. ``options`` are lines for the ``[bot]`` table, such as ``'stale_after = "5s"'``;
    ``matrix_options`` the same for ``[matrix]``. ``afresh``: it starts as ``python -m bridge run``, with a command line
    of its own; else as its fork, which is much faster.
    """

    folder: Path
    homeserver: Synapse
    x_url: str
    consumer_key: str
    consumer_secret: str
    user: str
    password: str
    options: tuple[str, ...] = ()
    matrix_options: tuple[str, ...] = ()
    afresh: bool = False
    port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | Forked | None = None

    @property
    def user_id(self) -> str:
        return self.homeserver.user_id(self.user)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        return self.folder / "kantter.toml"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        out = self.folder / "kantter.log"
        return out.read_text("utf-8", "replace") if out.exists() else ""

    def configure(self) -> None:
        """Write config, secrets and key, with the modes that ``run`` asks for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secrets = {"x-key": self.consumer_key, "x-secret": self.consumer_secret, "password": self.password}
        for name, value in secrets.items():
            (self.folder / name).write_text(value)
            (self.folder / name).chmod(0o600)
        options, matrix_options = "\n".join(self.options), "\n".join(self.matrix_options)
        self.config.write_text(
            f"""
[bot]
data_dir = "{self.data}"
{options}
[vault]
key_file = "{self.folder / "key"}"
[x]
consumer_key_file = "{self.folder / "x-key"}"
consumer_secret_file = "{self.folder / "x-secret"}"
api_url = "{self.x_url}"
web_url = "{self.x_url}"
[matrix]
homeserver = "{self.homeserver.url}"
user_id = "{self.user_id}"
password_file = "{self.folder / "password"}"
{matrix_options}
[web]
listen = "127.0.0.1:{self.port}"
"""
        )

    async def make_key(self) -> None:
        """Make the vault's key, as the operator does."""
        code, said = await self.command("key", "new", "--config", str(self.config))
        assert code == 0, said

    async def command(self, *words: str) -> tuple[int, str]:
        """Run ``kantter`` with these words to its end; the exit code, and all that it printed."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            async with asyncio.timeout(60):
                code = await Forked(words, out).wait()
            return code, out.read_text()

    async def start(self, *, ready: bool = True, within: float = 60.0) -> None:
        """Start ``kantter run``; back when ``/ready`` says 200. Raises AssertionError with the log when it does not."""
        words, log = ("run", "--config", str(self.config)), self.folder / "kantter.log"
        if not self.afresh:
            self._process = Forked(words, log)
        else:
            with log.open("ab") as out:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "bridge", *words,
                    stdout=out, stderr=out, stdin=asyncio.subprocess.DEVNULL, env=self._environment(),
                )  # fmt: skip
        if ready:
            await self.until_ready(within=within)

    async def until_ready(self, *, within: float = 60.0) -> None:
        """Back when ``/ready`` says 200. Raises AssertionError with the log when it does not, or the process ends."""
        assert self._process is not None
        try:
            async with asyncio.timeout(within):
                while await self.page("/ready") != 200:
                    assert self._process.returncode is None, f"it ended:\n{self.log[-4000:]}"
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise AssertionError(f"not ready within {within} s:\n{self.log[-4000:]}") from error

    async def says(self, path: str, status: int) -> bool:
        """Whether one of the operator's pages answers with that status."""
        return await self.page(path) == status

    async def page(self, path: str) -> int | None:
        """The status of one of the operator's pages; None when nobody listens."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status
        except aiohttp.ClientError:
            return None

    async def read(self, path: str) -> str:
        """What one of the operator's pages says."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            return await answer.text()

    async def kill(self) -> None:
        """Kill -9, by its pid."""
        await self._end(signal.SIGKILL, 10)

    async def stop(self, within: float = 10.0) -> int:
        """SIGTERM; the exit code. Raises TimeoutError when it takes longer."""
        return await self._end(signal.SIGTERM, within)

    async def ended(self, within: float = 30.0) -> int:
        """Wait until it has ended by itself; the exit code."""
        return await self._end(None, within)

    async def _end(self, number: signal.Signals | None, within: float) -> int:
        process = self._process
        if process is None:
            return 0
        if number is not None and process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(within):
            code = await process.wait()
        self._process = None
        return code

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.upper().startswith("KANTTER_")}
