"""Seals the keys of encrypted files when they come in, and opens them when a file is fetched: nobody behind the seam,
and no row of the store, holds one that opens a file.

It knows the vault, and nothing of how a file is encrypted.
"""

import base64
from dataclasses import replace

from bridge.errors import ChatRefused
from bridge.model import Medium, Sealed
from bridge.vault import Vault, VaultError, file_purpose


def sealed(medium: Medium, vault: Vault) -> Medium:
    """The file with its key sealed for it; as it is where it has none."""
    if not medium.key:
        return medium
    key = vault.seal(medium.key.encode("utf-8"), purpose=file_purpose(medium.source))
    return replace(medium, key=base64.b64encode(key).decode("ascii"))


def opened(medium: Medium, vault: Vault) -> Medium:
    """Undo ``sealed``. Raises ChatRefused."""
    if not medium.key:
        return medium
    try:
        key = vault.open(Sealed(base64.b64decode(medium.key)), purpose=file_purpose(medium.source))
    except (VaultError, ValueError) as error:
        raise ChatRefused("its key cannot be opened any more") from error
    return replace(medium, key=key.decode("utf-8"))
