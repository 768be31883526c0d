"""What the operator sees: starts that are refused with a clear line, stops in time, pages, the doctor, the pause."""

import asyncio
import time

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.conftest import SetUp
from tests.e2e.process import Kantter
from tests.e2e.stage import Stage
from tests.e2e.test_secrets import matrix_tokens
from tests.patience import until
from tests.synapse import free_port

pytestmark = pytest.mark.homeserver


async def refused(kantter: Kantter, *words: str, lines: int = 1) -> str:
    """``kantter run`` refuses: exit code 2, so many lines, no traceback, with these words in them. What it said."""
    code, said = await kantter.command("run", "--config", str(kantter.config))
    assert code == 2, said
    assert "Traceback" not in said
    assert len(said.splitlines()) == lines, said
    for word in words:
        assert word in said
    return said


# ---------------------------------------------------------------- stops


@pytest.mark.afresh
async def test_a_stop_finishes_what_is_in_flight(stage: Stage) -> None:
    ana, dm = await stage.linked()
    stage.fault(Kind.DELAY, seconds=3.0)
    await ana.say(dm, "!tweet in flight")
    await stage.until_state("sending")
    waits = await ana.say(dm, "!tweet right behind it")
    await stage.until_state("sending", "queued")
    began = time.monotonic()
    assert await stage.kantter.stop() == 0
    assert 1.0 < time.monotonic() - began < 10.0
    assert stage.states() == ["posted", "queued"]
    assert stage.texts() == ["in flight"]
    await stage.until_told(ana, "in flight")  # said on the way out

    await stage.kantter.start()
    await stage.until_told(ana, "in flight", "right behind it")
    await ana.until_signed(waits, "✅")
    assert len(stage.sent()) == 2


async def test_a_stop_waits_ten_seconds_at_most(stage: Stage) -> None:
    ana, dm = await stage.linked()
    stage.fault(Kind.HANG)
    command = await ana.say(dm, "!tweet hangs")
    await stage.until_state("sending")
    assert await stage.kantter.stop(within=10.0) == 0
    await stage.kantter.start()
    await ana.until_heard("unknown: .*“hangs”", within=10)
    await ana.until_signed(command, "❓")
    assert len(stage.sent()) == 1
    assert await stage.kantter.stop() == 0


# ---------------------------------------------------------------- refused starts


async def test_no_key(set_up: SetUp) -> None:
    stage = await set_up()
    key = stage.kantter.folder / "key"
    held = key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    code, said = await stage.kantter.command("key", "new", "--config", str(stage.kantter.config))
    assert (code, key.read_bytes()) == (2, held), said
    assert str(key) in said
    key.unlink()
    await refused(stage.kantter, str(key), "kantter key new")
    assert not key.exists()


async def test_a_config_with_three_mistakes(set_up: SetUp) -> None:
    stage = await set_up()
    config = stage.kantter.config
    text = config.read_text()
    text = text.replace("[vault]", 'stale_after = "soon"\nprefx = "?"\n[vault]')
    text = text.replace(f'user_id = "{stage.bot}"', 'user_id = "kantter"')
    config.write_text(text)
    said = await refused(stage.kantter, "bot.stale_after", "bot.prefx", "matrix.user_id", lines=3)
    assert said.count(str(config)) == 3
    config.unlink()
    await refused(stage.kantter, str(config))


async def test_what_others_can_read_is_refused(set_up: SetUp) -> None:
    stage = await set_up()
    kantter = stage.kantter
    kantter.data.mkdir(mode=0o700)
    for path, wrong, right in (
        (kantter.data, 0o755, 0o700),
        (kantter.folder / "key", 0o644, 0o600),
        (kantter.folder / "x-secret", 0o640, 0o600),
        (kantter.folder / "password", 0o604, 0o600),
    ):
        path.chmod(wrong)
        await refused(kantter, f"chmod {right:o} {path}")
        path.chmod(right)
    database = kantter.data / "kantter.db"
    database.touch(0o600)
    database.chmod(0o644)
    await refused(kantter, f"chmod 600 {database}")


# ---------------------------------------------------------------- looked at


@pytest.mark.afresh
async def test_one_that_runs(stage: Stage) -> None:
    """Its pages, the modes of what it makes, and that no second process touches its folder."""
    assert [await stage.kantter.page(path) for path in ("/live", "/ready", "/metrics", "/")] == [200, 200, 200, 404]
    for path in [stage.kantter.data, *stage.kantter.data.rglob("*")]:
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}"

    ana, dm = await stage.linked()
    stage.fault(Kind.DELAY, seconds=7.0)
    await ana.say(dm, "!tweet still here")
    await stage.until_state("sending")
    text = stage.kantter.config.read_text()
    stage.kantter.config.write_text(text.replace(f":{stage.kantter.port}", f":{free_port()}"))
    await refused(stage.kantter, str(stage.kantter.data))
    assert stage.states() == ["sending"]  # not taken for what a crash left behind
    await stage.until_told(ana, "still here")
    assert ana.heard("unknown") == []
    metrics = await stage.kantter.read("/metrics")
    assert 'kantter_outcomes{of="posted"} 1.0' in metrics
    assert ana.user_id not in metrics
    assert await stage.kantter.stop() == 0
    assert await stage.kantter.page("/live") is None


async def test_the_doctor(set_up: SetUp) -> None:
    stage = await set_up()
    kantter = stage.kantter

    async def doctor() -> tuple[int, str]:
        code, said = await kantter.command("doctor", "--config", str(kantter.config))
        assert "Traceback" not in said
        return code, said

    code, said = await doctor()
    assert code == 0, said
    assert "FAIL" not in said
    (kantter.folder / "x-key").write_text("wrong")
    code, said = await doctor()
    assert code == 1, said
    assert [line for line in said.splitlines() if line.startswith("FAIL x:")], said
    kantter.configure()
    kantter.config.write_text(
        kantter.config.read_text().replace(kantter.homeserver.url, f"http://127.0.0.1:{free_port()}")
    )
    code, said = await doctor()
    assert code == 1, said
    assert [line for line in said.splitlines() if line.startswith("FAIL")], said


@pytest.mark.afresh
async def test_a_dead_matrix_token_ends_it_with_a_clear_line(stage: Stage) -> None:
    ana, dm = await stage.linked()
    *_, token = matrix_tokens(stage.homeserver, stage.bot)
    await asyncio.to_thread(stage.homeserver.call, "POST", "/_matrix/client/v3/logout", {}, token=token)
    assert await stage.kantter.ended(within=20) == 2
    last = stage.kantter.log.splitlines()[-1]
    assert last.startswith("kantter: ")
    assert "token" in last or "logged" in last, last
    assert "Traceback" not in stage.kantter.log
    assert stage.kantter.log.count("\n") < 40, "a hot loop"
    # There is a password: the next start logs in anew, and people are understood.
    lost = await ana.say(dm, "!tweet to nobody")
    await stage.kantter.start()
    unread = await ana.until_heard(".", reply_to=lost)  # encrypted for the device that is no more: told, not ignored
    assert "Posted as" not in unread.text
    await ana.until_heard("Posted as @ana", reply_to=await ana.say(dm, "!tweet to the new device"))
    assert token not in stage.kantter.log


# ---------------------------------------------------------------- out of credit


async def test_out_of_credit_pauses_tells_the_admin_once_and_resumes(set_up: SetUp) -> None:
    stage = await set_up()
    boss = await stage.person("boss")
    stage.kantter.options = (f'admins = ["{boss.user_id}"]',)
    stage.kantter.configure()
    await stage.kantter.start()
    ana, dm = await stage.linked()
    stage.fault(Kind.ANSWER, answer="credits-depleted", times=2)
    first = await ana.say(dm, "!tweet paid for later")
    told = await boss.until_heard("Posting is paused")
    assert "!resume" in told.text
    await ana.until_heard("“paid for later” waits: not posted yet", within=10)
    await ana.say(dm, "!tweet me too")
    await ana.until_heard("“me too”.*not posted yet", within=10)
    assert "outbox: paused" in await stage.kantter.read("/ready")
    assert len(stage.sent()) == 1

    # It is not mended yet: one try, and no more.
    await boss.until_heard("Trying again", reply_to=await boss.say(told.room, "!resume"))
    await until(lambda: len(stage.sent()) == 2)
    await boss.until_heard("Posting is paused", count=2)
    assert len(stage.sent()) == 2
    await ana.until_heard("Only the operator's admins", reply_to=await ana.say(dm, "!resume"))
    await boss.say(told.room, "!resume")
    await stage.until_on_x("paid for later", "me too")
    await stage.until_told(ana, "paid for later", "me too")
    await ana.until_signed(first, "✅")
    assert len(stage.sent()) == 4
