"""Answers that hold a token, as the address of a link does, stand sealed in the store until they are said.

It knows how such a body is marked, and nothing of what it says.
"""

import base64
import binascii

from bridge.model import Sealed
from bridge.vault import BODY_MARK, BODY_PURPOSE, Vault, VaultError


def seal(vault: Vault, words: str) -> str:
    """A body that only the speaker can read."""
    return BODY_MARK + base64.b64encode(vault.seal(words.encode("utf-8"), purpose=BODY_PURPOSE)).decode("ascii")


def opened(vault: Vault, body: str) -> str:
    """The words of a body, sealed or not. Raises VaultError."""
    if not body.startswith(BODY_MARK):
        return body
    try:
        sealed = Sealed(base64.b64decode(body.removeprefix(BODY_MARK), validate=True))
    except (binascii.Error, ValueError) as error:
        raise VaultError("a sealed answer was changed") from error
    return vault.open(sealed, purpose=BODY_PURPOSE).decode("utf-8")
