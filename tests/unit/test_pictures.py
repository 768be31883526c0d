"""What is left of a picture when its metadata is gone."""

import io
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from bridge import pictures
from bridge.pictures import NotAPicture, clean

SECRET = b"at home, 52.1 N"


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    made.get_ifd(0x8825)[1] = "N"  # GPS
    return made


def cleaned(folder: Path, content: bytes, mime: str) -> bytes:
    source, into = folder / "source", folder / "into"
    source.write_bytes(content)
    clean(source, into, mime)
    return into.read_bytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_gone_and_the_picture_stands_upright(tmp_path: Path, form: str) -> None:
    picture = Image.new("RGB", (40, 20), "white")
    picture.paste("black", (0, 0, 20, 20))
    made = io.BytesIO()
    more: dict[str, object] = {"comment": SECRET} if form == "JPEG" else {}
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        more = {"pnginfo": text}
    picture.save(made, form, exif=exif(6), xmp=b"<x>" + SECRET + b"</x>", **more)
    assert SECRET in made.getvalue()
    result = cleaned(tmp_path, made.getvalue(), f"image/{form.lower()}")
    assert SECRET not in result
    with Image.open(io.BytesIO(result)) as shown:
        assert (shown.format, shown.size) == (form, (20, 40))
        assert not shown.getexif()
        grey = shown.convert("L").tobytes()
    assert grey[20 * 5 + 10] < 30
    assert grey[20 * 35 + 10] > 225


def test_what_shows_stays(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (4, 4), (10, 20, 30, 40))
    made = io.BytesIO()
    picture.save(made, "PNG", icc_profile=b"a profile")
    with Image.open(io.BytesIO(cleaned(tmp_path, made.getvalue(), "image/png"))) as shown:
        assert (shown.mode, shown.getpixel((1, 1))) == ("RGBA", (10, 20, 30, 40))
        assert shown.info.get("icc_profile") == b"a profile"


def test_a_gif_goes_through_as_it_is(tmp_path: Path) -> None:
    made = io.BytesIO()
    frames = [Image.new("P", (4, 4), n) for n in range(3)]
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:])
    assert cleaned(tmp_path, made.getvalue(), "image/gif") == made.getvalue()


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (b"", "image/png"),
        (b"<svg/>", "image/png"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(10), "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"anything", "image/svg+xml"),
        (b"anything", ""),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, mime: str) -> None:
    with pytest.raises(NotAPicture):
        cleaned(tmp_path, content, mime)


def test_it_must_be_what_it_was_said_to_be(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.new("RGB", (4, 4)).save(made, "PNG")
    with pytest.raises(NotAPicture, match="no JPEG"):
        cleaned(tmp_path, made.getvalue(), "image/jpeg")


def test_cut_and_huge_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(made, "PNG")
    with pytest.raises(NotAPicture, match="damaged"):
        cleaned(tmp_path, made.getvalue()[:2000], "image/png")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(NotAPicture, match="too many pixels"):
        cleaned(tmp_path, made.getvalue(), "image/png")
