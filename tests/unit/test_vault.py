"""The vault: what it opens, and all that it must refuse."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.model import Sealed
from bridge.vault import Vault, VaultError, new_key, write_key_file

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=200), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_was_sealed_opens_for_its_purpose_and_for_no_other(plain: bytes, purpose: str) -> None:
    vault = Vault([OLD])
    sealed = vault.seal(plain, purpose=purpose)
    assert vault.open(sealed, purpose=purpose) == plain
    with pytest.raises(VaultError):
        vault.open(sealed, purpose=purpose + "x")


@given(st.data())
def test_one_changed_or_missing_byte_is_refused(data: st.DataObject) -> None:
    vault = Vault([OLD])
    sealed = vault.seal(b"token", purpose="p")
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for bad in (changed, sealed[:at]):
        with pytest.raises(VaultError):
            vault.open(Sealed(bad), purpose="p")


def test_a_rotated_key_still_opens_and_the_first_one_seals() -> None:
    before = Vault([OLD]).seal(b"token", purpose="p")
    both = Vault([NEW, OLD])
    assert both.open(before, purpose="p") == b"token"
    assert Vault([NEW]).open(both.seal(b"token", purpose="p"), purpose="p") == b"token"
    with pytest.raises(VaultError, match="key file"):
        Vault([NEW]).open(before, purpose="p")


def test_sealing_twice_gives_different_bytes_and_nothing_shows_the_plain_ones() -> None:
    vault = Vault([OLD])
    one, two = vault.seal(b"token", purpose="p"), vault.seal(b"token", purpose="p")
    assert one != two
    assert bytes(one).find(b"token") == -1
    assert "ooo" not in repr(vault)


def test_a_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_key_file(path)
    before = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="never overwritten"):
        write_key_file(path)
    assert path.read_text() == before
    vault = Vault.from_file(path)
    assert vault.open(vault.seal(b"x", purpose="p"), purpose="p") == b"x"


def test_a_key_file_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_key_file(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        Vault.from_file(path)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "c2hvcnQ=\n", "not base64!\n"])
def test_a_key_file_without_a_good_key_is_refused_and_its_text_is_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        Vault.from_file(path)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_comments_and_several_keys(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"# newest first\n{new_key()}\n\n{new_key()}\n")
    path.chmod(0o600)
    assert Vault.from_file(path)


def test_without_a_key_file_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="kantter key new"):
        Vault.from_file(tmp_path / "none")
