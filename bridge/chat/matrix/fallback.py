"""The fallback key: what a new device begins a channel with when the bot's one-time keys are used up.

nio uploads none; without it, whoever comes new while the bot is down cannot reach it (Matrix specification, "One-time
and fallback keys"). It lives in the account that nio keeps in its crypto store.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import vodozemac
from nio import AsyncClient

from bridge.chat.matrix.calls import raw
from bridge.errors import ConfigError
from bridge.interfaces import Store

KIND = "signed_curve25519"
WEEK = 7 * 86400.0
_SCOPE = "matrix"


async def ensure_fallback_key(client: AsyncClient, unused: Sequence[str] | None, *, now: float, store: Store) -> None:
    """Upload a new fallback key when the last one was used, or is a week old.

    ``unused``: the kinds that ``/sync`` says nobody has used (None: it did not say). ``now``: Unix seconds.
    Call it after the one-time keys are uploaded: marking keys as published marks those too. Raises ChatError.
    """
    note = f"fallback/{client.device_id}"
    if unused is not None and KIND in unused:
        made = await store.transact(lambda tx: tx.notes.get(_SCOPE, note))
        if made is not None and 0 <= now - float(made) < WEEK:
            return
    if client.olm is None:
        raise ConfigError("matrix-nio has no encryption here: install matrix-nio[e2e]")
    account: Any = client.olm.account._account  # noqa: SLF001 - nio has no way to it, and its stub hides these keys
    waiting = account.fallback_key  # one that was saved but never confirmed, after a crash
    if not waiting:
        account.generate_fallback_key()
        waiting = account.fallback_key
    client.olm.save_account()
    await raw(client, "POST", "/_matrix/client/v3/keys/upload", {"fallback_keys": _signed(client, waiting)})
    account.mark_keys_as_published()
    client.olm.save_account()
    await store.transact(lambda tx: tx.notes.put(_SCOPE, note, str(now).encode()))


def _signed(client: AsyncClient, keys: Mapping[str, vodozemac.Curve25519PublicKey]) -> dict[str, Any]:
    if client.olm is None:
        return {}
    signed = {}
    for key_id, key in keys.items():
        content: dict[str, Any] = {"key": key.to_base64(), "fallback": True}
        signature = client.olm.sign_json(content)
        content["signatures"] = {client.user_id: {f"ed25519:{client.device_id}": signature}}
        signed[f"{KIND}:{key_id}"] = content
    return signed
