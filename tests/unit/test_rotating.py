"""A new key for the vault: cut off at any step it loses nothing, goes on, and no key goes that a value still needs."""

import re
from importlib import resources
from pathlib import Path

import pytest
from filelock import FileLock

from bridge import doctor, rotating, vault
from bridge.errors import ConfigError, StoreError
from bridge.interfaces import Tx
from bridge.model import Sealed
from bridge.vault import Vault, account_purpose
from tests.unit.sealed_house import PLACES, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_everything_is_sealed_anew_and_the_old_key_goes_on_a_second_word(house: House) -> None:
    count = await house.fill()
    (old,) = house.lines()
    assert house.anywhere(old) == PLACES
    assert await house.rotate()
    new = house.lines()[0]
    assert house.lines() == [new, old]
    assert house.key.stat().st_mode & 0o777 == 0o600
    assert house.anywhere(old) == []
    assert house.anywhere(new) == PLACES
    assert await house.rotate(forget=True)
    assert house.lines() == [new]
    assert await house.survey() == rotating.Survey(count, 0, ())
    assert await house.rotate(forget=True)
    assert "there is no other key to forget" in house.said
    assert house.lines() == [new]


def test_every_column_that_the_schema_calls_sealed_is_among_them() -> None:
    found = set()
    for file in (resources.files("bridge.store") / "schema").iterdir():
        table = ""
        for line in file.read_text("utf-8").splitlines():
            table = (re.match(r"(?:CREATE|ALTER) TABLE (\w+)", line) or ["", table])[1]
            if line.rstrip().endswith("-- sealed"):
                found.add(f"{table}.{line.split()[0]}")
    assert found
    assert found <= set(PLACES)


async def test_comments_a_link_and_the_mode_of_the_key_file_stay(house: House) -> None:
    await house.fill()
    (old,) = house.lines()
    elsewhere = house.folder / "elsewhere"
    house.key.rename(elsewhere)
    house.key.symlink_to(elsewhere)
    elsewhere.write_text(f"# made by hand\n\n{old}\n# the end")
    elsewhere.chmod(0o400)
    assert await house.rotate()
    new = house.lines()[0]
    assert elsewhere.read_text() == f"{new}\n# made by hand\n\n{old}\n# the end"
    assert await house.rotate(forget=True)
    assert elsewhere.read_text() == f"{new}\n# made by hand\n\n# the end\n"
    assert house.key.is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o400
    assert sorted(path.name for path in house.folder.iterdir()) == ["data", "elsewhere", "kantter.toml", "key"]


class Crash(BaseException):
    """The end of the process, as far as the code can tell."""


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("forget", [False, True])
async def test_cut_off_after_any_page_it_goes_on_with_the_same_key(
    house: House, at: int, forget: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotating, "PAGE", 2)
    count = await house.fill()
    pages: list[int] = []

    def crash(done: int) -> None:
        if len(pages) == at:
            raise Crash
        pages.append(done)

    with pytest.raises(Crash):
        await house.rotate(step=crash)
    new, old = house.lines()
    assert not (await house.survey()).shut
    assert 0 < (await house.survey()).older < count
    assert await house.rotate(forget=forget)
    assert "not finished" in house.said[0]
    assert house.lines() == [new] if forget else [new, old]
    assert await house.survey() == rotating.Survey(count, 0, ())


async def test_what_a_rotation_that_was_killed_left_beside_the_key_goes_and_nothing_else(house: House) -> None:
    await house.fill()
    killed, other = house.key.with_name(".kantter-00c0ffee"), house.key.with_name(".kantter-0000beef")
    killed.write_text(f"{vault.new_key()}\n{house.key.read_text()}")
    other.write_bytes(b"SQLite format 3\x00\xff")
    for path in (killed, other):
        path.chmod(0o600)
    assert await house.rotate(forget=True)
    assert not killed.exists()
    assert other.exists()


async def test_a_value_that_does_not_open_keeps_every_key(house: House) -> None:
    count = await house.fill()

    def damage(tx: Tx) -> None:
        value = tx.notes.get("matrix", "login") or b""
        tx.notes.put("matrix", "login", value[:-1] + bytes([value[-1] ^ 1]))
        account = tx.accounts.find("x", "1")
        assert account is not None
        tx.accounts.seal(account.id, Sealed(Vault([b"x" * 32]).seal(b"p", purpose=account_purpose("x", "1"))))

    await house.at_store(damage)
    assert not await house.rotate()
    assert len(house.lines()) == 2
    assert not await house.rotate(forget=True)
    assert len(house.lines()) == 2
    said = "\n".join(house.said)
    assert "2 of" in said
    assert "matrix/login (note matrix): a sealed value was changed" in said
    assert "x/1/credentials (account 1): this was sealed with a key that is not in the key file" in said
    assert len((await house.survey()).shut) == 2
    assert (await house.survey()).total == count


async def test_refused_beside_a_running_kantter_and_where_nothing_is(house: House) -> None:
    with pytest.raises(ConfigError, match="there is no database yet"):
        await house.rotate()
    await house.fill()
    before = house.lines()
    with FileLock(house.data / "kantter.lock"), pytest.raises(ConfigError, match="stop it first"):
        await house.rotate()
    assert house.lines() == before


async def test_a_full_disk_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """First for the key file, then for the database."""
    count = await house.fill()
    before = house.lines()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("bridge.files.os.fsync", full)
        with pytest.raises(ConfigError, match=r"key: cannot be written anew: No space left on device"):
            await house.rotate()
    assert house.lines() == before
    assert sorted(path.name for path in house.folder.iterdir()) == ["data", "kantter.toml", "key"]

    def refuse(_: int) -> None:
        raise StoreError("the database refused: database or disk is full")

    with pytest.raises(ConfigError, match=r"disk is full. Nothing is lost"):
        await house.rotate(step=refuse)
    assert not (await house.survey()).shut
    assert await house.rotate()
    assert await house.survey() == rotating.Survey(count, 0, ())


async def test_a_place_that_is_read_only_is_told_and_another_user_is_sent_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.fill()
    before = house.lines()

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr("bridge.files._write", read_only)
        patch.setattr(Path, "unlink", read_only)  # it refuses that too, also for what is not there
        with pytest.raises(ConfigError, match="cannot be written anew: Read-only file system"):
            await house.rotate()
    with monkeypatch.context() as patch:
        patch.setattr("bridge.app.os.geteuid", lambda: house.data.stat().st_uid + 1)
        with pytest.raises(ConfigError, match="belongs to user"):
            await house.rotate()
    assert house.lines() == before


async def test_the_doctor_tells_of_a_key_that_does_not_open_and_of_a_rotation_cut_off(house: House) -> None:
    async def sealed() -> list[tuple[bool | None, str]]:
        return [(found.ok, found.said) for found in await doctor.examine(house.config) if found.what == "sealed"]

    assert await sealed() == []
    count = await house.fill()
    assert await sealed() == [(True, f"the key opens all {count} sealed values")]
    vault.add_key(house.key)
    ((ok, said),) = await sealed()
    assert ok is None
    assert "kantter key rotate" in said
    house.key.unlink()
    vault.write_key_file(house.key)
    found = await sealed()
    assert len(found) == count
    assert {ok for ok, _ in found} == {False}
