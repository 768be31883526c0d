"""The settings: what is taken, what is refused, and in which words."""

import os
from pathlib import Path

import pytest

from bridge import config
from bridge.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config" / "kantter.example.toml"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("KANTTER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def example(tmp_path: Path) -> str:
    """The example's text, with every file that it names moved to a folder where it exists."""
    text = EXAMPLE.read_text("utf-8").replace("/etc/kantter", str(tmp_path)).replace("/var/lib", str(tmp_path))
    for name in ("x-key", "x-secret", "matrix-password"):
        secret = tmp_path / name
        secret.write_text(f"the-{name}\n")
        secret.chmod(0o600)
    return text


def load(tmp_path: Path, text: str) -> config.Settings:
    path = tmp_path / "kantter.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return config.load(path)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value)


def test_the_example_is_complete_and_loads(tmp_path: Path, example: str) -> None:
    settings = load(tmp_path, example)
    assert settings.bot.stale_after == 600.0
    assert settings.x.consumer_secret.get_secret_value() == "the-x-secret"
    assert settings.matrix.allowed == ("*:example.org",)
    assert settings.web.address == ("127.0.0.1", 9108)
    named = {line.split(" =")[0].removesuffix("_file") for line in example.splitlines() if " = " in line}
    for section in (settings.bot, settings.vault, settings.x, settings.web, settings.prices):
        assert {name.removesuffix("_file") for name in type(section).model_fields} <= named


def test_prices_are_dollars_to_the_millionth(tmp_path: Path, example: str) -> None:
    assert load(tmp_path, example).prices.millionths == (15_000, 200_000, 10_000, 5_000)
    text = example.replace("post = 0.015", 'post = "$0.000001"').replace("link = 0.200", "link = 1")
    assert load(tmp_path, text).prices.millionths == (1, 1_000_000, 10_000, 5_000)


def test_no_repr_shows_a_secret(tmp_path: Path, example: str) -> None:
    settings = load(tmp_path, example)
    assert "the-x" not in repr(settings)
    assert "the-matrix" not in str(settings)


def test_the_environment_wins_in_any_case(tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANTTER_BOT__LOG_LEVEL", "debug")
    monkeypatch.setenv("kantter_bot__prefix", "?")
    monkeypatch.setenv("KANTTER_MATRIX__ALLOW", '["@ana:example.org"]')
    settings = load(tmp_path, example)
    assert (settings.bot.log_level, settings.bot.prefix) == ("debug", "?")
    assert settings.matrix.allow == ["@ana:example.org"]


@pytest.mark.parametrize("value", ["@ana:example.org, @ben:example.org", '["@ana:example.org", "@ben:example.org"]'])
def test_a_list_in_the_environment_may_have_commas(
    tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("KANTTER_BOT__ADMINS", value)
    assert load(tmp_path, example).bot.admins == ["@ana:example.org", "@ben:example.org"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KANTTER_BOT__ADMINS", "[", "bot.admins.0: a Matrix user"),
        ("KANTTER_BOT__ADMINS", "7", "bot.admins: a list"),
        ("KANTTER_BOT__POSTS_PER_DAY", "many", "bot.posts_per_day: a whole number"),
        ("KANTTER_X", "{hunter2", "x: a table"),
    ],
)
def test_a_mistake_in_the_environment_is_a_line_too(
    tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    lines = refused(tmp_path, example)
    assert said in lines
    assert "hunter2" not in lines


def test_a_secret_from_the_environment_replaces_the_file(
    tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KANTTER_X__CONSUMER_KEY", "from-the-environment")
    assert load(tmp_path, example).x.consumer_key.get_secret_value() == "from-the-environment"


@pytest.mark.parametrize("name", ["KANTTER_BOTT__PREFIX", "KANTTER_BOT__PREFIXX"])
def test_a_misspelt_variable_is_said(tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "?")
    assert "is not a setting of Kantter" in refused(tmp_path, example)


def test_each_mistake_has_a_line_with_file_key_and_what_is_expected(tmp_path: Path, example: str) -> None:
    text = (
        example.replace('stale_after = "10m"', 'stale_after = "soon"')
        .replace('homeserver = "https://matrix.example.org"', 'homeserver = "matrix.example.org"')
        .replace('prefix = "!"', 'prefx = "!"')
        .replace('user_id = "@kantter:example.org"', "")
    )
    said = refused(tmp_path, text).splitlines()
    assert len(said) == 4
    assert all(line.startswith(f"{tmp_path / 'kantter.toml'}: ") for line in said)
    assert any("bot.stale_after: " in line and '"10m"' in line for line in said)
    assert any("matrix.homeserver: " in line and "https://" in line for line in said)
    assert any("bot.prefx: is not a setting" in line for line in said)
    assert any("matrix.user_id: is missing" in line for line in said)


def test_a_mistake_never_shows_what_was_typed_as_a_secret(tmp_path: Path, example: str) -> None:
    text = example.replace("password_file = ", 'password = "hunter2 hunter2"\naccess_token = 77 # ')
    assert "hunter2" not in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('api_url = "https://api.x.com"', 'api_url = "http://api.x.com"', "https is expected"),
        ('api_url = "https://api.x.com"', 'api_url = "https://a:b@api.x.com"', "must not hold a password"),
        ('timezone = "UTC"', 'timezone = "Mars/Olympus"', "Europe/Helsinki"),
        ('listen = "127.0.0.1:9108"', 'listen = "9108"', "127.0.0.1:9108"),
        ('prefix = "!"', 'prefix = "ab"', "no letters"),
        ('log_level = "info"', 'log_level = "loud"', "debug, info, warning or error"),
        ('admins = ["@ana:example.org"]', 'admins = ["ana"]', "@ana:example.org"),
        ('allow = ["*:example.org"]', 'allow = ["everyone"]', "*:example.org"),
        ("posts_per_day = 50", "posts_per_day = 0", "posts_per_day"),
        ("link = 0.200", "link = -1", "prices.link"),
        ("link = 0.200", 'link = "much"', "prices.link"),
        ("post = 0.015", "post = nan", "prices.post"),
        ("post = 0.015", "post = 0.00000015", "prices.post"),
        ("[bot]", "[bot", "is not valid TOML"),
    ],
)
def test_what_is_refused(tmp_path: Path, example: str, old: str, new: str, said: str) -> None:
    assert old in example
    assert said in refused(tmp_path, example.replace(old, new))


def test_a_path_with_a_nul_is_refused(tmp_path: Path, example: str) -> None:
    text = example.replace(f'data_dir = "{tmp_path}', f'data_dir = "\\u0000{tmp_path}')
    assert text != example
    assert "bot.data_dir: a path is expected" in refused(tmp_path, text)


def test_a_secret_that_others_can_read_is_refused_and_the_chmod_is_named(tmp_path: Path, example: str) -> None:
    (tmp_path / "x-secret").chmod(0o644)
    assert f"chmod 600 {tmp_path / 'x-secret'}" in refused(tmp_path, example)


def test_a_config_that_holds_a_secret_must_not_be_readable_by_others(tmp_path: Path, example: str) -> None:
    path = tmp_path / "kantter.toml"
    path.write_text(example.replace("password_file = ", "password = "), "utf-8")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        config.load(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 5000])
def test_a_secret_file_without_a_secret_is_refused(tmp_path: Path, example: str, content: bytes) -> None:
    (tmp_path / "x-key").write_bytes(content)
    assert ": x: consumer_key_file" in refused(tmp_path, example)


def test_both_forms_of_a_secret_in_one_place_are_refused(tmp_path: Path, example: str) -> None:
    text = example.replace("[x]\n", '[x]\nconsumer_key = "a"\n')
    assert "both given" in refused(tmp_path, text)


def test_no_config_anywhere_names_the_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no config at"):
        config.find(tmp_path / "none.toml")


def test_a_config_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kantter.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load(path)
