"""No secret stands where it must not: in the data folder, the log, the command line, the environment, an answer."""

import base64
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from bridge.sandbox.faults import Kind
from tests.e2e.chatter import URL, Chatter
from tests.e2e.conftest import SetUp
from tests.e2e.process import Kantter
from tests.e2e.stage import PASSWORD, word
from tests.e2e.test_drafts import preview, team
from tests.e2e.test_media import picture, show
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver


def matrix_tokens(homeserver: Synapse, user_id: str) -> list[str]:
    """The access tokens of a user, the newest last, out of the homeserver's own database."""
    path = f"file:{homeserver.folder / 'homeserver.db'}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as connection:
        rows = connection.execute(
            "SELECT token FROM access_tokens WHERE user_id = ? ORDER BY id", (user_id,)
        ).fetchall()
    return [row[0] for row in rows]


def forms(secret: str) -> set[bytes]:
    """How a secret may look in bytes: plain, percent-encoded, in base64 at any of the three offsets, in hex, UTF-16."""
    plain = secret.encode()
    found = {plain, quote(secret, safe="").encode(), plain.hex().encode(), secret.encode("utf-16-le")}
    for offset in range(3 if len(secret) > 12 else 0):  # a few letters in base64 stand anywhere by chance
        encoded = base64.b64encode(b"\0" * offset + plain)
        found.add(encoded[4 if offset else 0 : -4])
    return found


def stands_in(form: bytes, held: bytes) -> bool:
    """Whether it is there; digits (a PIN) not as a part of a longer number."""
    if form.isdigit():
        return re.search(rb"(?<!\d)" + form + rb"(?!\d)", held) is not None
    return form in held


def leaks(secrets: dict[str, str], places: dict[str, bytes]) -> list[str]:
    """Which secret stands where."""
    return [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for place, held in places.items()
        if any(stands_in(form, held) for form in forms(secret))
    ]


def everything(kantter: Kantter) -> dict[str, bytes]:
    """All that the process wrote: each file of the data folder, and its log."""
    files = {str(path): path.read_bytes() for path in kantter.data.rglob("*") if path.is_file()}
    return files | {"the log": kantter.log.encode()}


@pytest.mark.afresh
async def test_no_secret_stands_in_the_data_the_log_or_the_process(set_up: SetUp) -> None:
    stage = await set_up('log_level = "debug"')
    await stage.kantter.start()
    ana = await stage.person()
    dm = await ana.create(stage.bot)
    await ana.say(dm, "!link")
    told = await ana.until_heard(r"^https?://\S+$")
    address = URL.search(told.text)
    assert address is not None
    token = parse_qs(urlsplit(address[0]).query)["oauth_token"][0]
    pending = stage.x.world.pending(token, stage.x.clock())
    assert pending is not None
    secrets = {
        "the request token": token,
        "the request token's secret": pending.credentials.secret,
        "the consumer key": stage.x.consumer_key,
        "the consumer secret": stage.x.consumer_secret,
        "the Matrix password": PASSWORD,
        "the vault's key": (stage.kantter.folder / "key").read_text().strip(),
    }
    for number, matrix_token in enumerate(matrix_tokens(stage.homeserver, stage.bot)):
        secrets[f"Matrix token {number}"] = matrix_token
    assert len(secrets) > 6
    assert leaks(secrets, everything(stage.kantter)) == []  # while the link is pending
    assert leaks({"the user": stage.bot}, everything(stage.kantter)) != []  # the search finds what is there

    pin = stage.x.approve(address[0], "ana")
    await ana.say(dm, pin)
    await ana.until_heard("Linked @ana")
    await ana.until_heard("Posted as @ana", reply_to=await ana.say(dm, "!tweet hello"))
    access = stage.x.world.issue("ana").credentials  # X gives the same pair again
    secrets |= {"the access token": access.token, "the access token's secret": access.secret, "the PIN": pin}
    assert leaks(secrets, everything(stage.kantter)) == []
    proc = Path("/proc") / str(stage.kantter.pid)
    assert leaks(secrets, {name: (proc / name).read_bytes() for name in ("cmdline", "environ")}) == []

    # Failures speak at length: none of them may say a secret.
    stage.x.world.revoke_user("ana")
    await ana.until_heard("not posted", reply_to=await ana.say(dm, "!tweet with a dead token"))
    said = {"an answer": "\n".join(said.text for said in ana.notices).encode()}
    del secrets["the request token"]  # it is what the person was given
    assert leaks(secrets, said) == []
    assert await stage.kantter.stop() == 0
    assert leaks(secrets, everything(stage.kantter)) == []


async def test_a_copied_folder_opens_nothing_without_its_key(set_up: SetUp) -> None:
    stage = await set_up()
    await stage.kantter.start()
    ana, dm = await stage.linked()
    stage.fault(Kind.ANSWER, answer="rate-limit", seconds=60)
    await ana.say(dm, "!tweet waits")
    await stage.until_state("queued")
    await stage.kantter.stop()
    thief = await set_up()
    shutil.copytree(stage.kantter.data, thief.kantter.data)
    thief.kantter.x_url = stage.x.url
    thief.kantter.consumer_key, thief.kantter.consumer_secret = stage.x.consumer_key, stage.x.consumer_secret
    thief.kantter.user = stage.kantter.user
    thief.kantter.configure()
    sent = len(stage.sent())
    await thief.kantter.start(ready=False)
    assert await thief.kantter.ended() == 2
    assert "key" in thief.kantter.log
    assert "Traceback" not in thief.kantter.log
    assert len(stage.sent()) == sent


def above_debug(log: str) -> str:
    """The lines of the log that an operator sees at the usual level."""
    lines = [line for line in log.splitlines() if '"level": "debug"' not in line]
    assert all(line.startswith("{") for line in lines), lines
    return "\n".join(lines)


async def test_a_long_day_of_a_team_leaves_no_secret_and_no_words_in_the_log(set_up: SetUp) -> None:
    stage = await set_up('log_level = "debug"')
    await stage.kantter.start()
    ana, dm, (bob, _, dan), room = await team(stage)
    words = {
        name: f"{name} {word()}"
        for name in ("draft", "changed", "reason", "post", "thread", "second", "later", "refused", "alt", "dropped")
    }
    credentials = stage.x.world.issue("acme").credentials
    secrets = {
        "the access token": credentials.token,
        "the access token's secret": credentials.secret,
        "the consumer secret": stage.x.consumer_secret,
        "the consumer key": stage.x.consumer_key,
        "the vault's key": (stage.kantter.folder / "key").read_text().strip(),
        "the Matrix password": PASSWORD,
        "a key in a text": "sk-proj-" + word() * 4,
    }
    for number, matrix_token in enumerate(matrix_tokens(stage.homeserver, stage.bot)):
        secrets[f"Matrix token {number}"] = matrix_token

    command = await dan.say(room, f"!tweet@acme {words['draft']}")
    await preview(bob, command)
    await dan.edit(room, command, f"!tweet@acme {words['changed']}")
    await bob.until_heard(r"^Draft k1\.2 for @acme")
    await bob.until_heard("Rejected k1.2", reply_to=await bob.say(room, f"!reject k1.2 {words['reason']}"))
    await ana.until_heard("Posted as", reply_to=await ana.say(room, f"!tweet@acme {words['post']}"))
    await ana.until_heard(
        "in 2 parts", reply_to=await ana.say(room, f"!thread {words['thread']}\n---\n{words['second']}")
    )
    await ana.until_heard("Scheduled", reply_to=await ana.say(room, f"!schedule in 2h | {words['later']}"))
    await ana.until_heard("Look twice", reply_to=await ana.say(dm, f"!tweet Mine is {secrets['a key in a text']}"))
    stage.fault(Kind.ANSWER, answer="too-long")
    await ana.until_heard("not posted", reply_to=await ana.say(room, f"!tweet {words['refused']}"))
    shown = await show(ana, dm, picture(), f"!tweet With a picture\nalt: {words['alt']}", encrypted=True)
    await ana.until_heard("Posted as", reply_to=shown)
    await dan.until_heard(
        "Dropped", reply_to=await dan.say(room, f"!drop {await drafted(dan, room, words['dropped'])}")
    )
    for said in ("!log @acme", "!status", "!team @acme", "!policy @acme hold=5s", "!who k2", "!queue", "!frob"):
        await ana.say(room, said)
    await ana.until_heard("Nothing waits|waits|goes out", reply_to=await ana.say(room, "!queue"))

    code, rows = await stage.kantter.command("log", "--json", "--config", str(stage.kantter.config))
    assert code == 0
    deeds = [json.loads(row) for row in rows.splitlines()]
    assert {"link", "share", "accept", "draft", "edit", "reject", "post", "schedule", "drop", "policy"} <= {
        deed["verb"] for deed in deeds
    }
    code, said = await stage.kantter.command("log", "--verify", "--config", str(stage.kantter.config))
    assert (code, said[:3]) == (0, "ok:"), said
    assert await stage.kantter.stop() == 0
    log = stage.kantter.log
    assert leaks(secrets, {"the log": log.encode(), "the deeds": rows.encode()}) == []
    assert leaks(words, {"the log": above_debug(log).encode()}) == []
    # The file of the database is the operator's and holds people's words, but no secret in the clear beside them.
    del secrets["a key in a text"]
    assert leaks(secrets, everything(stage.kantter)) == []


async def drafted(person: Chatter, room: str, text: str) -> str:
    """The name of a new draft of that person."""
    told = await person.until_heard(r"^Draft k\w+ for", reply_to=await person.say(room, f"!draft@acme {text}"))
    return told.text.split()[1]
