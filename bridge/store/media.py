"""The pictures of a post as the text of a column: a JSON array of objects with the fields of ``Medium``.

What a field's default is, is left out. The keys of encrypted files came sealed. It knows no table.
"""

import json
from dataclasses import asdict, fields
from typing import Any

from bridge.model import Medium

_DEFAULTS = {field.name: field.default for field in fields(Medium)}


def as_text(media: tuple[Medium, ...]) -> str:
    """For the column; empty for none."""
    if not media:
        return ""
    kept = [{name: value for name, value in asdict(one).items() if value != _DEFAULTS[name]} for one in media]
    return json.dumps(kept, ensure_ascii=True, separators=(",", ":"))


def holding(message_id: str) -> str:
    """A pattern of LIKE, with ``!`` as its escape, for columns with a picture of that message; it finds some more."""
    inside = json.dumps(message_id, ensure_ascii=True)[1:-1]
    for special in "!%_":
        inside = inside.replace(special, f"!{special}")
    return f'%"message_id":"{inside}"%'


def from_text(column: str) -> tuple[Medium, ...]:
    """What ``as_text`` wrote."""
    if not column:
        return ()
    kept: list[dict[str, Any]] = json.loads(column)
    return tuple(Medium(**one) for one in kept)
