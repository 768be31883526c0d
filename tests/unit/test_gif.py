"""What is left of a GIF when its hidden data is gone."""

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridge.gif import NotAGif, strip
from bridge.pictures import NotAPicture, clean

SECRET = b"taken at home"
HEADER = b"GIF89a\x04\x00\x04\x00\x80\x00\x00" + bytes(6)
CONTROL = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
PICTURE = b"\x2c" + bytes(4) + b"\x04\x00\x04\x00\x00\x02\x04\x84\x8f\x09\x05\x00"
LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


def blocks(*contents: bytes) -> bytes:
    return b"".join(bytes([len(content)]) + content for content in contents) + b"\0"


def made(*more: bytes, after: bytes = b"") -> bytes:
    return HEADER + b"".join(more) + CONTROL + PICTURE + b"\x3b" + after


def stripped(content: bytes) -> bytes:
    into = io.BytesIO()
    strip(io.BytesIO(content), into)
    return into.getvalue()


@pytest.mark.parametrize(
    "hidden",
    [
        b"\x21\xfe" + blocks(SECRET, bytes(255), SECRET),
        b"\x21\xff" + blocks(b"XMP DataXMP", SECRET),
        b"\x21\xff" + blocks(b"NETSCAPE2.1", SECRET),
        b"\x21\xff" + blocks(),
        b"\x21\x01" + blocks(bytes(12), SECRET),
        b"\x21\x77" + blocks(SECRET),
    ],
)
def test_comments_programs_and_texts_go(hidden: bytes) -> None:
    assert stripped(made(hidden, LOOP)) == made(LOOP)


def test_how_often_it_runs_stays_and_nothing_beside_it() -> None:
    assert stripped(made(b"\x21\xff\x0bANIMEXTS1.0" + blocks(b"\x01\x05\x00", SECRET))) == made(
        b"\x21\xff\x0bANIMEXTS1.0\x03\x01\x05\x00\x00"
    )


def test_what_follows_the_end_is_left_behind() -> None:
    assert stripped(made(after=b"PK\x03\x04" + SECRET)) == made()


def test_all_pictures_stay_as_they_are(tmp_path: Path) -> None:
    whole = io.BytesIO()
    frames = [Image.effect_noise((40, 40), 10 * n + 1).convert("P") for n in range(4)]
    frames[0].save(whole, "GIF", save_all=True, append_images=frames[1:], loop=0, duration=70, comment=SECRET)
    assert SECRET in whole.getvalue()
    (tmp_path / "source").write_bytes(whole.getvalue())
    clean(tmp_path / "source", tmp_path / "into", "image/gif", most=1 << 20)
    result = (tmp_path / "into").read_bytes()
    assert SECRET not in result
    with Image.open(io.BytesIO(result)) as shown, Image.open(io.BytesIO(whole.getvalue())) as before:
        assert (shown.n_frames, shown.info["loop"], shown.info["duration"]) == (4, 0, 70)  # type: ignore[attr-defined]  # of GIFs
        for number in range(4):
            shown.seek(number)
            before.seek(number)
            assert shown.convert("RGB").tobytes() == before.convert("RGB").tobytes()


def cut(content: bytes) -> Iterable[bytes]:
    return (content[:size] for size in range(len(content)))


@pytest.mark.parametrize(
    "content",
    [
        *cut(made(b"\x21\xfe" + blocks(SECRET), LOOP)),
        HEADER + b"\x3b",
        HEADER + b"\x00" + PICTURE + b"\x3b",
        b"GIF88a" + made()[6:],
        HEADER + b"\x21\xf9" + blocks(SECRET) + PICTURE + b"\x3b",
        HEADER + b"\x21\xf9\x04\x00\x00\x00\x00\x01a\x00" + PICTURE + b"\x3b",
    ],
)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(NotAGif):
        stripped(content)


def test_the_person_hears_it_in_words(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(made()[:-1])
    with pytest.raises(NotAPicture, match="no GIF, or damaged: it is cut off"):
        clean(tmp_path / "source", tmp_path / "into", "image/gif", most=1 << 20)


@given(st.binary(max_size=300))
def test_nothing_breaks_it(content: bytes) -> None:
    for start in (b"", HEADER, HEADER + CONTROL + PICTURE):
        try:
            again = stripped(start + content)
        except NotAGif:
            continue
        assert stripped(again) == again
