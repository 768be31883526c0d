"""``kantter init`` at a real terminal, with a real homeserver and the stand-in for X: wrong answers and right ones."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import SetUp
from tests.e2e.stage import PASSWORD, Stage
from tests.e2e.test_secrets import matrix_tokens
from tests.e2e.typist import Typist
from tests.synapse import free_port

pytestmark = pytest.mark.homeserver

Sit = Callable[..., Typist]


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("KANTTER_")} | more


@pytest.fixture
async def sit() -> AsyncIterator[Sit]:
    """Sits down at a terminal and begins ``kantter init``, with these options."""
    sat: list[Typist] = []

    def begin(*options: str) -> Typist:
        sat.append(Typist([sys.executable, "-m", "bridge", "init", *options], environment()))
        return sat[-1]

    yield begin
    for typist in sat:
        typist.close()


def files_in(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in sorted(folder.rglob("*"))}


async def until_matrix(typist: Typist, stage: Stage, home: Path) -> None:
    await typist.answer("Config file", str(home / "kantter.toml"))
    await typist.answer("Key file", "")
    await typist.answer("Folder for the data", str(home / "data"))
    await typist.answer("Homeserver", stage.homeserver.url)
    await typist.asked("answers")


async def test_from_nothing_to_a_post(set_up: SetUp, sit: Sit, tmp_path: Path) -> None:
    """Each answer wrong first, then right; then the doctor, and the whole way with what was written."""
    stage = await set_up()
    home = tmp_path / "home"
    boss = await stage.person("boss")
    before = matrix_tokens(stage.homeserver, stage.bot)
    typist = sit("--x-url", stage.x.url)
    await typist.answer("Config file", "/proc/nowhere/kantter.toml")
    await typist.asked("no: nothing can be written into /proc")
    await typist.answer("Config file", str(home / "kantter.toml"))
    await typist.answer("Key file", "")
    await typist.answer("Folder for the data", str(home / "data"))
    await typist.answer("Homeserver", f"http://127.0.0.1:{free_port()}")
    await typist.asked("no: ")
    await typist.asked("nothing answers there")
    await typist.answer("Homeserver", "http://example.org")
    await typist.asked("https is expected")
    await typist.answer("Homeserver", stage.x.url)
    await typist.asked("not as a Matrix homeserver")
    await typist.answer("Homeserver", stage.homeserver.url)
    await typist.answer("log in with a password?", "")
    await typist.answer("User id", "kantter")
    await typist.asked("a Matrix user such as")
    await typist.answer("User id", stage.bot)
    await typist.answer("Password of the bot", "wrong-guess-1")
    await typist.asked("no: the homeserver does not take that password")
    await typist.answer("User id", "")
    await typist.answer("Password of the bot", PASSWORD)
    await typist.answer("Consumer key", stage.x.consumer_key)
    await typist.answer("Consumer secret", "wrong-guess-2")
    await typist.asked("no: ")
    await typist.answer("Consumer key", stage.x.consumer_key)
    await typist.answer("Consumer secret", stage.x.consumer_secret)
    await typist.asked("X takes them")
    await typist.answer("Admins", "boss")
    await typist.asked("a Matrix user such as")
    await typist.answer("Admins", boss.user_id)
    await typist.answer("Time zone", "CET+1")
    await typist.asked('"Europe/Helsinki" is expected')
    assert not home.exists()  # nothing is written before the last answer
    await typist.answer("Time zone", "Europe/Helsinki")
    await typist.asked("next: kantter run")
    assert await typist.ended() == 0

    for secret in (PASSWORD, stage.x.consumer_key, stage.x.consumer_secret, "wrong-guess-1", "wrong-guess-2"):
        assert secret not in typist.screen
    assert matrix_tokens(stage.homeserver, stage.bot) == before  # no device stays behind
    names = {"data": 0o700} | dict.fromkeys(("kantter.toml", "key", "matrix-password", "x-key", "x-secret"), 0o600)
    assert files_in(home) == names
    assert PASSWORD not in (home / "kantter.toml").read_text()

    stage.kantter.folder = home
    with (home / "kantter.toml").open("a") as config:
        config.write(f'[web]\nlisten = "127.0.0.1:{stage.kantter.port}"\n')
    code, said = await stage.kantter.command("doctor", "--config", str(home / "kantter.toml"))
    assert code == 0, said
    await stage.kantter.start()
    await stage.linked()
    ana = stage.people[-1]
    dm = ana.notices[-1].room
    await ana.until_heard("Posted as @ana", reply_to=await ana.say(dm, "!tweet set up in a minute"))


async def test_stopped_in_the_middle_nothing_is_there(set_up: SetUp, sit: Sit, tmp_path: Path) -> None:
    stage = await set_up()
    home = tmp_path / "home"
    for keys in (b"\x03", b"\x04"):
        typist = sit("--x-url", stage.x.url)
        await until_matrix(typist, stage, home)
        await typist.answer("log in with a password?", "y")
        await typist.answer("User id", stage.bot)
        await typist.asked("Password of the bot")
        await typist.asked(": ")
        typist.press(keys)
        await typist.asked("stopped: nothing was written")
        assert await typist.ended() == 130
        assert "Traceback" not in typist.screen
        assert not home.exists()


async def test_with_a_token_and_files_that_are_there(set_up: SetUp, sit: Sit, tmp_path: Path) -> None:
    """A token brings its device; a key and secrets that are there are used as they are; a config only by one's word."""
    stage = await set_up()
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": stage.bot}, "password": PASSWORD}
    session = stage.homeserver.call("POST", "/_matrix/client/v3/login", login)
    key = (stage.kantter.folder / "key").read_text()
    for name, text in {
        "token": session["access_token"],
        "x-key": stage.x.consumer_key,
        "x-secret": stage.x.consumer_secret,
        "key": key,
        "kantter.toml": "mine",
    }.items():
        (home / name).write_text(text)
        (home / name).chmod(0o600)
    typist = sit("--config", str(home / "kantter.toml"), "--x-url", stage.x.url)
    await typist.answer("is there already. Write it anew", "y")
    await typist.answer("Key file", "")
    await typist.answer("Folder for the data", str(home / "data"))
    await typist.answer("Homeserver", stage.homeserver.url)
    await typist.answer("log in with a password?", "n")
    await typist.answer("User id", stage.bot)
    await typist.answer("Access token", "syt_wrong")
    await typist.asked("no: the homeserver does not take that access token")
    await typist.answer("User id", "")
    await typist.answer("Access token", str(home / "token"))
    await typist.answer(f"Use {home}/x-key?", "")
    await typist.answer(f"Use {home}/x-secret?", "")
    await typist.answer("Admins", "")
    assert (home / "kantter.toml").read_text() == "mine"
    await typist.answer("Time zone", "UTC")
    await typist.asked("next: kantter run")
    assert await typist.ended() == 0
    text = (home / "kantter.toml").read_text()
    assert f"device_id = {json.dumps(session['device_id'])}" in text
    assert session["access_token"] not in text + typist.screen
    assert (home / "key").read_text() == key
    assert "matrix-token" not in files_in(home)


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "init"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        cwd=tmp_path, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "kantter: init asks questions, so it needs a terminal; without one, copy the example config\n"
    assert list(tmp_path.iterdir()) == []
