"""A bot that is killed (SIGKILL) at any moment while people write hears each message once, in order."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.matrix_scene import Scene
from tests.patience import until
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver
KILLS = 5


class Victim:
    """The process, started again and again on one folder."""

    def __init__(self, homeserver: Synapse, user_id: str, folder: Path) -> None:
        self._command = [sys.executable, "-m", "tests.integration.matrix_process", homeserver.url, user_id, str(folder)]
        self._database = folder / "kantter.db"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)

    async def ready(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert b"ready" in await asyncio.to_thread(self._process.stdout.read, 6)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def heard(self) -> list[str]:
        connection = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT value FROM note WHERE scope = 'heard' ORDER BY key").fetchall()
        finally:
            connection.close()
        return [row[0].decode() for row in rows]


@pytest.fixture
def victims() -> Iterator[list[Victim]]:
    started: list[Victim] = []
    yield started
    for victim in started:
        victim.kill()


async def test_killed_at_any_moment_it_hears_each_message_once(
    scene: Scene, homeserver: Synapse, victims: list[Victim], tmp_path: Path
) -> None:
    user_id, ana = await scene.register("kantter"), await scene.person()
    victim = Victim(homeserver, user_id, tmp_path / "bot")
    victims.append(victim)
    victim.start()
    await victim.ready()
    room = await ana.create(user_id)
    await ana.until_in(room, user_id)
    said: list[str] = []
    over = asyncio.Event()

    async def write() -> None:
        while not over.is_set():
            if len(said) % 7 == 3:
                ana.client.invalidate_outbound_session(room)  # a new key to be lost
            said.append(f"!tweet {len(said)}")
            await ana.say(room, said[-1])

    writing = asyncio.create_task(write())
    chance = random.Random(2026)
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.3, 2.0))  # the moment is what is tested: any will do
        victim.kill()
        victim.start()
    await victim.ready()
    over.set()
    await writing
    await until(lambda: len(victim.heard()) >= len(said), within=20)
    assert victim.heard() == said
