"""What is left of a colour profile when its texts are gone."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from bridge.colours import bare

SECRET = b"scanned at home"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_tag(profile: bytes, name: bytes, content: bytes) -> bytes:
    (count,) = struct.unpack_from(">I", profile, 128)
    table = bytearray()
    for place in range(count):
        tag, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * place)
        table += struct.pack(">4sII", tag, start + 12, size)
    table += struct.pack(">4sII", name, len(profile) + 12, len(content))
    made = profile[:128] + struct.pack(">I", count + 1) + table + profile[132 + 12 * count :] + content
    return struct.pack(">I", len(made)) + made[4:]


@pytest.mark.parametrize("name", [b"desc", b"cprt", b"dmnd", b"meta", b"zzzz"])
def test_texts_go(name: bytes) -> None:
    profile = with_tag(SRGB, name, SECRET)
    result = bare(profile)
    assert result is not None
    assert SECRET not in result
    assert b"sRGB" not in result
    assert result == bare(SRGB)
    assert bare(result) == result


def test_the_colours_stay() -> None:
    kept = bare(SRGB)
    assert kept is not None
    picture = Image.effect_noise((20, 20), 80).convert("RGB")
    ways = [
        ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(io.BytesIO(one)), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
        for one in (SRGB, kept)
    ]
    assert ways[0] is not None
    assert ways[1] is not None
    assert ways[0].tobytes() == ways[1].tobytes()


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"a profile",
        SRGB[:131],
        SRGB[:40] + SRGB[200:],
        SRGB[:128] + b"\xff\xff\xff\xff" + SRGB[132:],
        SRGB[:36] + b"nope" + SRGB[40:],
        SRGB + bytes(2 << 20),
        SRGB[:128] + bytes(4),
    ],
)
def test_what_is_damaged_goes(profile: bytes) -> None:
    assert bare(profile) is None


@given(st.lists(st.tuples(st.integers(0, len(SRGB) - 1), st.integers(0, 255)), max_size=8))
def test_nothing_breaks_it(changes: list[tuple[int, int]]) -> None:
    profile = bytearray(SRGB)
    for place, byte in changes:
        profile[place] = byte
    result = bare(bytes(profile))
    assert result is None or len(result) <= 1 << 20
