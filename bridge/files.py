"""Files that hold secrets: made whole or not at all, readable by their owner alone, and lasting when they are there.

A file is written beside its place under a name of its own, brought to the disk, and then given its name in one step
(POSIX, ``link`` and ``rename``); so a crash or a full disk leaves the old one or the new one, never half of one.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from bridge.errors import ConfigError


def make(path: Path, text: str) -> None:
    """Make a file of mode 0600 where there is none. Raises ConfigError, also when there is one."""
    beside = beside_of(path)
    try:
        _write(beside, text)
        place(beside, path)
    except OSError as error:
        raise _refused(path, "made", error) from error
    finally:
        sweep(beside)


def rewrite(path: Path, text: str, *, mode: int | None = None) -> None:
    """Put ``text`` in the place of the whole file, which keeps its owner, and its mode where none is given: nobody
    reads it with another one. Raises ConfigError; then it is as it was.
    """
    path = path.resolve()  # the file that a link leads to is changed, not the link
    beside = beside_of(path)
    try:
        was = path.stat()
        _write(beside, text)
        if (was.st_uid, was.st_gid) != (os.geteuid(), beside.stat().st_gid):
            os.chown(beside, was.st_uid, was.st_gid)
        beside.chmod(stat.S_IMODE(was.st_mode) if mode is None else mode)
        beside.replace(path)
        sync(path.parent)
    except OSError as error:
        raise _refused(path, "written anew", error) from error
    finally:
        sweep(beside)


def place(beside: Path, path: Path) -> None:
    """Give a finished file its name. It lasts when this returns. Raises FileExistsError, and other kinds of OSError."""
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: there, two who come at once are not told apart
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        beside.rename(path)
    sweep(beside)
    sync(path.parent)


def beside_of(path: Path) -> Path:
    """A name in the same folder that nobody has."""
    return path.with_name(f".kantter-{secrets.token_hex(4)}")


def leftovers(path: Path) -> list[Path]:
    """What writing files beside ``path`` left there when it was cut off, or is writing now: of whatever content."""
    return [beside for beside in path.resolve().parent.glob(".kantter-????????") if beside.is_file()]


def sweep(*paths: Path) -> None:
    """Take away what is there of these. Where that is refused, nothing could be made either, or it does no harm."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _refused(path: Path, done: str, error: OSError) -> ConfigError:
    if isinstance(error, FileExistsError):
        return ConfigError(f"{path}: there is a file already; nothing is ever overwritten")
    return ConfigError(f"{path}: cannot be {done}: {error.strerror}")
