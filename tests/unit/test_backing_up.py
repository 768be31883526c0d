"""A copy of the data: whole while others write, safe to start from, and never in the way of anything."""

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import backing_up
from bridge.errors import ConfigError, Throttled
from bridge.interfaces import Tx
from bridge.model import Action, Draft, Post, PostState, Recovery, label
from bridge.outbox import restoring
from bridge.store import check, is_current
from tests.unit.outbox_stage import ANA, PRESS, Stage
from tests.unit.sealed_house import House


def row_count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("SELECT count(*) FROM note WHERE scope = 'test'").fetchone()[0])


async def back_up(house: House, path: Path, step: backing_up.Step = lambda *_: None) -> Path:
    return await asyncio.to_thread(backing_up.back_up, house.settings, path, step)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_it_is_of_one_moment_while_others_write(house: House) -> None:
    """And it comes to an end: each change would begin a careless copy anew."""

    def many(tx: Tx) -> None:
        for number in range(2000):
            tx.notes.put("test", str(number), bytes(1000))

    await house.fill()
    await house.at_store(many)
    told: list[tuple[int, int]] = []

    def write(done: int, total: int) -> None:
        told.append((done, total))
        with closing(sqlite3.connect(house.data / "kantter.db", isolation_level=None)) as raw:
            raw.execute("DELETE FROM note WHERE scope = 'test' AND key = ?", (str(len(told)),))
            raw.execute("INSERT INTO note VALUES ('test', ?, ?)", (f"late {len(told)}", bytes(5000)))
            raw.execute("INSERT INTO note VALUES ('test', ?, ?)", (f"later {len(told)}", bytes(5000)))

    made = await back_up(house, house.folder / "copy.db", write)
    assert len(told) > 2
    assert told[-1][0] == told[-1][1]
    assert row_count(made) == 2000
    assert row_count(house.data / "kantter.db") == 2000 + len(told)
    assert check(made) == []
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert sorted(path.name for path in house.folder.iterdir()) == ["copy.db", "data", "kantter.toml", "key"]


async def test_it_overwrites_nothing_and_leaves_nothing_behind(house: House) -> None:
    with pytest.raises(ConfigError, match="there is no database yet"):
        await back_up(house, house.folder / "copy.db")
    await house.fill()
    (house.folder / "copy.db").write_text("mine")
    with pytest.raises(ConfigError, match="never overwrites"):
        await back_up(house, house.folder / "copy.db")
    assert (house.folder / "copy.db").read_text() == "mine"
    with pytest.raises(ConfigError, match=r"nowhere/copy.db: cannot be written: No such file"):
        await back_up(house, house.folder / "nowhere" / "copy.db")

    def taken(*_: int) -> None:
        (house.folder / "late.db").write_text("mine too")

    with pytest.raises(ConfigError, match=r"late.db: cannot be written: File exists"):
        await back_up(house, house.folder / "late.db", taken)
    assert (house.folder / "late.db").read_text() == "mine too"

    def full(*_: int) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(ConfigError, match=r"full.db: .*disk is full"):
        await back_up(house, house.folder / "full.db", full)
    (house.folder / "there").mkdir()
    made = await back_up(house, house.folder / "there")
    assert made.parent.name == "there"
    assert made.name.startswith("kantter-2")
    names = sorted(path.name for path in house.folder.rglob("*") if path.is_file() and path.parent != house.data)
    assert names == sorted(["copy.db", "kantter.toml", "key", made.name, "late.db"])


async def test_where_it_may_not_write_it_says_so(house: House) -> None:
    await house.fill()
    with pytest.raises(ConfigError, match="cannot be written: File name too long"):
        await back_up(house, house.folder / ("x" * 300))
    (house.folder / "no_folder").touch()
    with pytest.raises(ConfigError, match="cannot be written: Not a directory"):
        await back_up(house, house.folder / "no_folder" / "copy.db")
    long = house.folder / ("y" * 255)
    assert await back_up(house, long) == long


async def test_a_data_folder_of_another_user_is_told_as_that(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.fill()
    stat_of = Path.stat

    def refused(path: Path, **more: bool) -> os.stat_result:
        if path.parent == house.data:
            raise PermissionError(13, "Permission denied")
        return stat_of(path, **more)

    monkeypatch.setattr(Path, "stat", refused)
    monkeypatch.setattr(os, "geteuid", lambda: 1 + house.data.stat().st_uid)
    with pytest.raises(ConfigError, match=r"data cannot be read: Permission denied; it belongs to user \d+: .*sudo -u"):
        await back_up(house, house.folder / "copy.db")


async def test_the_data_folder_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "a%41#b?mode=rw c"
    folder.mkdir()
    house = House(folder)
    await house.fill()
    made = await back_up(house, folder / "copy.db")
    assert check(made) == check(house.data / "kantter.db") == []
    assert is_current(house.data / "kantter.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name]


async def test_the_copy_has_no_device_no_bookmark_and_names_of_its_own(house: House) -> None:
    count = await house.fill()

    def recover(tx: Tx) -> None:
        account = tx.accounts.find("x", "1")
        assert account is not None
        tx.shares.recover(Recovery(account.id, ANA, PRESS, "$r", None, 5.0))

    await house.at_store(recover)
    made = await back_up(house, house.folder / "copy.db")
    with closing(sqlite3.connect(house.data / "kantter.db")) as raw, closing(sqlite3.connect(made)) as copied:
        name = "SELECT value FROM meta WHERE key = 'instance'"
        assert raw.execute(name).fetchone() != copied.execute(name).fetchone()
        notes = {row[0] for row in copied.execute("SELECT key FROM note WHERE scope = 'matrix'")}
        assert notes == {"pickle_key", "cross_signing"}
        assert copied.execute("SELECT count(*) FROM recovery").fetchone() == (0,)
        assert copied.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    made.rename(house.data / "kantter.db")
    for ending in ("-wal", "-shm"):
        (house.data / f"kantter.db{ending}").unlink(missing_ok=True)
    seen = await house.survey()
    assert (seen.total, seen.shut) == (count - 1, ())  # the login is not in it

    def new(tx: Tx) -> tuple[str, str, bool]:
        account = tx.accounts.find("x", "1")
        assert account is not None
        post = tx.posts.add(
            Action.POST, account.id, ANA, PRESS, "$n", None, Draft("new"), state=PostState.HELD, now=1.0, fresh_at=1.0,
            due_at=1.0,
        )  # fmt: skip
        whole = tx.log.verify()
        return post.label, label("q", tx.answers.ask(ANA, PRESS).id), whole.broken is None

    assert await house.at_store(new) == ("k1003", "q1001", True)


# ---------------------------------------------------------------- what waited


async def copied(at: Stage) -> None:
    """What the copy is, in the place of the original."""
    await at.store.transact(lambda tx: restoring.mark(tx, at.time.wall))
    await at.crash()


async def meanwhile(at: Stage, handle: str, *texts: str) -> None:
    """The original lives on and sends these."""
    for text in texts:
        await at.x.post(at.x.person(handle).credentials, Draft(text))


WAITS = (PostState.QUEUED, PostState.HELD, PostState.SCHEDULED, PostState.DRAFT)


@pytest.mark.parametrize("state", WAITS)
async def test_what_went_out_since_is_found_and_not_sent_again(at: Stage, state: PostState) -> None:
    account = await at.link("acme")
    post = await at.queue(account, "waited", state=state)
    await copied(at)
    at.time.wall += 30
    await meanwhile(at, "acme", "waited")
    at.pass_later(86400)
    at.start()
    await at.settle()
    assert (await at.row(post)).state is PostState.POSTED
    assert at.x.texts("acme") == ["waited"]
    (said,) = await at.texts(post)
    assert said.startswith("Posted as @acme: ")


@pytest.mark.parametrize("state", WAITS)
async def test_what_did_not_go_out_is_asked_about_and_can_go(at: Stage, state: PostState) -> None:
    account = await at.link("acme")
    post = await at.queue(account, "waited", state=state)
    await at.store.transact(lambda tx: tx.posts.save(replace(post, reason="It looks like a key.")))
    await copied(at)
    at.pass_later(86400)
    at.start()
    await at.settle()
    row = await at.row(post)
    assert (row.state, row.claimed_at) == (PostState.HELD, None)
    (said,) = [text for text in await at.texts() if "restored from a backup" in text]
    assert "!send" in said
    assert ("looks like a key" in said) == (state in (PostState.HELD, PostState.DRAFT))
    await at.pass_slowly(100, 10)
    assert at.x.texts("acme") == []
    await at.send(post)
    await at.settle()
    assert at.x.texts("acme") == ["waited"]


async def test_what_was_asked_about_or_in_doubt_is_looked_for_anew(at: Stage) -> None:
    account = await at.link("acme")
    asked, doubtful = await at.queue_all(account, ["asked about", "in doubt"])

    def before(tx: Tx) -> None:
        question = tx.answers.ask(ANA, PRESS)
        tx.posts.save(replace(asked, state=PostState.UNKNOWN, claimed_at=at.time.wall, question_id=question.id))
        tx.posts.save(replace(doubtful, claimed_at=at.time.wall, attempts=1))

    await at.store.transact(before)
    await copied(at)
    await meanwhile(at, "acme", "asked about")
    at.pass_later(3600)
    at.start()
    await at.settle()
    assert (await at.row(asked)).state is PostState.POSTED
    row = await at.row(doubtful)
    assert (row.state, row.question_id is not None) == (PostState.UNKNOWN, True)
    assert any("“in doubt” was probably not posted, which nobody can prove" in text for text in await at.texts())
    assert at.x.texts("acme") == ["asked about"]


async def thread(at: Stage, *texts: str) -> list[Post]:
    account = await at.link("acme")
    posts = await at.queue_all(account, list(texts))
    parts = [replace(post, thread_root=posts[0].id, part=number) for number, post in enumerate(posts, 1)]

    def work(tx: Tx) -> None:
        for part in parts:
            tx.posts.extend(part)

    await at.store.transact(work)
    return parts


@pytest.mark.parametrize("out", [0, 1, 2, 3])
async def test_a_thread_is_asked_about_once_from_the_part_that_is_not_out(at: Stage, out: int) -> None:
    parts = await thread(at, "one", "two", "three")
    await copied(at)
    at.time.wall += 30
    await meanwhile(at, "acme", *["one", "two", "three"][:out])
    at.pass_later(86400)
    at.start()
    await at.settle()
    await at.pass_slowly(100, 10)
    states = [(await at.row(part)).state for part in parts]
    assert states == [PostState.POSTED] * out + [PostState.HELD] * (3 - out)
    questions = [text for text in await at.texts() if "restored from a backup" in text]
    assert len(questions) == (out < 3)
    assert at.x.texts("acme") == ["one", "two", "three"][:out]
    for part in parts[out:]:
        await at.send(part)
    await at.settle()
    assert at.x.texts("acme") == ["one", "two", "three"]


async def test_what_is_found_is_the_one_of_two_that_was_to_go_out_first(at: Stage) -> None:
    account = await at.link("acme")
    later, sooner = await at.queue_all(account, ["every week", "every week"], state=PostState.SCHEDULED)
    week = 7 * 86400.0

    def schedule(tx: Tx) -> None:
        for post, weeks in ((later, 2), (sooner, 1)):
            tx.posts.extend(replace(post, scheduled_for=at.time.wall + weeks * week))

    await at.store.transact(schedule)
    await copied(at)
    at.pass_later(week + 60)
    await meanwhile(at, "acme", "every week")
    at.pass_later(86400)
    at.start()
    await at.pass_slowly(20)
    assert (await at.row(sooner)).state is PostState.POSTED
    assert (await at.row(later)).state is PostState.HELD


async def test_a_repost_is_asked_about_and_a_deletion_done(at: Stage) -> None:
    account = await at.link("acme")
    out = await at.queue(account, "to be deleted")
    at.start()
    await at.until_state(out, PostState.POSTED)
    await at.crash()
    repost = await at.queue(account, "", action=Action.REPOST, target="123")
    delete = await at.undo(out)
    await copied(at)
    at.pass_later(60)
    at.start()
    await at.settle()
    assert (await at.row(delete)).state is PostState.POSTED
    row = await at.row(repost)
    assert (row.state, row.reason) == (PostState.HELD, restoring.NOT_KNOWN)
    assert at.x.texts("acme") == []


async def test_without_a_link_it_is_asked_about_all_the_same(at: Stage) -> None:
    account = await at.link("acme")
    post = await at.queue(account, "waited")
    await at.store.transact(lambda tx: tx.accounts.seal(account.id, None))
    await copied(at)
    at.start()
    await at.settle()
    row = await at.row(post)
    assert (row.state, row.reason) == (PostState.HELD, restoring.NOT_KNOWN)


async def test_what_could_not_be_looked_for_is_not_told_as_not_found(at: Stage) -> None:
    """As when X allows no more looks, or the new machine has no network yet: it may be out."""
    account = await at.link("acme")
    post = await at.queue(account, "waited")
    await copied(at)
    await meanwhile(at, "acme", "waited")
    at.x.always_fail("find", lambda: Throttled("too many", retry_at=at.time.wall + 900))
    at.pass_later(86400)
    at.start()
    await at.pass_slowly(70)
    row = await at.row(post)
    assert (row.state, row.reason) == (PostState.HELD, restoring.NOT_KNOWN)
    (said,) = [text for text in await at.texts() if "restored from a backup" in text]
    assert "It may be done already: look at the account" in said
    assert "do not find" not in said
