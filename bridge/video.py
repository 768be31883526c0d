"""Takes out of an MP4 or MOV file what nobody meant to publish: place, maker, times, and tracks of anything but picture
and sound. In place: what goes becomes an empty ``free`` box of the same size, so that no offset changes.

It knows the boxes of such files (ISO/IEC 14496-12; QuickTime File Format), and nothing of pictures. Only boxes that are
needed to play it stay; cameras write their places as tracks too, so the samples of a track that goes become zeros.
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
_MOST_SAMPLES = 1_000_000
"""Of a track that goes: far more than a place for each picture of two minutes."""
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
        self._size = 0
        self._boxes = 0
        self._kept = 0
        self._playing = b""
        self._forgotten = 0
        self._seconds: float | None = None

    def strip(self) -> float:
        self._size = self._file.seek(0, 2)
        first = next(self._inside(0, self._size), None)
        if first is None or first.kind != b"ftyp":
            raise NotAVideo("it does not begin as one")
        self._walk(b"", 0, self._size)
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
            if box.kind not in _INSIDE[parent]:
                self._blank(box)
            elif box.kind == b"trak" and not self._begin(box):
                self._forget(box)
                self._blank(box)
            elif box.kind in _INSIDE:
                self._walk(box.kind, box.body, box.end)
            elif box.kind in _TIMED:
                self._untime(box)
            elif box.kind == b"hdlr":  # behind the kind stand the maker and a name
                self._zero(min(box.body + 12, box.end), box.end)
            elif box.kind == b"stsd":
                self._unname(box)

    def _begin(self, track: _Box) -> bool:
        """Whether the track is played; then it is the one that the walk is in."""
        self._playing = self._handler(track)
        self._kept += self._playing in _PLAYED
        return self._playing in _PLAYED

    def _handler(self, track: _Box) -> bytes:
        """What a track is for."""
        box = self._found(track, b"mdia", b"hdlr")
        return b"" if box is None else self._read(box.body, 12, box.end)[8:]

    def _found(self, box: _Box | None, *path: bytes) -> _Box | None:
        """The first box of each kind in the one before it."""
        for kind in path:
            box = (
                None
                if box is None
                else next((one for one in self._inside(box.body, box.end) if one.kind == kind), None)
            )
        return box

    # ------------------------------------------------------------ the samples of a track that goes

    def _forget(self, track: _Box) -> None:
        """Fill its samples with zeros: chunk by chunk, each with as many samples as its run says."""
        tables = self._found(track, b"mdia", b"minf", b"stbl")
        chunks = self._table(self._found(tables, b"stco"), ">I") or self._table(self._found(tables, b"co64"), ">Q")
        runs, sizes = self._table(self._found(tables, b"stsc"), ">III"), self._sizes(self._found(tables, b"stsz"))
        run, sample = 0, 0
        for number, (start,) in enumerate(chunks, 1):
            while run + 1 < len(runs) and runs[run + 1][0] <= number:
                run += 1
            count = runs[run][1] if runs else 0
            size = sum(sizes[sample : sample + count])
            sample += count
            self._forgotten += size
            if start + size > self._size or self._forgotten > self._size:
                raise NotAVideo("a part of it points elsewhere")
            self._zero(start, start + size)

    def _sizes(self, box: _Box | None) -> list[int]:
        """The bytes of each sample."""
        if box is None:
            return []
        same, count = struct.unpack(">II", self._read(box.body + 4, 8, box.end))
        if same:
            return [same] * min(count, _MOST_SAMPLES)
        return [size for (size,) in self._table(box, ">I", 12)]

    def _table(self, box: _Box | None, form: str, head: int = 8) -> list[tuple[int, ...]]:
        """The rows of a table, which begin ``head`` bytes behind its own head; before them stands their number."""
        if box is None:
            return []
        (count,) = struct.unpack(">I", self._read(box.body + head - 4, 4, box.end))
        if count > _MOST_SAMPLES:
            raise NotAVideo("it has too many parts")
        return list(struct.iter_unpack(form, self._read(box.body + head, count * struct.calcsize(form), box.end)))

    # ------------------------------------------------------------ boxes

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

    def _unname(self, box: _Box) -> None:
        """Who made the samples and with what: cameras write their names there."""
        entries = _Box(b"stsd", box.start, min(box.body + 8, box.end), box.end)
        for entry in self._inside(entries.body, entries.end):
            parts = ((20, 24), (50, 82)) if self._playing == b"vide" else ((20, 24),)
            for first, end in parts:
                self._zero(min(entry.start + first, entry.end), min(entry.start + end, entry.end))

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
