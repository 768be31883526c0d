"""Whether a decrypted message truly comes from a device of its sender, so that nobody else can command the bot.

A homeserver's admin can add a device to somebody's account. So a device must be listed for exactly that user, signed by
itself, and unchanged since it was first seen; and where the user has a cross-signing identity, signed by that. The
identity's master key is kept at first sight: one that changes or disappears later is refused until an operator accepts
it (``kantter trust``). Somebody who never had an identity is vouched for by their homeserver alone.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from nio import AsyncClient

from bridge.chat.matrix.calls import raw
from bridge.chat.matrix.crosssigning import is_signed, public_of
from bridge.errors import ChatRefused
from bridge.interfaces import Clock, Store, Tx
from bridge.retry import pause

log = structlog.get_logger(__name__)

UNKNOWN_DEVICE = (
    "That came from a device that your account does not list, so I did not run it. Send it again from a device of your"
    " own."
)
UNSIGNED_DEVICE = (
    "That came from a device that you have not verified, so I did not run it. Verify the device in your client (its"
    " settings, under sessions or devices), then send it again."
)
CHANGED_DEVICE = (
    "The keys of that device have changed since I last saw it, so I did not run that. Log out of the device, log in"
    " again, and send it again."
)
CHANGED_IDENTITY = (
    "Your cross-signing identity is not the one that I know, so I did not run that. If you have reset it yourself, ask"
    " the operator of this bot to accept the new one: kantter trust {user}"
)

_SCOPE = "matrix"
_SOON = 30.0
"""Seconds after which a refusal is looked at anew: the person may have verified the device in between."""
_AWAY = 10.0
"""Seconds for which a homeserver that did not answer is not asked again."""
_MOST = 10_000
_TRIES = 5
"""To ask for keys, of which only some were told: within three seconds."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    problem: str | None
    at: float


def identity_note(user_id: str) -> str:
    """The name of the note that keeps somebody's master key."""
    return f"identity/{user_id}"


def _device_note(user_id: str, device_id: str) -> str:
    return "device/" + hashlib.sha256(f"{user_id}\0{device_id}".encode("utf-8", "replace")).hexdigest()[:32]


def forget_identity(tx: Tx, user_id: str) -> bool:
    """The operator accepts whatever identity that user shows next; give whether one was known."""
    if tx.notes.get(_SCOPE, identity_note(user_id)) is None:
        return False
    tx.notes.drop(_SCOPE, identity_note(user_id))
    return True


class Trust:
    """Looks at devices, and remembers what it saw until the homeserver says that they changed."""

    def __init__(self, client: AsyncClient, *, store: Store, clock: Clock) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._verdicts: dict[tuple[str, str, str], _Verdict] = {}
        self._away: dict[str, float] = {}

    def forget(self, users: Iterable[str]) -> None:
        """The devices of these users changed: look again."""
        gone = set(users)
        for server in {_server(user) for user in gone}:
            self._away.pop(server, None)  # it is there again
        self._verdicts = {key: verdict for key, verdict in self._verdicts.items() if key[0] not in gone}

    async def problem(self, sender: str, sender_key: str, *, signing_key: str) -> str | None:
        """None when a session of the device with these keys (Curve25519 and Ed25519, base64) may speak for ``sender``;
        else a sentence for them. One message more of a known device costs no request. Raises ChatError, StoreError;
        ChatRefused also when the sender's homeserver is away, which says nothing about the device.
        """
        key = (sender, sender_key, signing_key)
        known = self._verdicts.get(key)
        if known is not None and (known.problem is None or 0 <= self._clock() - known.at < _SOON):
            return known.problem
        if 0 <= self._clock() - self._away.get(_server(sender), float("-inf")) < _AWAY:
            raise ChatRefused("the sender's homeserver did not answer a moment ago")
        problem = await self._look(sender, sender_key, signing_key)
        if len(self._verdicts) >= _MOST:
            self._verdicts.clear()
        self._verdicts[key] = _Verdict(problem, self._clock())
        if problem is not None:
            log.warning("a device is not trusted", sender=sender, why=problem)
        return problem

    async def _look(self, sender: str, sender_key: str, signing_key: str) -> str | None:
        answer = await self._ask(sender)
        device = _find(_part(answer, "device_keys", sender), sender, sender_key, signing_key)
        master = _part(answer, "master_keys", sender)
        identity = public_of(master, sender, "master")
        trouble = await self._store.transact(lambda tx: _compare(tx, sender, identity, device))
        if trouble is not None:
            return trouble.format(user=sender)
        if device is None:
            return UNKNOWN_DEVICE
        if identity is None:
            return None
        lower = _part(answer, "self_signing_keys", sender)
        public = public_of(lower, sender, "self_signing")
        chained = public is not None and is_signed(lower, sender, identity) and is_signed(device, sender, public)
        return None if chained else UNSIGNED_DEVICE

    async def _ask(self, sender: str) -> Mapping[str, object]:
        """All keys of the sender's devices and identity. Raises ChatRefused where their homeserver tells none."""
        for tries in range(1, _TRIES + 1):
            answer = await raw(self._client, "POST", "/_matrix/client/v3/keys/query", {"device_keys": {sender: []}})
            if _part(answer, "failures", _server(sender)) is None:
                return answer
            if _part(answer, "device_keys", sender) is None or tries == _TRIES:
                break
            # It tells of devices and yet of a failure, and of no identity: Synapse does so for a moment, while it
            # fetches the same list for something else.
            await asyncio.sleep(pause(tries, first=0.2))
        if len(self._away) >= _MOST:
            self._away.clear()
        # Ours waits ten seconds for theirs, and everybody's messages wait with us: so not for each of theirs.
        self._away[_server(sender)] = self._clock()
        raise ChatRefused("the sender's homeserver does not answer")


def _server(user_id: str) -> str:
    return user_id.partition(":")[2]


def _part(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _find(devices: Any, user_id: str, sender_key: str, signing_key: str) -> Mapping[str, Any] | None:
    """The device of that user with exactly these keys, signed by itself."""
    if not isinstance(devices, Mapping):
        return None
    for device_id, device in devices.items():
        keys = _part(device, "keys")
        if not isinstance(keys, Mapping) or keys.get(f"curve25519:{device_id}") != sender_key:
            continue
        fits = (
            device.get("user_id") == user_id
            and device.get("device_id") == device_id
            and keys.get(f"ed25519:{device_id}") == signing_key
        )
        if fits and is_signed(device, user_id, signing_key):
            return {str(name): value for name, value in device.items()}
    return None


def _compare(tx: Tx, user_id: str, identity: str | None, device: Mapping[str, Any] | None) -> str | None:
    """Hold what was seen now against what was seen first, and keep what is new."""
    kept = tx.notes.get(_SCOPE, identity_note(user_id))
    if kept is not None and kept != (identity or "").encode():
        return CHANGED_IDENTITY
    if device is None:
        return None
    device_id = str(device["device_id"])
    signing_key = str(device["keys"][f"ed25519:{device_id}"]).encode()
    known = tx.notes.get(_SCOPE, _device_note(user_id, device_id))
    if known is not None and known != signing_key:
        return CHANGED_DEVICE
    if kept is None and identity is not None:
        tx.notes.put(_SCOPE, identity_note(user_id), identity.encode())
    if known is None:
        tx.notes.put(_SCOPE, _device_note(user_id, device_id), signing_key)
    return None
