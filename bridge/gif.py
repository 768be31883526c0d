"""Takes out of a GIF what nobody sees: comments, texts, data of programs. It copies the rest as it is, block by block.

It knows the blocks of a GIF (the GIF89a specification), and nothing of pixels. What follows the trailer is left behind.
"""

from typing import IO

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0")
"""The application blocks that say how often the pictures run: the size of the name, and the name."""


class NotAGif(ValueError):
    """The file is none, or is cut off."""


def strip(source: IO[bytes], into: IO[bytes]) -> int:
    """Copy the GIF ``source`` to ``into`` without its hidden data; give how many pictures are in it. Raises NotAGif."""
    into.write(_header(source))
    pictures = 0
    while True:
        (kind,) = _read(source, 1)
        if kind == _TRAILER:
            break
        if kind == _EXTENSION:
            _extension(source, into)
        elif kind == _IMAGE:
            _image(source, into)
            pictures += 1
        else:
            raise NotAGif("a block of no known kind")
    if not pictures:
        raise NotAGif("there is no picture in it")
    into.write(bytes([_TRAILER]))
    return pictures


def _read(source: IO[bytes], count: int) -> bytes:
    found = source.read(count)
    if len(found) != count:
        raise NotAGif("it is cut off")
    return found


def _header(source: IO[bytes]) -> bytes:
    """Signature, screen, and the colours that all pictures share."""
    header = _read(source, 13)
    if header[:6] not in (b"GIF87a", b"GIF89a"):
        raise NotAGif("it does not begin as one")
    return header + _read(source, _colours(header[10]))


def _colours(flags: int) -> int:
    """How many bytes of colours follow, by the flags of a screen or a picture."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _image(source: IO[bytes], into: IO[bytes]) -> None:
    about = _read(source, 9)
    into.write(bytes([_IMAGE]) + about + _read(source, _colours(about[8]) + 1))  # and the first byte of the pixels
    _blocks(source, into)


def _extension(source: IO[bytes], into: IO[bytes]) -> None:
    (kind,) = _read(source, 1)
    if kind == _CONTROL:
        about = _read(source, 6)
        if about[0] != 4 or about[5]:
            raise NotAGif("its timing is damaged")
        into.write(bytes([_EXTENSION, kind]) + about)
        return
    if kind == _APPLICATION:
        (size,) = _read(source, 1)
        name = bytes([size]) + _read(source, size)
        if name in _LOOPS:
            into.write(bytes([_EXTENSION, kind]) + name)
            _loop(source, into)
            return
        if not size:
            return  # it is at its end already
    _blocks(source, None)


def _loop(source: IO[bytes], into: IO[bytes]) -> None:
    """Of what such a block says, the three bytes about how often; a second block may hold anything."""
    while size := _read(source, 1)[0]:
        said = _read(source, size)
        if size == 3 and said[0] == 1:
            into.write(bytes([size]) + said)
    into.write(b"\0")


def _blocks(source: IO[bytes], into: IO[bytes] | None) -> None:
    """Copy blocks of data up to the empty one, or pass them over."""
    while True:
        size = _read(source, 1)
        content = _read(source, size[0])
        if into is not None:
            into.write(size + content)
        if not content:
            return
