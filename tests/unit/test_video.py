"""What is left of an MP4 or MOV when its hidden data is gone. The files are made by hand, box by box."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.pictures import NotAPicture, clean
from bridge.video import NotAVideo, strip
from tests.film import MAKER, SAMPLES, SECRET, box, film, handler, header, track


def stripped(content: bytes) -> tuple[bytes, float]:
    file = io.BytesIO(content)
    seconds = strip(file)
    return file.getvalue(), seconds


@pytest.mark.parametrize("kind", [b"udta", b"meta", b"uuid", b"\xa9xyz", b"XMP_", b"free", b"skip"])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("where", ["film", "track", "file"])
def test_what_is_not_played_goes_where_it_stands(kind: bytes, wide: bool, where: str) -> None:
    hidden = box(kind, box(b"\xa9mak", SECRET), SECRET, wide=wide)
    if where == "film":
        content = film(hidden)
    elif where == "track":
        content = film(tracks=track(b"vide", hidden))
    else:
        content = film(after=hidden)
    result, seconds = stripped(content)
    assert SECRET not in result
    assert (len(result), seconds) == (len(content), 5.0)
    assert result.index(SAMPLES) == content.index(SAMPLES)
    assert kind == b"free" or kind not in result
    assert stripped(result) == (result, 5.0)


def test_the_names_of_makers_go() -> None:
    content = film(tracks=track() + track(b"soun"))
    result, _ = stripped(content)
    assert (content.count(MAKER), content.count(b"GoPr")) == (2, 2)
    assert (result.count(MAKER), result.count(b"GoPr")) == (1, 0)  # of a sound, no name stands there
    assert b"appl" not in result


@pytest.mark.parametrize("version", [0, 1])
def test_times_go(version: int) -> None:
    result, seconds = stripped(film(head=header(b"mvhd", 7.5, version=version)))
    assert (b"\x11" * 4 in result, seconds) == (False, 7.5)


def test_tracks_of_anything_but_picture_and_sound_go() -> None:
    places = track(b"meta", box(b"gmhd", SECRET))
    result, _ = stripped(film(tracks=track() + places + track(b"soun")))
    assert result.count(b"trak") == 2
    assert SECRET not in result


def places(
    *chunks: int, runs: tuple[tuple[int, int], ...], sizes: tuple[int, ...], same: int = 0, wide: bool = False
) -> bytes:
    """A track of places: where its chunks stand, how many samples each has, and how large those are."""
    form = ">Q" if wide else ">I"
    where = box(
        b"co64" if wide else b"stco", bytes(4), struct.pack(">I", len(chunks)), *(struct.pack(form, c) for c in chunks)
    )
    many = box(b"stsc", bytes(4), struct.pack(">I", len(runs)), *(struct.pack(">III", *run, 1) for run in runs))
    count = len(sizes) or 3
    large = box(b"stsz", bytes(4), struct.pack(">II", same, count), *(struct.pack(">I", size) for size in sizes))
    tables = box(b"stbl", where, many, large)
    return box(b"trak", header(b"tkhd"), box(b"mdia", handler(b"meta"), box(b"minf", tables)))


@pytest.mark.parametrize("wide", [False, True])
def test_the_samples_of_a_track_that_goes_become_zeros(wide: bool) -> None:
    more = {"runs": ((1, 2), (3, 1)), "sizes": (3, 4, 5, 6, 7), "wide": wide}
    start = film(tracks=track() + places(0, 0, 0, **more)).index(SAMPLES)  # type: ignore[arg-type]  # a table of fields
    gone = places(start + 10, start + 50, start + 90, **more)  # type: ignore[arg-type]  # a table of fields
    result, _ = stripped(film(tracks=track() + gone))
    wanted = bytearray(SAMPLES)
    for first, size in ((10, 7), (50, 11), (90, 7)):
        wanted[first : first + size] = bytes(size)
    assert result[start : start + len(SAMPLES)] == wanted


@pytest.mark.parametrize(
    "gone",
    [
        places(10**6, runs=((1, 1),), sizes=(5,)),
        places(0, runs=((1, 3),), sizes=(), same=2**31),
        places(*[300] * 50, runs=((1, 1),), sizes=(100,) * 50),
        places(2**40, runs=((1, 1),), sizes=(5,), wide=True),
        box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", b"\0\0\0\0\xff\xff\xff\xff"))))),
        box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", bytes(4), b"\0\0\0\x09", bytes(8)))))),
        box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsz", bytes(4)))))),
    ],
)
def test_tables_that_lie_are_refused(gone: bytes) -> None:
    with pytest.raises(NotAVideo):
        stripped(film(tracks=track() + gone))


@pytest.mark.parametrize("said", [0xFFFFFFFF, 0])
def test_a_length_may_be_unknown(said: int) -> None:
    head = box(b"mvhd", bytes(12), struct.pack(">II", 600, said), bytes(80))
    assert stripped(film(head=head))[1] == 0.0


SOUND = film()
MOOV = SOUND.index(b"moov") - 4
BOMB = b"".join(struct.pack(">I4s", (2000 - n) * 8, b"trak") for n in range(2000))


def resized(content: bytes, kind: bytes, size: int) -> bytes:
    at = content.index(kind) - 4
    return content[:at] + struct.pack(">I", size) + content[at + 4 :]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\x08ftyp",
        b"<html>",
        SOUND[MOOV:],
        *(resized(SOUND, kind, size) for kind in (b"moov", b"mdat", b"mvhd") for size in (0, 1, 2, 7, 1 << 31)),
        SOUND[: len(SOUND) - 1],
        film(head=box(b"mvhd", bytes(20))),
        film(head=box(b"mvhd", bytes(12))),
        film(head=box(b"mvhd", bytes(100))),
        film(head=box(b"mvhd")),
        film(tracks=track(b"meta")),
        film(tracks=box(b"trak")),
        film(tracks=BOMB),
        film(tracks=box(b"trak", box(b"mdia", box(b"hdlr", bytes(4))))),
        box(b"ftyp", b"isom") + box(b"mdat", SAMPLES),
        box(b"ftyp", b"isom") + box(b"moov", box(b"cmov", bytes(40))),
        film(after=box(b"free") * 60_000),
    ],
)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(NotAVideo):
        stripped(content)


def test_the_person_hears_it_in_words(tmp_path: Path) -> None:
    source, into = tmp_path / "source", tmp_path / "into"
    source.write_bytes(SOUND)
    assert clean(source, into, "video/mp4", most=1) == 5.0
    assert SECRET not in into.read_bytes()
    into.write_bytes(SOUND[:50])
    with pytest.raises(NotAPicture, match="no MP4 or MOV, or damaged: a part of it has an impossible size"):
        clean(into, source, "video/quicktime", most=1 << 20)


@given(st.data())
def test_nothing_breaks_it(data: st.DataObject) -> None:
    content = bytearray(film(box(b"udta", SECRET)))
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
    ):
        content[place] = byte
    try:
        result, _ = stripped(bytes(content))
    except NotAVideo:
        return
    assert len(result) == len(content)
