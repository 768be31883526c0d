"""What is left of a picture when its metadata is gone."""

import contextlib
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from bridge import pictures
from bridge.colours import bare
from bridge.pictures import NotAPicture, TooLarge, clean, really

SECRET = b"at home, 52.1 N"


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    made.get_ifd(0x8825)[1] = "N"  # GPS
    return made


def cleaned(folder: Path, content: bytes, mime: str, most: int = 5 << 20, *, scaled: bool = False) -> bytes:
    source, into = folder / "source", folder / "into"
    source.write_bytes(content)
    clean(source, into, mime, most=most, scaled=scaled)
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
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(made, "PNG", icc_profile=profile)
    with Image.open(io.BytesIO(cleaned(tmp_path, made.getvalue(), "image/png"))) as shown:
        assert (shown.mode, shown.getpixel((1, 1))) == ("RGBA", (10, 20, 30, 40))
        assert shown.info.get("icc_profile") == bare(profile)


def test_what_is_no_profile_goes(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.new("RGB", (4, 4)).save(made, "JPEG", icc_profile=SECRET)
    result = cleaned(tmp_path, made.getvalue(), "image/jpeg")
    assert SECRET not in result
    assert b"ICC_PROFILE" not in result


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


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_travels_behind_a_picture(tmp_path: Path, form: str) -> None:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, form)
    hidden = b"PK\x03\x04" + SECRET + b"<script>" + SECRET
    assert SECRET not in cleaned(tmp_path, made.getvalue() + hidden, f"image/{form.lower()}")


def test_of_a_jpeg_with_a_second_picture_the_first_is_taken(tmp_path: Path) -> None:
    made = io.BytesIO()
    first, second = Image.new("RGB", (8, 8), "teal"), Image.new("RGB", (4, 4), "red")
    first.save(made, "MPO", save_all=True, append_images=[second])
    with Image.open(io.BytesIO(cleaned(tmp_path, made.getvalue(), "image/jpeg"))) as shown:
        assert (shown.format, shown.size, getattr(shown, "n_frames", 1)) == ("JPEG", (8, 8), 1)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_moves_is_not_posted_as_if_it_stood_still(tmp_path: Path, form: str) -> None:
    made = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("teal", "red")]
    frames[0].save(made, form, save_all=True, append_images=frames[1:])
    with pytest.raises(NotAPicture, match="animated"):
        cleaned(tmp_path, made.getvalue(), f"image/{form.lower()}")


@pytest.mark.parametrize("orientation", range(10))
def test_each_orientation_is_turned_as_pillow_does(tmp_path: Path, orientation: int) -> None:
    made = io.BytesIO()
    picture = Image.effect_noise((30, 20), 90)
    picture.save(made, "PNG", exif=exif(orientation))
    with Image.open(io.BytesIO(made.getvalue())) as before:
        wanted = ImageOps.exif_transpose(before)
    with Image.open(io.BytesIO(cleaned(tmp_path, made.getvalue(), "image/png"))) as shown:
        assert (shown.size, shown.tobytes()) == (wanted.size, wanted.tobytes())


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow about what it passes over
@given(st.data())
def test_a_damaged_file_is_refused_and_nothing_breaks(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))
    made = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((16, 12)).convert("RGB")
    gradient.save(made, form, exif=exif(6), xmp=b"<x/>")
    content = bytearray(made.getvalue())
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, byte in data.draw(st.lists(places, min_size=1, max_size=8)):
        content[place] = byte
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(NotAPicture, TooLarge):
        cleaned(Path(folder), bytes(content), f"image/{form.lower()}", scaled=data.draw(st.booleans()))


# ---------------------------------------------------------------- scaled down


def noise(form: str, mode: str = "RGB", side: int = 400) -> bytes:
    """A picture that does not get small by itself."""
    made = io.BytesIO()
    grey = Image.effect_noise((side, side // 2), 90)
    picture = (
        grey
        if mode == "L"
        else Image.merge("RGB", (grey, grey.rotate(180), grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).convert(mode)
    )
    picture.save(made, form, **({"quality": 95} if form != "PNG" else {}))
    return made.getvalue()


@pytest.mark.parametrize(
    ("form", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")],
)
def test_a_large_picture_is_scaled_only_on_a_word(tmp_path: Path, form: str, mode: str) -> None:
    content = noise(form, mode)
    most = len(content) // 3
    with pytest.raises(TooLarge) as refused:
        cleaned(tmp_path, content, f"image/{form.lower()}", most)
    assert refused.value.size == len(content)
    result = cleaned(tmp_path, content, f"image/{form.lower()}", most, scaled=True)
    assert most // 4 < len(result) <= most
    with Image.open(io.BytesIO(result)) as shown:
        shown.load()
        assert shown.format == form
        assert shown.width <= 400
        assert abs(shown.width / shown.height - 2) < 0.05


def test_sixteen_bits_and_one_bit_can_be_scaled(tmp_path: Path) -> None:
    for mode in ("I;16", "1"):
        made = io.BytesIO()
        grey = Image.effect_noise((300, 300), 90)
        deep = Image.frombytes("I;16", (300, 300), grey.tobytes() + grey.rotate(90).tobytes())
        (deep if mode == "I;16" else grey.convert("1")).save(made, "PNG")
        most = len(made.getvalue()) // 2
        result = cleaned(tmp_path, made.getvalue(), "image/png", most, scaled=True)
        assert len(result) <= most


def test_nobody_is_asked_for_what_our_own_writing_added(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.open(io.BytesIO(noise("JPEG"))).save(made, "JPEG", quality=60)
    most = len(made.getvalue()) + 10_000
    result = cleaned(tmp_path, made.getvalue(), "image/jpeg", most)
    assert len(result) <= most
    with Image.open(io.BytesIO(result)) as shown:
        assert shown.size == (400, 200)


def test_it_gives_up_when_nobody_wants_it(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(noise("PNG"))
    with pytest.raises(NotAPicture, match="nobody"):
        clean(tmp_path / "source", tmp_path / "into", "image/png", most=1000, scaled=True, unwanted=lambda: True)


def test_what_cannot_get_small_enough_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAPicture, match="small enough"):
        cleaned(tmp_path, noise("PNG"), "image/png", 100, scaled=True)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_still_picture_tells_its_type(tmp_path: Path, form: str) -> None:
    file, is_still = tmp_path / "file", form != "GIF"
    Image.new("RGB", (8, 8), "teal").save(file, form)
    for said in ("image/jpeg", "image/png", "image/webp", "image/gif"):
        assert really(file, said) == (f"image/{form.lower()}" if is_still else said)
    assert really(file, "video/mp4") == "video/mp4"
    file.write_bytes(b"RIFF")
    assert really(file, "image/png") == "image/png"
