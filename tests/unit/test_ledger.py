"""The operator's commands log, accounts and outbox: what they print, for people and for programs, and how they exit."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge import cli
from bridge.interfaces import Tx
from bridge.model import Action, Draft, Identity, Policy, PostState, Role, Room, Sealed
from bridge.store import Database

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.5

CONFIG = """
[bot]
data_dir = "{data}"
[x]
consumer_key = "ck"
consumer_secret = "cs"
[matrix]
homeserver = "https://matrix.example.org"
user_id = "@kantter:example.org"
password = "pw"
"""


class Desk:
    """A config, a data folder, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.config = folder / "kantter.toml"
        self.config.write_text(CONFIG.format(data=self.data))
        self.config.chmod(0o600)

    def fill(self, work: Callable[[Tx], object]) -> None:
        async def done() -> None:
            self.data.mkdir(mode=0o700, exist_ok=True)
            store = await Database.open(self.data / "kantter.db")
            await store.transact(work)
            await store.close()

        asyncio.run(done())

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli.app, [*words, "--config", str(self.config)])

    def rows(self, *words: str) -> list[dict[str, object]]:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def raw(self, sql: str) -> None:
        with sqlite3.connect(self.data / "kantter.db") as raw:
            raw.execute(sql)
        raw.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def deeds(tx: Tx) -> None:
    acme, press = tx.accounts.put("x", "7", "acme"), tx.accounts.put("x", "8", "press")
    tx.log.add(ANA, "link", room=PRESS, account_id=acme.id, detail="@acme", outcome="owner", at=NOW)
    tx.log.add(BEN, "post", room=PRESS, account_id=press.id, detail="k1, “hel\x1b[31mlo”\tx", outcome="queued", at=NOW)
    tx.log.add(None, "fail", account_id=acme.id, outcome="not posted", at=NOW)


def test_the_log_as_lines_and_as_json(desk: Desk) -> None:
    desk.fill(deeds)
    lines = [line.split("\t") for line in desk.run("log").stdout.splitlines()]
    assert lines[0] == ["1", "2027-01-15 08:00", "@ana:example.org", "link", "@acme", "@acme", "owner", "!press"]
    assert lines[1][5] == "k1, “hel [31mlo” x"
    assert lines[2][2] == "(the bot)"
    rows = desk.rows("log")
    assert [row["verb"] for row in rows] == ["link", "post", "fail"]
    assert rows[0]["at"] == NOW
    assert rows[0]["time"] == "2027-01-15T08:00:00.500000Z"
    assert rows[1]["detail"] == "k1, “hel\x1b[31mlo”\tx"
    assert rows[2]["actor"] is None


def test_the_log_of_one_account_and_the_newest_of_it(desk: Desk) -> None:
    desk.fill(deeds)
    assert [row["verb"] for row in desk.rows("log", "--account", "@Acme")] == ["link", "fail"]
    assert [row["verb"] for row in desk.rows("log", "--account", "7", "-n", "1")] == ["fail"]
    assert [row["verb"] for row in desk.rows("log", "-n", "2")] == ["post", "fail"]
    result = desk.run("log", "--account", "@nobody")
    assert result.exit_code == 2
    assert "there is no account @nobody" in result.stderr


def test_a_long_log_comes_in_pages_and_whole(desk: Desk) -> None:
    desk.fill(lambda tx: [tx.log.add(ANA, "use", at=NOW + n) for n in range(2500)])
    assert [row["id"] for row in desk.rows("log")] == list(range(1, 2501))
    assert len(desk.run("log").stdout.splitlines()) == 50
    assert "ok: 2500 rows" in desk.run("log", "--verify").stdout


@pytest.mark.parametrize(
    ("sql", "row"),
    [
        ("UPDATE log SET outcome = 'approved' WHERE id = 2", 2),
        ("DELETE FROM log WHERE id = 1", 1),
        ("DELETE FROM log WHERE id = 3", 3),
        ("DELETE FROM log", 1),
    ],
)
def test_a_broken_chain_exits_1_and_names_the_row(desk: Desk, sql: str, row: int) -> None:
    desk.fill(deeds)
    whole = desk.run("log", "--verify")
    assert (whole.exit_code, whole.stdout[:3]) == (0, "ok:")
    desk.raw(sql)
    broken = desk.run("log", "--verify")
    assert broken.exit_code == 1
    assert f"FAIL: row {row} " in broken.stdout
    told = json.loads(desk.run("log", "--verify", "--json").stdout)
    assert (told["whole"], told["broken_row"]) == (False, row)


def test_accounts_with_team_health_and_money(desk: Desk) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        tx.accounts.grant(acme.id, ANA, Role.OWNER, NOW)
        tx.accounts.seal(acme.id, Sealed(b"never shown"))
        tx.accounts.save(replace(acme, frozen=str(BEN), premium=True))
        tx.policies.put(acme.id, Policy(budget=5_000_000, hold=20.0))
        tx.accounts.put("x", "8", "press")

    desk.fill(work)
    one, two = (line.split("\t") for line in desk.run("accounts").stdout.splitlines())
    assert one == [
        "@acme",
        "x",
        "frozen by @ben:example.org; works",
        "@ana:example.org (owner)",
        "$0.00 of $5.00",
        "yes",
    ]
    assert two[:3] == ["@press", "x", "not linked"]
    row = desk.rows("accounts")[0]
    assert row["team"] == [{"who": "matrix:@ana:example.org", "role": "owner"}]
    assert isinstance(row["policy"], dict)
    assert (row["policy"]["budget"], row["policy"]["hold"]) == (5.0, 20.0)
    assert "never shown" not in desk.run("accounts", "--json").stdout


def test_the_outbox_shows_what_is_not_settled_and_first_words_only(desk: Desk) -> None:
    def work(tx: Tx) -> None:
        acme = tx.accounts.put("x", "7", "acme")
        for number, state in enumerate(PostState):
            tx.posts.add(
                Action.POST, acme.id, ANA, PRESS, f"${number}", None, Draft("word " * 100), state=state, now=NOW,
                fresh_at=NOW, due_at=float("inf") if number else NOW
            )  # fmt: skip

    desk.fill(work)
    rows = desk.rows("outbox")
    settled = ("posted", "failed")
    assert [row["state"] for row in rows] == [state.value for state in PostState if state.value not in settled]
    assert (rows[0]["post"], rows[0]["author"], rows[0]["account"]) == ("k1", "matrix:@ana:example.org", "@acme")
    assert (rows[0]["due"], rows[1]["due"]) == ("2027-01-15T08:00:00.500000Z", None)
    assert all(len(str(row["words"])) <= 60 for row in rows)
    assert len(desk.run("outbox").stdout.splitlines()) == len(rows)


@pytest.mark.parametrize("verb", ["log", "accounts", "outbox"])
def test_without_a_database_it_says_so_and_makes_none(desk: Desk, verb: str) -> None:
    result = desk.run(verb)
    assert result.exit_code == 2
    assert "there is no database yet" in result.stderr
    assert not (desk.data / "kantter.db").exists()
