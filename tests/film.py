"""MP4 and MOV files made by hand, box by box (ISO/IEC 14496-12), with what their makers would rather not tell."""

import struct

SECRET = b"+52.1+004.3/ Phone 9"
SAMPLES = bytes(range(200))
MAKER = b"\x1bHERO encoder".ljust(32, b"\0")


def box(kind: bytes, *content: bytes, wide: bool = False) -> bytes:
    body = b"".join(content)
    if wide:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


def header(kind: bytes, seconds: float = 5.0, *, version: int = 0) -> bytes:
    if version:
        times = struct.pack(">QQIQ", 0x1111111111111111, 0x1111111111111111, 600, int(seconds * 600))
    else:
        times = struct.pack(">IIII", 0x11111111, 0x11111111, 600, int(seconds * 600))
    return box(kind, bytes([version, 0, 0, 0]), times, bytes(80))


def handler(kind: bytes) -> bytes:
    return box(b"hdlr", bytes(8), kind, b"appl", bytes(8), SECRET, b"\0")


def track(kind: bytes = b"vide", *more: bytes) -> bytes:
    tables = box(
        b"stbl",
        box(b"stsd", bytes(8), box(b"avc1", bytes(12), b"GoPr", bytes(26), MAKER, bytes(4))),
        box(b"stco", bytes(16)),
        box(b"udta", SECRET),
    )
    media = box(b"mdia", header(b"mdhd"), handler(kind), box(b"minf", box(b"vmhd", bytes(12)), tables))
    return box(b"trak", header(b"tkhd"), media, *more)


def film(
    *in_moov: bytes, tracks: bytes = b"", after: bytes = b"", head: bytes = b"", samples: bytes = SAMPLES
) -> bytes:
    """A film of five seconds."""
    moov = box(b"moov", head or header(b"mvhd"), tracks or track(), *in_moov)
    return box(b"ftyp", b"isom", bytes(4)) + moov + box(b"mdat", samples) + after
