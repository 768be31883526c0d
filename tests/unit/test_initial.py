"""What ``kantter init`` writes: a config that loads, whatever was typed, and all of it or nothing."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import config, files, initial
from bridge.errors import ConfigError
from bridge.initial.answers import as_config


def answers(home: Path) -> initial.Answers:
    return initial.Answers(
        home / "kantter.toml", home / "data", home / "key", "https://matrix.example.org", "@kantter:example.org",
        home / "password", "", home / "x-key", home / "x-secret", "", ["@ana:example.org"], ["*:example.org"], "UTC",
        {home / "password": 'p"w', home / "x-key": "k", home / "x-secret": "s"},
    )  # fmt: skip


def test_what_was_typed_is_what_is_loaded(tmp_path: Path) -> None:
    home = tmp_path / 'a "home"\\of ä'
    made = initial.write(answers(home))
    settings = config.load(home / "kantter.toml")
    assert settings.matrix.password is not None
    assert settings.matrix.password.get_secret_value() == 'p"w'
    assert settings.bot.data_dir == home / "data"
    assert settings.bot.admins == ["@ana:example.org"]
    assert settings.x.api_url == "https://api.x.com"
    assert made == [home / name for name in ("password", "x-key", "x-secret", "key", "kantter.toml")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert "'p" not in repr(answers(home))


def test_a_token_and_a_stand_in(tmp_path: Path) -> None:
    told = replace(answers(tmp_path), device_id="DEVICE", x_url="http://127.0.0.1:8080")
    text = as_config(told)
    assert "access_token_file" in text
    assert 'device_id = "DEVICE"' in text
    assert text.count("http://127.0.0.1:8080") == 2


@pytest.mark.parametrize("bad", ["x-secret", "key", "kantter.toml"])
def test_where_one_cannot_be_written_all_is_as_it_was(tmp_path: Path, bad: str) -> None:
    (tmp_path / "password").write_text("old")
    (tmp_path / bad).mkdir()
    with pytest.raises(ConfigError):
        initial.write(answers(tmp_path))
    assert (tmp_path / "password").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["data", "password", bad])


def test_a_file_that_others_could_read_never_holds_a_secret_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, seen = tmp_path / "password", list[int]()
    password.write_text("old")
    password.chmod(0o644)
    sync = files.sync

    def watched(path: Path) -> None:
        if password.read_text() != "old":
            seen.append(stat.S_IMODE(password.stat().st_mode))
        sync(path)

    monkeypatch.setattr(files, "sync", watched)
    initial.write(answers(tmp_path))
    assert set(seen) == {0o600}


def test_a_key_and_its_data_are_kept(tmp_path: Path) -> None:
    initial.write(answers(tmp_path))
    before = (tmp_path / "key").read_text()
    (tmp_path / "data" / "kantter.db").touch(0o600)
    assert tmp_path / "key" not in initial.write(answers(tmp_path))
    assert (tmp_path / "key").read_text() == before
