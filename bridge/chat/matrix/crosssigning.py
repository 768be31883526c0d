"""Cross-signing: the bot's own identity, and the signatures that bind a device to somebody's.

Today's clients warn of a device that its owner has not signed, and soon will not share keys with it. nio has none of
this. The upper half is pure: keys, signatures, chains (Matrix specification, "Cross-signing" and "Signing JSON"). The
lower half brings the bot's own identity in order at the homeserver.
"""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nio import AsyncClient
from pydantic import SecretStr

from bridge.chat.matrix.calls import ask, meaning, raw
from bridge.errors import ChatUnreachable, ConfigError
from bridge.interfaces import Store, Tx
from bridge.model import Sealed
from bridge.vault import Vault, VaultError, note_purpose

log = structlog.get_logger(__name__)

Json = Mapping[str, Any]

_SCOPE = "matrix"
_NOTE = "cross_signing"
_USAGES = ("master", "self_signing", "user_signing")


# ---------------------------------------------------------------- pure: keys, signatures, chains


def canonical(value: Json) -> bytes:
    """The bytes that are signed: canonical JSON without ``signatures`` and ``unsigned``. Raises ValueError."""
    bare = {key: part for key, part in value.items() if key not in ("signatures", "unsigned")}
    text = json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.encode("utf-8")  # a lone surrogate is a UnicodeEncodeError, which is a ValueError


def encode(data: bytes) -> str:
    """Unpadded base64, as Matrix writes keys and signatures."""
    return base64.b64encode(data).decode("ascii").rstrip("=")


def decode(text: object) -> bytes:
    """Undo ``encode``. Raises ValueError for anything else."""
    plain = text if isinstance(text, str) else "?"  # which is none either
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError as error:  # binascii.Error is one
        raise ValueError("no base64") from error


def is_signed(value: Json, user_id: str, public: str) -> bool:
    """Whether ``value`` carries a good signature of ``user_id``'s Ed25519 key ``public`` (base64), whatever name the
    key goes by there: what counts is that it fits. Never raises on malformed input.
    """
    try:
        signatures = value["signatures"][user_id]
        key = Ed25519PublicKey.from_public_bytes(decode(public))
        message = canonical(value)
        candidates = [text for name, text in signatures.items() if str(name).startswith("ed25519:")]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return False
    return any(_fits(key, text, message) for text in candidates[:16])


def _fits(key: Ed25519PublicKey, signature: object, message: bytes) -> bool:
    try:
        key.verify(decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_of(key: object, user_id: str, usage: str) -> str | None:
    """The public key (base64) of a cross-signing key object; None when it is not one of that user and usage."""
    if not isinstance(key, Mapping) or key.get("user_id") != user_id:
        return None
    usages, keys = key.get("usage"), key.get("keys")
    if not isinstance(usages, list) or usage not in usages or not isinstance(keys, Mapping) or len(keys) != 1:
        return None
    name, public = next(iter(keys.items()))
    return public if isinstance(public, str) and name == f"ed25519:{public}" else None


@dataclass(frozen=True, slots=True)
class Seeds:
    """The three secrets of an identity, 32 bytes each (RFC 8032)."""

    master: bytes = field(repr=False)
    self_signing: bytes = field(repr=False)
    user_signing: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> "Seeds":
        """New ones, by chance."""
        return cls(os.urandom(32), os.urandom(32), os.urandom(32))

    def public(self, usage: str) -> str:
        """The public key of that usage, in base64."""
        return encode(_private(getattr(self, usage)).public_key().public_bytes_raw())

    def signature(self, usage: str, value: Json) -> str:
        """A signature over ``value``, in base64."""
        return encode(_private(getattr(self, usage)).sign(canonical(value)))

    def key_objects(self, user_id: str) -> dict[str, dict[str, Any]]:
        """The three key objects of the specification; the lower two signed by the master key."""
        objects: dict[str, dict[str, Any]] = {}
        for usage in _USAGES:
            public = self.public(usage)
            objects[usage] = {"user_id": user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}
        name = f"ed25519:{self.public('master')}"
        for usage in _USAGES[1:]:
            objects[usage]["signatures"] = {user_id: {name: self.signature("master", objects[usage])}}
        return objects


def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


# ---------------------------------------------------------------- the bot's own identity


async def sign_own_device(
    client: AsyncClient, *, store: Store, vault: Vault, replace: bool, password: SecretStr | None
) -> None:
    """Make the bot's device one that its owner has signed; nothing is done where it is already.

    The secrets are on disk, sealed, before anything is uploaded. ``replace``: an identity at the homeserver whose
    secrets we lack may be replaced, which makes people see a warning. Raises ConfigError when it is there and may not
    be, and ChatError.
    """
    user_id, device_id = client.user_id, client.device_id
    seeds = await store.transact(lambda tx: _load(tx, vault))
    keys = await _query(client)
    theirs = public_of(_part(keys, "master_keys", user_id), user_id, "master")
    if theirs is not None and (seeds is None or seeds.public("master") != theirs):
        if not replace:
            raise ConfigError(
                f"matrix: {user_id} has a cross-signing identity whose secrets are not here. If they are lost, set"
                " matrix.replace_cross_signing = true (or KANTTER_MATRIX__REPLACE_CROSS_SIGNING=true) for one start;"
                " people who have verified the bot will see a warning"
            )
        log.warning("the bot's cross-signing identity is replaced", user=user_id)
        seeds = None
    if seeds is None:
        seeds = Seeds.fresh()
        kept = seeds
        await store.transact(lambda tx: _keep(tx, vault, kept))
        theirs = None
    if theirs is None or not _complete(keys, user_id, seeds):
        await _upload_identity(client, seeds, password)
        keys = await _query(client)
    await _sign(client, seeds, keys, user_id, device_id)


def _load(tx: Tx, vault: Vault) -> Seeds | None:
    sealed = tx.notes.get(_SCOPE, _NOTE)
    if sealed is None:
        return None
    try:
        plain = vault.open(Sealed(sealed), purpose=note_purpose(_SCOPE, _NOTE))
    except VaultError as error:
        raise ConfigError(f"vault.key_file: this key does not open the bot's cross-signing secrets: {error}") from error
    return Seeds(plain[:32], plain[32:64], plain[64:96])


def _keep(tx: Tx, vault: Vault, seeds: Seeds) -> None:
    plain = seeds.master + seeds.self_signing + seeds.user_signing
    tx.notes.put(_SCOPE, _NOTE, vault.seal(plain, purpose=note_purpose(_SCOPE, _NOTE)))


async def _query(client: AsyncClient) -> Json:
    return await raw(client, "POST", "/_matrix/client/v3/keys/query", {"device_keys": {client.user_id: []}})


def _part(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _complete(keys: Json, user_id: str, seeds: Seeds) -> bool:
    """Whether the homeserver holds the lower keys of this identity too. It shows both to their owner."""
    found = {usage: public_of(_part(keys, f"{usage}_keys", user_id), user_id, usage) for usage in _USAGES[1:]}
    return all(public == seeds.public(usage) for usage, public in found.items())


async def _upload_identity(client: AsyncClient, seeds: Seeds, password: SecretStr | None) -> None:
    """Upload the three keys; with the password where the homeserver asks for it (user-interactive authentication)."""
    path = "/_matrix/client/v3/keys/device_signing/upload"
    body: dict[str, Any] = {f"{usage}_key": key for usage, key in seeds.key_objects(client.user_id).items()}
    status, answer = await ask(client, "POST", path, body)
    if status == 401 and _part(answer, "flows"):
        if password is None:
            raise ConfigError("matrix: the homeserver asks for the bot's password to upload its cross-signing identity")
        body["auth"] = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": client.user_id},
            "password": password.get_secret_value(),
            "session": _part(answer, "session"),
        }
        status, answer = await ask(client, "POST", path, body)
        if status == 401 and _part(answer, "errcode") == "M_FORBIDDEN":
            raise ConfigError("matrix: the homeserver does not take the bot's password for its cross-signing identity")
        if status == 401 and _part(answer, "flows"):
            raise ConfigError("matrix: the homeserver wants more than a password to upload a cross-signing identity")
    if status != 200:
        raise meaning(status, str(_part(answer, "errcode") or ""))


async def _sign(client: AsyncClient, seeds: Seeds, keys: Json, user_id: str, device_id: str) -> None:
    """Sign the device with the self-signing key, and the master key with the device, where that is missing."""
    device = _part(keys, "device_keys", user_id, device_id)
    master = _part(keys, "master_keys", user_id)
    if not isinstance(device, Mapping) or not isinstance(master, Mapping) or client.olm is None:
        raise ChatUnreachable("the homeserver does not show the bot's own keys yet")
    ours = client.olm.account.identity_keys["ed25519"]
    signed: dict[str, Any] = {}
    if not is_signed(device, user_id, seeds.public("self_signing")):
        name = f"ed25519:{seeds.public('self_signing')}"
        signed[device_id] = _with(device, user_id, name, seeds.signature("self_signing", device))
    if not is_signed(master, user_id, ours):
        signature = client.olm.account.sign(canonical(master).decode("utf-8"))
        signed[seeds.public("master")] = _with(master, user_id, f"ed25519:{device_id}", signature)
    if not signed:
        return
    answer = await raw(client, "POST", "/_matrix/client/v3/keys/signatures/upload", {user_id: signed})
    if answer.get("failures"):
        raise ChatUnreachable("the homeserver did not take the signature of the bot's device")


def _with(value: Json, user_id: str, name: str, signature: str) -> dict[str, Any]:
    bare = {key: part for key, part in value.items() if key not in ("signatures", "unsigned")}
    return {**bare, "signatures": {user_id: {name: signature}}}
