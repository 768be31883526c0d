"""Makes a picture or video fit to be published: without what nobody meant to publish (where and when and with what it
was made), and, where its sender wants that, scaled down. Pure but for files. It knows no network.

JPEG, PNG and WebP are written anew from their pixels, turned as their orientation says; of colour profiles the colours
stay. GIFs and videos keep their pixels as they are; see ``gif`` and ``video``.
"""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from bridge import gif, video
from bridge.colours import bare

MOST_PIXELS = 100_000_000
"""A picture of more would fill the memory when it is opened, however small its file is."""
_MOST_WEBP = 40_000_000
"""To write one takes so long that a stop would have to wait for it."""
LARGEST_SCALED = 50 << 20
"""Bytes of a picture that can be scaled down."""
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_STILL = {
    "image/jpeg": (b"\xff\xd8\xff", b""),
    "image/png": (b"\x89PNG\r\n\x1a\n", b""),
    "image/webp": (b"RIFF", b"WEBP"),
}
"""How such files begin, and what stands in them from the ninth byte on."""
_VIDEOS = ("video/mp4", "video/quicktime")
_DAMAGED = (
    SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error,
    Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's readers raise for bytes that make no sense."""
_KEPT = ("icc_profile", "transparency", "gamma")
_QUALITIES = (92, 85, 75)
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the orientation in the EXIF data (Exif 2.32, section 4.6.4)."""
_SMALLEST = 32
"""Pixels. A picture that has to be smaller than that cannot be helped."""


class NotAPicture(ValueError):
    """The file is not what it was said to be, is damaged, or is too large to be opened. ``str()`` of it is a phrase."""


class TooLarge(ValueError):
    """The picture is larger than it may be, and nobody said that it may be scaled. ``size``: of what was sent."""

    def __init__(self, size: int) -> None:
        super().__init__(f"it has {size} bytes")
        self.size = size


def is_scalable(mime: str) -> bool:
    """Whether a file of that type can be scaled down."""
    return _FORMATS.get(mime, "GIF") != "GIF"


def really(source: Path, mime: str) -> str:
    """The type of the file ``source``, which is said to be ``mime``: clients take one still picture for another."""
    if mime not in _FORMATS:
        return mime
    with source.open("rb") as file:
        head = file.read(12)
    found = (name for name, (first, ninth) in _STILL.items() if head.startswith(first) and head[8:].startswith(ninth))
    return next(found, mime)


def dimensions(file: Path, mime: str) -> tuple[int, int]:
    """Width and height in pixels of a clean picture; (0, 0) of a video."""
    if mime not in _FORMATS:
        return 0, 0
    with Image.open(file, formats=(_FORMATS[mime],)) as picture:
        return picture.size


def clean(
    source: Path, into: Path, mime: str, *, most: int, scaled: bool = False, unwanted: Callable[[], bool] = bool
) -> float:
    """Write the file ``source``, said to be of the type ``mime``, without its metadata into the file ``into``, in
    ``most`` bytes or less; give a video's seconds, 0 where they are not known. ``source`` may be gone afterwards.
    ``scaled``: it may be scaled down for that.

    Takes up to seconds of computing: call it in a thread. It gives up when ``unwanted`` says so. Raises NotAPicture,
    TooLarge, or the OSError of a disk.
    """
    try:
        if mime in _VIDEOS:
            return _video(source, into)
        if mime == "image/gif":
            _gif(source, into)
        else:
            _picture(source, into, _FORMATS.get(mime, ""), most, scaled=scaled, unwanted=unwanted)
    except UnidentifiedImageError as error:
        raise NotAPicture(f"it is no {_FORMATS[mime]}, or damaged") from error
    except (NotAPicture, TooLarge):
        raise
    except (OSError, *_DAMAGED) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk: Pillow's own have none
            raise
        raise NotAPicture("it is damaged") from error
    return 0.0


def _video(source: Path, into: Path) -> float:
    source.replace(into)
    with into.open("r+b") as file:
        try:
            return video.strip(file)
        except video.NotAVideo as error:
            raise NotAPicture(f"it is no MP4 or MOV, or damaged: {error}") from error


def _gif(source: Path, into: Path) -> None:
    with Image.open(source, formats=("GIF",)) as picture:
        _measure(picture)
    with source.open("rb") as file, into.open("wb") as out:
        try:
            gif.strip(file, out)
        except gif.NotAGif as error:
            raise NotAPicture(f"it is no GIF, or damaged: {error}") from error


def _measure(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise NotAPicture("it has too many pixels")


# ---------------------------------------------------------------- pictures


def _picture(source: Path, into: Path, form: str, most: int, *, scaled: bool, unwanted: Callable[[], bool]) -> None:
    if not form:
        raise NotAPicture("it is no JPEG, PNG, WebP, GIF, MP4 or MOV")
    size = source.stat().st_size
    with Image.open(source, formats=(form,)) as picture:
        _measure(picture)
        if form == "WEBP" and picture.width * picture.height > _MOST_WEBP:
            raise NotAPicture("it has too many pixels for a WebP; a JPEG may have more")
        if form != "JPEG" and getattr(picture, "n_frames", 1) > 1:  # a second picture in a JPEG is about depth or light
            raise NotAPicture("it is animated; that works with a GIF only")
        if size > most and not scaled:
            raise TooLarge(size)
        _fit(picture, into, form, most, size, scaled=scaled, unwanted=unwanted)


def _fit(
    picture: Image.Image, into: Path, form: str, most: int, size: int, *, scaled: bool, unwanted: Callable[[], bool]
) -> None:
    """Write it, in less and less of its detail, until it has no more than ``most`` bytes. Without ``scaled``, it keeps
    its dimensions.
    """
    picture = _upright(picture)
    # Pillow writes some of what it read by itself; of that, only what changes the look is left.
    picture.info = {name: value for name, value in picture.info.items() if name in _KEPT}
    profile = picture.info.pop("icc_profile", None)
    profile = bare(profile) if isinstance(profile, bytes) else None
    for smaller, quality in _attempts(picture, form, into, most, size, scaled=scaled):
        if unwanted():
            raise NotAPicture("nobody wants it any more")
        if form == "PNG":
            smaller.save(into, form, icc_profile=profile, compress_level=6 if quality == _QUALITIES[0] else 9)
        elif form == "WEBP":
            smaller.save(into, form, icc_profile=profile, quality=quality + 3, method=2)
        else:
            smaller.save(into, form, icc_profile=profile, quality=quality, subsampling=_subsampling(smaller, quality))
        if into.stat().st_size <= most:
            return
    if scaled:
        raise NotAPicture("it cannot be made small enough")
    raise TooLarge(max(size, into.stat().st_size))


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its orientation says. Pillow's own way writes the whole of the EXIF data anew, which a damaged one
    does not survive.
    """
    orientation = picture.getexif().get(_ORIENTATION)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _subsampling(picture: Image.Image, quality: int) -> int:
    return 0 if picture.mode == "RGB" and quality == _QUALITIES[0] else -1


def _attempts(
    picture: Image.Image, form: str, into: Path, most: int, size: int, *, scaled: bool
) -> Iterator[tuple[Image.Image, int]]:
    """The picture and a quality to write it with; each time less. ``size``: of what was sent. What came of the last
    attempt stands in ``into``.
    """
    qualities = _QUALITIES[:2] if form == "PNG" else _QUALITIES
    if not scaled or size <= 2 * most:
        for quality in qualities:
            yield picture, quality
        size = into.stat().st_size
    picture = _resizable(picture) if scaled else picture
    width, height = picture.size
    share = 1.0
    while scaled:
        share *= min(max((most / size) ** 0.5 * 0.97, 0.3), 0.9)
        smaller = max(round(width * share), 1), max(round(height * share), 1)
        if max(smaller) < _SMALLEST:
            return
        yield picture.resize(smaller, Image.Resampling.LANCZOS), qualities[1]
        size = into.stat().st_size


def _resizable(picture: Image.Image) -> Image.Image:
    """In a mode whose pixels can be mixed."""
    if picture.mode in ("RGB", "RGBA", "L", "LA", "CMYK"):
        return picture
    if picture.mode.startswith("I"):  # 16 bits a pixel
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    alpha = picture.mode in ("PA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if alpha else "RGB")
