"""A backup, a machine that dies, and a start from the copy: nothing goes out twice, nothing is lost without a word."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.chatter import Chatter
from tests.e2e.process import Kantter
from tests.e2e.stage import Stage

pytestmark = pytest.mark.homeserver


async def back_up(kantter: Kantter, path: Path) -> str:
    code, said = await kantter.command("backup", str(path), "--config", str(kantter.config))
    assert code == 0, said
    assert "\x1b" not in said
    assert str(kantter.folder / "key") in said
    return said


async def restore(stage: Stage, copy: Path) -> None:
    """As the README says: the original is no more; a new folder, the copy, the key; doctor; run."""
    kantter = stage.kantter
    await kantter.kill()
    kantter.data.rename(kantter.folder / "dead")
    kantter.data.mkdir(mode=0o700)
    shutil.copy(copy, kantter.data / "kantter.db")
    (kantter.data / "kantter.db").chmod(0o600)
    with (
        closing(sqlite3.connect(kantter.data / "kantter.db")) as raw,
        raw,
    ):  # as if it were an hour old: one look is enough
        raw.execute("UPDATE post SET claimed_at = claimed_at - 3600 WHERE state = 'unknown'")
    code, said = await kantter.command("doctor", "--config", str(kantter.config))
    assert code == 0, said
    await kantter.start()


async def waits(stage: Stage) -> tuple[Chatter, str]:
    """One post is being sent (X has taken it), one waits behind it, one for its time; then the process is killed."""
    ana, dm = await stage.linked()
    await ana.until_heard("Posted as", reply_to=await ana.say(dm, "!tweet one"))
    await ana.until_heard("in 2|at ", reply_to=await ana.say(dm, "!schedule in 2h | later"))
    stage.fault(Kind.DELAY, taken=True, seconds=6.0)
    await ana.say(dm, "!tweet two")
    await stage.until_state("posted", "scheduled", "sending")
    await ana.say(dm, "!tweet three")
    await stage.until_state("posted", "scheduled", "sending", "queued")
    await stage.kantter.kill()
    return ana, dm


async def test_what_the_original_sent_after_the_backup_is_not_sent_again(stage: Stage, tmp_path: Path) -> None:
    ana, dm = await waits(stage)
    await back_up(stage.kantter, tmp_path / "copy.db")
    assert stage.states() == ["posted", "scheduled", "sending", "queued"]  # nothing changed for the original
    await stage.kantter.start()
    await stage.until_on_x("one", "two", "three")
    await ana.until_heard("Posted as", reply_to=await ana.say(dm, "!tweet four"))  # of which the copy knows nothing
    sent = len(stage.sent())

    await restore(stage, tmp_path / "copy.db")
    await stage.until_state("posted", "held", "posted", "posted", within=30)
    asked = await ana.until_heard("restored from a backup.*!send k2")
    await ana.until_heard("Sending k2", reply_to=await ana.say(dm, "!send k2"))
    await stage.until_state("posted", "scheduled", "posted", "posted")
    assert stage.texts() == ["one", "two", "three", "four"]
    assert len(stage.sent()) == sent
    assert "later" in asked.text

    said = await ana.until_heard("Posted as", reply_to=await ana.say(dm, "!tweet five"))
    assert "!undo k1005" in said.text  # a name that the original has not given
    assert stage.texts() == ["one", "two", "three", "four", "five"]
    await ana.until_heard("Deleted", reply_to=await ana.say(dm, "!undo k3"))
    assert stage.texts() == ["one", "three", "four", "five"]


async def test_what_never_went_out_is_asked_about_and_goes_once(stage: Stage, tmp_path: Path) -> None:
    ana, dm = await waits(stage)
    await back_up(stage.kantter, tmp_path / "copy.db")
    await restore(stage, tmp_path / "copy.db")
    await stage.until_state("posted", "held", "posted", "held", within=30)
    asked = await ana.until_heard("restored from a backup.*!send k4|three.*restored")
    assert "!send" in asked.text
    assert stage.texts() == ["one", "two"]
    await ana.until_heard("Sending", reply_to=await ana.say(dm, "!send k4"))
    await stage.until_on_x("one", "two", "three")


async def test_beside_a_running_one(stage: Stage, tmp_path: Path) -> None:
    """Posts go out while it is copied; the folder named, the file finds a name of its own; twice makes two."""
    ana, dm = await stage.linked()
    copying = asyncio.create_task(back_up(stage.kantter, tmp_path))
    for number in range(3):
        await ana.until_heard("Posted as", reply_to=await ana.say(dm, f"!tweet {number}"))
    await copying
    (made,) = tmp_path.glob("kantter-*.db")
    assert made.stat().st_mode & 0o777 == 0o600
    code, said = await stage.kantter.command("backup", str(made), "--config", str(stage.kantter.config))
    assert code == 2
    assert "never overwrites" in said
    assert await stage.kantter.page("/ready") == 200
