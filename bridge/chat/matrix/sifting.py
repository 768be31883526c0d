"""Looks through the keys that strangers have uploaded, before nio sees them. Pure.

nio checks the shape of a whole answer at once, and lets errors out on a key that is none: a single crooked device would
stop the keys of everybody (one public key of 33 bytes even makes vodozemac panic, which no ``except Exception`` stops).
So only what is well formed and signed by its own device goes on. It does not know whom to trust: see ``trust``.
"""

from collections.abc import Mapping
from typing import Any

import vodozemac

from bridge.chat.matrix.crosssigning import decode, is_signed
from bridge.chat.matrix.events import Json, id_of, part

_KEY_BYTES = 32
_SIGNED_KEY = "signed_curve25519:"


def devices(answer: Json) -> dict[str, dict[str, dict[str, Any]]]:
    """The devices of each person in an answer of ``/keys/query`` that nio can take; a person without one stays named.

    ``unsigned`` is left out: nobody vouches for it, and nio hands out new keys when a device's name in it changes.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for user_id, theirs in part(answer, "device_keys").items():
        if id_of(user_id) is None or not isinstance(theirs, Mapping):
            continue
        sound = ((device_id, _device(user_id, device_id, device)) for device_id, device in theirs.items())
        found[user_id] = {device_id: device for device_id, device in sound if device is not None}
    return found


def _device(user_id: str, device_id: str, device: object) -> dict[str, Any] | None:
    if not isinstance(device, Mapping) or (device.get("user_id"), device.get("device_id")) != (user_id, device_id):
        return None
    keys = part(device, "keys")
    signing = keys.get(f"ed25519:{device_id}")
    if not _is_key(signing) or not _is_key(keys.get(f"curve25519:{device_id}")):
        return None
    return _signed(device, user_id, device_id, str(signing))


def one_time_key(answer: Json, user_id: str, device_id: str, signing_key: str) -> dict[str, dict[str, Any]] | None:
    """The key in an answer of ``/keys/claim`` that the device with that Ed25519 key (base64) has signed, by its id."""
    for name, value in part(part(part(answer, "one_time_keys"), user_id), device_id).items():
        if str(name).startswith(_SIGNED_KEY) and isinstance(value, Mapping) and _is_key(value.get("key")):
            signed = _signed(value, user_id, device_id, signing_key)
            if signed is not None:
                return {str(name): signed}
    return None


def _is_key(text: object) -> bool:
    """Whether it is a public key that vodozemac reads. The length goes first: of another one it may panic."""
    try:
        if not isinstance(text, str) or len(decode(text)) != _KEY_BYTES:
            return False
        vodozemac.Curve25519PublicKey.from_base64(text)  # the stricter reader of base64; any 32 bytes are a key to it
    except ValueError:
        return False
    return True


def _signed(value: Json, user_id: str, device_id: str, signing_key: str) -> dict[str, Any] | None:
    """``value`` with nothing but the device's own signature; None when that does not hold."""
    name = f"ed25519:{device_id}"
    signature = part(part(value, "signatures"), user_id).get(name)
    bare = {str(key): inner for key, inner in value.items() if key not in ("signatures", "unsigned")}
    alone = bare | {"signatures": {user_id: {name: signature}}}
    return alone if is_signed(alone, user_id, signing_key) else None
