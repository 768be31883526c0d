"""The vault: seals and opens secrets with AES-256-GCM. The key lives apart from the data.

It knows keys, bytes and token pairs, and nothing of whose they are. A sealed value names its key, so that keys rotate,
and is bound to its purpose by the associated data, so that two rows cannot be swapped (NIST SP 800-38D, section 7).
"""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge import files
from bridge.errors import ConfigError, KantterError
from bridge.model import Credentials, Sealed

_VERSION = b"\x01"
_ID = 4
_NONCE = 12
_TAG = 16
_HEAD = len(_VERSION) + _ID


class VaultError(KantterError):
    """A sealed value could not be opened: another key, another purpose, or changed bytes."""


def account_purpose(publisher: str, remote_id: str) -> str:
    """What an account's token pair is bound to."""
    return f"{publisher}/{remote_id}/credentials"


def request_purpose(link_id: int) -> str:
    """What a pending link's request token is bound to."""
    return f"link/{link_id}/request"


def pin_purpose(link_id: int) -> str:
    """What the PIN of a pending link is bound to."""
    return f"link/{link_id}/pin"


def file_purpose(source: str) -> str:
    """What the key of an encrypted file is bound to. ``source``: the network's own name of the file."""
    return f"file/{source}/key"


def note_purpose(scope: str, key: str) -> str:
    """What a sealed note is bound to; every adapter that keeps one uses this."""
    return f"{scope}/{key.replace('_', '-')}"


BODY_PURPOSE = "answer/body"
"""What a sealed answer is bound to."""
BODY_MARK = "sealed:"
"""What the body of a sealed answer begins with; its base64 follows."""


def new_key() -> str:
    """A fresh 256-bit key, as base64 for a line of the key file."""
    return base64.b64encode(AESGCM.generate_key(256)).decode("ascii")


def write_key_file(path: Path) -> None:
    """Make a key file with one new key, mode 0600. Raises ConfigError where there is a file already, or no folder."""
    if os.path.lexists(path):
        raise ConfigError(f"{path}: there is a file already; a key is never overwritten")
    files.make(path, new_key() + "\n")


def add_key(path: Path) -> None:
    """Put a new key before all others of a key file. Raises ConfigError; then the file is as it was."""
    files.rewrite(path, f"{new_key()}\n{path.read_text('utf-8')}")


_LARGEST_KEY_FILE = 1 << 16


def sweep_keys(path: Path) -> None:
    """Take away the key files that writing ``path`` left beside it when it was cut off, or a key that is forgotten
    would still lie there. Only for who writes it alone.
    """
    for beside in files.leftovers(path):
        with suppress(ConfigError, OSError):
            if beside.stat().st_size <= _LARGEST_KEY_FILE and Vault.from_file(beside).keys:
                files.sweep(beside)


def forget_keys(path: Path) -> None:
    """Take all keys but the first one out of a key file. Raises ConfigError; then the file is as it was."""
    (first, *_), lines = [number for number, _ in _numbered(path)], path.read_text("utf-8").splitlines()
    kept = [line for number, line in enumerate(lines, 1) if number == first or not _is_key(line)]
    files.rewrite(path, "\n".join(kept) + "\n")


def _is_key(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def _numbered(path: Path) -> list[tuple[int, str]]:
    """The lines of a key file that should be keys, with their numbers. Raises ConfigError when it cannot be read."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no key; make one with: kantter key new") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a key file") from error
    if mode & 0o077:
        raise ConfigError(f"{path}: others can read the key; mend it with: chmod 600 {path}")
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if _is_key(line)]


def looks_sealed(value: bytes) -> bool:
    """Whether it may be a sealed value; what is none hardly ever looks so, as the first byte is not that of text."""
    return value[:1] == _VERSION and len(value) >= _HEAD + _NONCE + _TAG


def _key(path: Path, number: int, line: str) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ConfigError(f"{path}: line {number} is not a key: 32 bytes in base64 are expected")
    return key


class Vault:
    """Seals with its first key, opens with any of them. ``repr`` shows no key."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ConfigError("the vault needs a key")
        self._ciphers = {hashlib.sha256(key).digest()[:_ID]: AESGCM(key) for key in keys}
        self._first = next(iter(self._ciphers))

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """Read a key file: a key in base64 a line; empty lines and those that begin with ``#`` are passed over.

        Raises ConfigError: missing, readable by others, no key in it, or a line that is none.
        """
        keys = [_key(path, number, line) for number, line in _numbered(path)]
        if not keys:
            raise ConfigError(f"{path}: there is no key in it")
        return cls(keys)

    @property
    def keys(self) -> int:
        """How many keys it has."""
        return len(self._ciphers)

    def is_newest(self, sealed: Sealed) -> bool:
        """Whether that was sealed with the first key."""
        return sealed[:_HEAD] == _VERSION + self._first

    def seal(self, plain: bytes, *, purpose: str) -> Sealed:
        """Encrypt ``plain`` for ``purpose`` (such as ``x/1234/credentials``), which must be named again to open it."""
        head, nonce = _VERSION + self._first, os.urandom(_NONCE)
        return Sealed(head + nonce + self._ciphers[self._first].encrypt(nonce, plain, head + purpose.encode("utf-8")))

    def open(self, sealed: Sealed, *, purpose: str) -> bytes:
        """Give back what was sealed for that purpose. Raises VaultError."""
        head, nonce, body = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
        cipher = self._ciphers.get(head[1:])
        if head[:1] != _VERSION or cipher is None:
            raise VaultError("this was sealed with a key that is not in the key file")
        try:
            return cipher.decrypt(nonce, body, head + purpose.encode("utf-8"))
        except (InvalidTag, ValueError):
            raise VaultError("a sealed value was changed, or stands in the wrong place") from None

    def seal_credentials(self, credentials: Credentials, *, purpose: str) -> Sealed:
        """Seal a token pair for ``purpose``; see ``account_purpose`` and ``request_purpose``."""
        return self.seal(json.dumps([credentials.token, credentials.secret]).encode("utf-8"), purpose=purpose)

    def open_credentials(self, sealed: Sealed, *, purpose: str) -> Credentials:
        """Give back a token pair that was sealed for that purpose. Raises VaultError."""
        token, secret = json.loads(self.open(sealed, purpose=purpose).decode("ascii"))
        return Credentials(token, secret)
