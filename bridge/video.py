"""Takes out of an MP4 or MOV file what nobody meant to publish: place, maker, times, and tracks of anything but picture
and sound. In place: what goes becomes an empty ``free`` box of the same size, so that no offset changes.

It knows the boxes of such files (ISO/IEC 14496-12; QuickTime File Format), and nothing of pictures. Only boxes that are
needed to play it stay. The samples of a track that went stay too, where nothing points to them any more.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_INSIDE: dict[bytes, frozenset[bytes]] = {
    parent: frozenset(children.split())
    for parent, children in {
        b"": b"ftyp styp moov mdat moof mfra sidx ssix wide",
        b"moov": b"mvhd trak mvex iods",
        b"mvex": b"mehd trex leva",
        b"trak": b"tkhd edts mdia tref tapt clip matt load",
        b"edts": b"elst",
        b"mdia": b"mdhd hdlr minf elng",
        b"minf": b"vmhd smhd hmhd nmhd sthd gmhd hdlr dinf stbl",
        b"dinf": b"dref",
        b"stbl": b"stsd stts ctts cslg stss stsh stsc stsz stz2 stco co64 sdtp sbgp sgpd subs saiz saio stps padb stdp",
        b"moof": b"mfhd traf",
        b"traf": b"tfhd trun tfdt saiz saio sbgp sgpd subs senc",
    }.items()
}
"""Which boxes may stand in which; nothing stands in those that are not named here, so that nesting has an end."""
_TIMED = frozenset({b"mvhd", b"tkhd", b"mdhd"})
_PLAYED = frozenset({b"vide", b"soun"})
_MOST_BOXES = 50_000
_ZEROS = bytes(1 << 16)
_UNTOLD = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


class NotAVideo(ValueError):
    """The file is no MP4 or MOV, or is damaged."""


@dataclass(frozen=True, slots=True)
class _Box:
    """``start``, ``body`` and ``end`` are places in the file."""

    kind: bytes
    start: int
    body: int
    end: int


def strip(file: IO[bytes]) -> float:
    """Take the hidden data out of ``file``, which is open for reading and writing; give the video's seconds, 0 where it
    does not tell. Raises NotAVideo; then the file may be half done.
    """
    return _Stripper(file).strip()


class _Stripper:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._boxes = 0
        self._kept = 0
        self._seconds: float | None = None

    def strip(self) -> float:
        size = self._file.seek(0, 2)
        first = next(self._inside(0, size), None)
        if first is None or first.kind != b"ftyp":
            raise NotAVideo("it does not begin as one")
        self._walk(b"", 0, size)
        if self._seconds is None or not self._kept:
            raise NotAVideo("there is no video in it")
        return self._seconds

    def _inside(self, start: int, end: int) -> Iterator[_Box]:
        while start < end:
            self._boxes += 1
            if self._boxes > _MOST_BOXES:
                raise NotAVideo("it has too many parts")
            head = self._read(start, 8, end)
            size, kind = struct.unpack(">I4s", head)
            body = start + 8
            if size == 1:
                (size,) = struct.unpack(">Q", self._read(body, 8, end))
                body += 8
            if size < body - start or size > end - start:
                raise NotAVideo("a part of it has an impossible size")
            yield _Box(kind, start, body, start + size)
            start += size

    def _walk(self, parent: bytes, start: int, end: int) -> None:
        for box in self._inside(start, end):
            if box.kind not in _INSIDE[parent] or (box.kind == b"trak" and self._handler(box) not in _PLAYED):
                self._blank(box)
            elif box.kind in _INSIDE:
                self._kept += box.kind == b"trak"
                self._walk(box.kind, box.body, box.end)
            elif box.kind in _TIMED:
                self._untime(box)
            elif box.kind == b"hdlr":  # behind the kind stand the maker and a name
                self._zero(min(box.body + 12, box.end), box.end)

    def _handler(self, track: _Box) -> bytes:
        """What a track is for."""
        for media in self._inside(track.body, track.end):
            if media.kind == b"mdia":
                for box in self._inside(media.body, media.end):
                    if box.kind == b"hdlr":
                        return self._read(box.body, 12, box.end)[8:]
        return b""

    def _untime(self, box: _Box) -> None:
        """When it was made and changed; on the way, how long it is."""
        wide = self._read(box.body, 1, box.end) == b"\1"
        form, size = (">IQ", 16) if wide else (">II", 8)
        self._zero(box.body + 4, box.body + 4 + size, box.end)
        if box.kind == b"mvhd":
            scale, length = struct.unpack(form, self._read(box.body + 4 + size, struct.calcsize(form), box.end))
            if not scale:
                raise NotAVideo("its time has no scale")
            self._seconds = 0.0 if length in _UNTOLD else length / scale

    def _blank(self, box: _Box) -> None:
        self._file.seek(box.start + 4)
        self._file.write(b"free")
        self._zero(box.body, box.end)

    def _zero(self, start: int, end: int, limit: int | None = None) -> None:
        if limit is not None and end > limit:
            raise NotAVideo("a part of it is cut off")
        self._file.seek(start)
        while (left := end - start) > 0:
            self._file.write(_ZEROS[:left])
            start += len(_ZEROS)

    def _read(self, start: int, count: int, end: int) -> bytes:
        self._file.seek(start)
        found = self._file.read(count) if start + count <= end else b""
        if len(found) != count:
            raise NotAVideo("a part of it is cut off")
        return found
