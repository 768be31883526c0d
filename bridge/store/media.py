"""The pictures of a post as the text of a column: a JSON array of objects with the fields of ``Medium``.

What a field's default is, is left out. The keys of encrypted files came sealed. It knows no table.
"""

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from bridge.model import Medium

_DEFAULTS = {field.name: field.default for field in fields(Medium)}


def as_text(media: tuple[Medium, ...]) -> str:
    """For the column; empty for none."""
    if not media:
        return ""
    return json.dumps([_kept(one) for one in media], ensure_ascii=True, separators=(",", ":"))


def _kept(medium: Medium) -> dict[str, Any]:
    values = {name: getattr(medium, name) for name in _DEFAULTS}
    kept = {name: value for name, value in values.items() if value != _DEFAULTS[name]}
    return kept | {"copies": [_kept(one) for one in medium.copies]} if medium.copies else kept


def with_copies(media: Iterable[Medium]) -> list[Medium]:
    """Every file that stands in a column: each picture, and behind it its copies."""
    return [one for medium in media for one in (medium, *medium.copies)]


def rekeyed(media: Iterable[Medium], place: int, key: str) -> tuple[Medium, ...]:
    """The same with another key of the file at ``place`` in ``with_copies``."""
    changed: list[Medium] = []
    for medium in media:
        if place == 0:
            medium = replace(medium, key=key)
        copies = tuple(replace(one, key=key) if n == place else one for n, one in enumerate(medium.copies, 1))
        changed.append(replace(medium, copies=copies))
        place -= 1 + len(copies)
    return tuple(changed)


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
    return tuple(map(_medium, json.loads(column)))


def _medium(kept: dict[str, Any]) -> Medium:
    return Medium(**kept | {"copies": tuple(map(_medium, kept["copies"]))}) if "copies" in kept else Medium(**kept)
