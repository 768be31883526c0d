"""The operator's settings: their names, their kinds, and where they come from.

A setting stands in the TOML file or in the environment as ``KANTTER_SECTION__KEY``, which wins. Every secret can be
given as a value or as ``<key>_file``. It knows nothing of what the settings are used for, beyond what makes one valid.
"""

import json
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.errors import ConfigError

DEFAULT_PATHS = (Path("kantter.toml"), Path("/etc/kantter/kantter.toml"))

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LARGEST_SECRET = 4096


def seconds(value: object) -> object:
    """Read ``"90s"``, ``"10m"``, ``"2h"``, ``"1d"`` or a number of seconds."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", value)
    if match is None:
        raise ValueError('a time such as "90s", "10m" or "2h" is expected')
    return float(match[1]) * _UNITS.get(match[2], 1.0)


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError('an address such as "https://example.org" is expected')
    if parts.username or parts.password:
        raise ValueError("an address must not hold a password")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("https is expected; plain http is for this machine only (127.0.0.1)")
    return value.rstrip("/")


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError('an address and a port such as "127.0.0.1:9108" are expected')
    return value


def _matrix_id(value: str) -> str:
    if not re.fullmatch(r"@[^:\s]+:\S+", value) or len(value) > 255:
        raise ValueError('a Matrix user such as "@ana:example.org" is expected')
    return value


def _pattern(value: str) -> str:
    if not re.fullmatch(r"(\*|@[^:\s]+):\S+", value):
        raise ValueError('"@ana:example.org" or "*:example.org" is expected')
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError('a time zone such as "Europe/Helsinki" is expected')
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"[^\w\s@<>]{1,3}", value):
        raise ValueError('one to three signs such as "!" are expected, no letters')
    return value


def _level(value: str) -> str:
    if value not in ("debug", "info", "warning", "error"):
        raise ValueError("debug, info, warning or error is expected")
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _items(value: object) -> object:
    """A list as the environment gives it: JSON, or with commas in between."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return [item.strip() for item in value.split(",") if item.strip()]


def _path(value: Path) -> Path:
    if "\0" in str(value):
        raise ValueError("a path is expected")
    return value


Place = Annotated[Path, AfterValidator(_path)]
Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0, allow_inf_nan=False)]
Address = Annotated[str, AfterValidator(_address)]
MatrixId = Annotated[str, AfterValidator(_matrix_id)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Zone = Annotated[str, AfterValidator(_zone)]


def _secret_from_file(key: str, name: str) -> str:
    path = Path(name)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ValueError(f"{key}: {path} is not a file")
        if mode & 0o077:
            raise ValueError(f"{key}: others can read {path}; mend it with: chmod 600 {path}")
        text = path.read_text("utf-8").strip()
    except OSError as error:
        raise ValueError(f"{key}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{key}: {path} is not text") from error
    if not text or len(text) > _LARGEST_SECRET:
        raise ValueError(f"{key}: {path} holds no secret")
    return text


def secret_in(path: Path) -> str:
    """The secret that a file holds. Raises ConfigError: not there, readable by others, none in it."""
    try:
        return _secret_from_file("the file", str(path))
    except ValueError as error:
        raise ConfigError(str(error)) from None


class _Section(BaseModel):
    """A table of the file. Unknown keys are mistakes; a secret ``x`` may be given as ``x_file``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = {str(key).lower(): value for key, value in values.items()}
        for name, field in cls.model_fields.items():
            key = f"{name}_file"
            if key not in values or "SecretStr" not in str(field.annotation):
                continue
            if name in values:
                raise ValueError(f"{name} and {key} are both given; one of them is expected")
            values[name] = _secret_from_file(key, str(values.pop(key)))
        return values


class BotSettings(_Section):
    """What the bot does, whatever network it talks on. Times in seconds."""

    data_dir: Place = Path("/var/lib/kantter")
    prefix: Annotated[str, AfterValidator(_prefix)] = "!"
    admins: Annotated[list[MatrixId], BeforeValidator(_items)] = []
    stale_after: Seconds = 600.0
    log_level: Annotated[str, BeforeValidator(_lower), AfterValidator(_level)] = "info"
    timezone: Zone = "UTC"
    posts_per_day: Annotated[int, Field(ge=1)] = 50

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class VaultSettings(_Section):
    """Where the key is."""

    key_file: Place = Path("/etc/kantter/key")


def _dollars(value: object) -> object:
    if isinstance(value, str):
        value = value.strip().removeprefix("$")
    return value


Dollars = Annotated[
    Decimal, BeforeValidator(_dollars), Field(ge=0, le=1000, max_digits=10, decimal_places=6, allow_inf_nan=False)
]


class PriceSettings(_Section):
    """What X takes, in dollars: for a post, for one with an address in it, for a deletion, for each alt text. Only what
    is said and counted depends on it.
    """

    post: Dollars = Decimal("0.015")
    link: Dollars = Decimal("0.200")
    delete: Dollars = Decimal("0.010")
    alt: Dollars = Decimal("0.005")

    @property
    def millionths(self) -> tuple[int, int, int, int]:
        """The four in their order, in millionths of a dollar."""
        post, link, delete, alt = (int(one * 1_000_000) for one in (self.post, self.link, self.delete, self.alt))
        return post, link, delete, alt


class XSettings(_Section):
    """The app at X: its consumer key pair (RFC 5849 calls it client credentials), and X's addresses."""

    consumer_key: SecretStr
    consumer_secret: SecretStr
    api_url: Address = "https://api.x.com"
    web_url: Address = "https://x.com"


class MatrixSettings(_Section):
    """The bot's own account on its homeserver. ``replace_cross_signing``: the operator's word that a cross-signing
    identity whose keys are lost may be replaced.
    """

    homeserver: Address
    user_id: MatrixId
    password: SecretStr | None = None
    access_token: SecretStr | None = None
    device_id: str | None = None
    allow: Annotated[list[Pattern], BeforeValidator(_items)] = []
    replace_cross_signing: bool = False

    @model_validator(mode="after")
    def _one_way_in(self) -> "MatrixSettings":
        if (self.password is None) == (self.access_token is None):
            raise ValueError("one of password, password_file, access_token, access_token_file is expected")
        if self.access_token is not None and not self.device_id:
            raise ValueError("device_id: an access token needs the device it belongs to")
        return self

    @property
    def server_name(self) -> str:
        return self.user_id.partition(":")[2]

    @property
    def allowed(self) -> tuple[str, ...]:
        """Who may invite and command the bot; by default everybody on its own homeserver."""
        return tuple(self.allow) or (f"*:{self.server_name}",)


class WebSettings(_Section):
    """Where the operator's pages are served."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:9108"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class Settings(BaseSettings):
    """All of it. Make it with ``load``."""

    model_config = SettingsConfigDict(
        env_prefix="KANTTER_",
        env_nested_delimiter="__",
        enable_decoding=False,  # a list need not be JSON, and a section is no setting
        case_sensitive=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    bot: BotSettings = BotSettings()
    vault: VaultSettings = VaultSettings()
    x: XSettings
    matrix: MatrixSettings
    web: WebSettings = WebSettings()
    prices: PriceSettings = PriceSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which comes in as the initial values."""
        return env_settings, init_settings


def find(path: Path | None) -> Path:
    """The file to read: the one named, else the first of the usual places. Raises ConfigError when there is none."""
    places = (path,) if path is not None else DEFAULT_PATHS
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(f"there is no config at {' or '.join(map(str, places))}; see config/kantter.example.toml")


def load_key_path(path: Path | None) -> Path:
    """``vault.key_file``, from the environment, the config, or the default, where the rest of the config may still be
    unfinished. Raises ConfigError when the config cannot be read at all.
    """
    named = os.environ.get("KANTTER_VAULT__KEY_FILE")
    if named:
        return Path(named)
    try:
        place = find(path)
    except ConfigError:
        if path is not None:
            raise
        return VaultSettings().key_file
    vault = _read(place).get("vault")
    found = vault.get("key_file") if isinstance(vault, dict) else None
    return Path(found) if isinstance(found, str) else VaultSettings().key_file


_EXPECTED = {
    "model_type": "a table of settings",
    "dict_type": "a table of settings",
    "list_type": 'a list such as ["@ana:example.org"]',
    "string_type": "text in quotation marks",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
}
"""Kinds of pydantic's mistakes, in words for somebody who has never met pydantic."""


def _mistakes(path: Path, error: ValidationError) -> Iterator[str]:
    for mistake in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in mistake["loc"])
        said = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "missing":
            said = "is missing"
        elif mistake["type"] == "extra_forbidden":
            said = "is not a setting of Kantter; is it misspelt?"
        elif mistake["type"] in _EXPECTED:
            said = f"{_EXPECTED[mistake['type']]} is expected"
        yield f"{path}: {key}: {said}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not text in UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def load(path: Path) -> Settings:
    """Read the file and the environment.

    Raises ConfigError with one line for each mistake: file, key, what is expected. No line holds a secret's value.
    """
    values = _read(path)
    if _holds_a_secret(values) and path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: holds a secret and others can read it; mend it with: chmod 600 {path}")
    _environment_wins(values)
    stray = [name for name in os.environ if "__" in name and name.upper().startswith("KANTTER_") and not _known(name)]
    if stray:
        raise ConfigError(*(f"environment: {name} is not a setting of Kantter; is it misspelt?" for name in stray))
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(*_mistakes(path, error)) from None  # the cause would hold what was typed


def _environment_wins(values: dict[str, Any]) -> None:
    """Take out of the file's values the other form of each secret that the environment gives."""
    for name in os.environ:
        section, _, setting = name.lower().removeprefix("kantter_").partition("__")
        other = setting.removesuffix("_file") if setting.endswith("_file") else f"{setting}_file"
        table = values.get(section)
        if name.upper().startswith("KANTTER_") and isinstance(table, dict):
            table.pop(other, None)


def _known(name: str) -> bool:
    section = name.upper().removeprefix("KANTTER_").partition("__")[0].lower()
    return section in Settings.model_fields


def _holds_a_secret(values: dict[str, Any]) -> bool:
    secrets = ("consumer_key", "consumer_secret", "password", "access_token")
    return any(key in secrets for table in values.values() if isinstance(table, dict) for key in table)
