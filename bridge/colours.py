"""Makes a colour profile bare: what turns numbers into colours stays; names, dates, devices and texts go.

It knows the form of ICC profiles (ICC.1:2022; ISO 15076-1), and computes no colour. A profile may hold anything under
tags of its own, a whole file too: so only the tags that colours are made from stay.
"""

import struct

_HEADER = 128
_LARGEST = 1 << 20
_MOST_TAGS = 100
_KEPT = frozenset(
    b"rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC wtpt bkpt chad cicp lumi"
    b" A2B0 A2B1 A2B2 A2B3 B2A0 B2A1 B2A2 B2A3 D2B0 D2B1 D2B2 D2B3 B2D0 B2D1 B2D2 B2D3 gamt".split()
)
_CLEARED = ((4, 8), (24, 36), (48, 56), (80, 100))
"""Who made it with what (preferred program, date, device, creator and a hash), as places in the header."""


def bare(profile: bytes) -> bytes | None:
    """The profile without what is no colour; None when it is damaged or holds no colour at all."""
    if not _HEADER + 4 <= len(profile) <= _LARGEST or profile[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MOST_TAGS or _HEADER + 4 + 12 * count > len(profile):
        return None
    kept: list[tuple[bytes, bytes]] = []
    for name, start, size in struct.iter_unpack(">4sII", profile[_HEADER + 4 : _HEADER + 4 + 12 * count]):
        if start + size > len(profile):
            return None
        if name in _KEPT:
            kept.append((name, profile[start : start + size]))
    return _made(profile[:_HEADER], kept) if kept else None


def _made(header: bytes, tags: list[tuple[bytes, bytes]]) -> bytes | None:
    """A profile of these tags; what several share stands in it once."""
    start = _HEADER + 4 + 12 * len(tags)
    table, body, places = bytearray(struct.pack(">I", len(tags))), bytearray(), dict[bytes, int]()
    for name, content in tags:
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    if start + len(body) > _LARGEST:
        return None
    made = bytearray(header)
    for first, end in _CLEARED:
        made[first:end] = bytes(end - first)
    made[:4] = struct.pack(">I", start + len(body))
    return bytes(made + table + body)
