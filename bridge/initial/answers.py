"""What ``kantter init`` was told, as files: the secrets each in its own, the key, and the config last.

They are made whole or not at all; and when one cannot be made, those that were made before it go again.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge import app, files
from bridge.errors import ConfigError
from bridge.vault import Vault, write_key_file


@dataclass(frozen=True, slots=True)
class Answers:
    """All of it, tried. ``secrets``: what is to be written where; a file that is used as it is stands in none.
    ``device_id``: with an access token only. ``x_url``: empty for X itself.
    """

    config: Path
    data_dir: Path
    key_file: Path
    homeserver: str
    user_id: str
    login_file: Path
    device_id: str
    x_key_file: Path
    x_secret_file: Path
    x_url: str
    admins: Sequence[str]
    allow: Sequence[str]
    timezone: str
    secrets: dict[Path, str] = field(repr=False)


def _toml(value: object) -> str:
    """Text, or a list of texts: JSON's form of them is TOML's."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def as_config(answers: Answers) -> str:
    """The text of the config."""
    login = [f"password_file = {_toml(answers.login_file)}"]
    if answers.device_id:
        login = [f"access_token_file = {_toml(answers.login_file)}", f"device_id = {_toml(answers.device_id)}"]
    x_url = [f"api_url = {_toml(answers.x_url)}", f"web_url = {_toml(answers.x_url)}"] if answers.x_url else []
    lines = [
        "# Made by kantter init. Every setting there is stands in config/kantter.example.toml.",
        "",
        "[bot]",
        f"data_dir = {_toml(answers.data_dir)}",
        f"admins = {_toml(list(answers.admins))}",
        f"timezone = {_toml(answers.timezone)}",
        "",
        "[vault]",
        f"key_file = {_toml(answers.key_file)}",
        "",
        "[x]",
        f"consumer_key_file = {_toml(answers.x_key_file)}",
        f"consumer_secret_file = {_toml(answers.x_secret_file)}",
        *x_url,
        "",
        "[matrix]",
        f"homeserver = {_toml(answers.homeserver)}",
        f"user_id = {_toml(answers.user_id)}",
        *login,
        f"allow = {_toml(list(answers.allow))}",
    ]
    return "\n".join(lines) + "\n"


def write(answers: Answers) -> list[Path]:
    """Make what is not there yet, and put what was to be written anew into its place; give what was written, in order.
    Raises ConfigError; then everything is as it was.
    """
    before: dict[Path, str | None] = {}
    try:
        app.data_folder(answers.data_dir)
        for path, text in answers.secrets.items():
            _put(path, text + "\n", before)
        if os.path.lexists(answers.key_file):
            Vault.from_file(answers.key_file)
        else:
            answers.key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            before[answers.key_file] = None
            write_key_file(answers.key_file)
        _put(answers.config, as_config(answers), before)
    except OSError as error:
        _undo(before)
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}") from error
    except BaseException:
        _undo(before)
        raise
    return list(before)


def _put(path: Path, text: str, before: dict[Path, str | None]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.path.lexists(path):
        before[path] = path.read_text("utf-8")
        files.rewrite(path, text, mode=0o600)
    else:
        before[path] = None
        files.make(path, text)


def _undo(before: dict[Path, str | None]) -> None:
    for path, text in before.items():
        if text is None:
            path.unlink(missing_ok=True)
        else:
            files.rewrite(path, text)
