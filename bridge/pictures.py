"""Takes out of a picture what nobody meant to publish: where and when and with what it was made. Pure but for files.

JPEG, PNG and WebP are written anew from their pixels, turned as their orientation says; colour profiles stay. A GIF
goes through as it is: it has no place for such data but comments. It knows no network.
"""

import shutil
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 100_000_000
"""A picture of more would fill the memory when it is opened, however small its file is."""
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_KEPT = ("icc_profile", "transparency", "gamma")


class NotAPicture(ValueError):
    """The file is not what it was said to be, is damaged, or is too large to be opened. ``str()`` of it is a phrase."""


def clean(source: Path, into: Path, mime: str) -> None:
    """Write the picture ``source``, said to be of the type ``mime``, without its metadata into the file ``into``.

    Takes up to seconds of computing: call it in a thread. Raises NotAPicture.
    """
    wanted = _FORMATS.get(mime)
    if wanted is None:
        raise NotAPicture("it is no JPEG, PNG, WebP or GIF")
    try:
        with Image.open(source, formats=(wanted,)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise NotAPicture("it has too many pixels")
            if wanted == "GIF":
                shutil.copyfile(source, into)
                return
            if wanted == "WEBP" and getattr(picture, "n_frames", 1) > 1:
                raise NotAPicture("it is animated; that works with a GIF only")
            _write(picture, into, wanted)
    except UnidentifiedImageError as error:
        raise NotAPicture(f"it is no {wanted}, or damaged") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # as Pillow's readers raise them
        if isinstance(error, NotAPicture):
            raise
        raise NotAPicture("it is damaged") from error


def _write(picture: Image.Image, into: Path, form: str) -> None:
    turned = ImageOps.exif_transpose(picture)
    # Pillow writes some of what it read by itself; of that, only what changes the look is left.
    turned.info = {name: value for name, value in turned.info.items() if name in _KEPT}
    profile = turned.info.get("icc_profile")
    if form == "PNG":
        turned.save(into, form, icc_profile=profile, optimize=False)
    elif form == "WEBP":
        turned.save(into, form, icc_profile=profile, quality=95)
    else:
        turned.save(into, form, icc_profile=profile, quality=92, subsampling=0 if turned.mode == "RGB" else -1)
