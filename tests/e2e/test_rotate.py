"""A new key for the vault: beside the real homeserver, and the real command killed while it works."""

import asyncio
import base64
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge import rotating
from bridge.vault import Vault
from tests.e2e.stage import Stage
from tests.e2e.test_secrets import matrix_tokens
from tests.patience import until
from tests.unit.sealed_house import House


@pytest.mark.homeserver
async def test_a_new_key_and_nobody_notices(stage: Stage) -> None:
    """Accounts stay linked, the bot keeps its device and its keys, and what waited goes out."""
    kantter, config = stage.kantter, str(stage.kantter.config)
    ana, dm = await stage.linked()
    code, said = await kantter.command("key", "rotate", "--config", config)
    assert code == 2
    assert "stop it first" in said
    assert await kantter.stop() == 0
    key = kantter.folder / "key"
    (old,) = key.read_text().splitlines()
    tokens = matrix_tokens(stage.homeserver, stage.bot)

    code, said = await kantter.command("key", "rotate", "--config", config)
    assert code == 0, said
    assert "--forget-old" in said
    assert key.read_text().splitlines()[1:] == [old]
    await kantter.start()
    await ana.until_heard("Posted as @ana", reply_to=await ana.say(dm, "!tweet with both keys"))
    assert await kantter.stop() == 0

    code, said = await kantter.command("key", "rotate", "--forget-old", "--config", config)
    assert code == 0, said
    assert old not in key.read_text()
    code, said = await kantter.command("doctor", "--config", config)
    assert code == 0, said
    await kantter.start()
    await ana.until_heard("Posted as @ana", reply_to=await ana.say(dm, "!tweet with the new one"))
    assert stage.texts() == ["with both keys", "with the new one"]
    assert matrix_tokens(stage.homeserver, stage.bot) == tokens
    assert ana.unreadable == []


async def test_killed_at_any_moment_the_command_goes_on(tmp_path: Path) -> None:
    """The real process, killed once the new key is there, and then again and again while it seals."""
    house = House(tmp_path)
    count = await house.fill(more=1500)
    (old,) = house.lines()
    words = (sys.executable, "-m", "bridge", "key", "rotate", "--config", str(house.config))
    newest = Vault([base64.b64decode(old)])

    def sealed_with_newest() -> int:
        with closing(sqlite3.connect(f"file:{house.data}/kantter.db?mode=ro", uri=True)) as raw:
            return sum(
                newest.is_newest(row[0])
                for row in raw.execute("SELECT credentials FROM account WHERE credentials NOT NULL")
            )

    for goal in (0, 200, 900):
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
        await until(lambda: len(house.lines()) == 2, within=30)
        newest = Vault.from_file(house.key)
        await until(lambda goal=goal: sealed_with_newest() >= goal, within=30)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        assert house.lines()[1:] == [old]
        assert not (await house.survey()).shut
    process = await asyncio.create_subprocess_exec(*words, "--forget-old", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert f"all {count} sealed values open" in out.decode()
    assert "\x1b" not in out.decode()
    assert len(house.lines()) == 1
    assert await house.survey() == rotating.Survey(count, 0, ())
    assert house.anywhere(old) == []
