"""Which pictures a command is about, and what they show in words: ``alt:`` at the beginning of a line of the caption.

It knows captions, and no file.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.bot.asked import Asked
from bridge.errors import UsageError
from bridge.model import Medium, Message, Unreadable
from bridge.text import clean, first_words, is_nothing

_ALT = re.compile(r"(?:^|\r?\n)[ \t]{0,8}alt:[ \t]*", re.IGNORECASE)
_MOST = 20
_NUMBERED = re.compile(r"\s*([0-9]{1,2})(?:[.:)]?\s|\Z)")


def illustrated(asked: Asked) -> Asked:
    """The command with the picture that it is the caption of, and before that the sender's own one that it replies
    to; without the alt texts in its text. As it is where there is no picture. Raises UsageError.
    """
    answered = asked.facts.picture
    media = asked.message.media
    if answered is not None and answered.sender == asked.sender and answered.room == asked.room:
        if isinstance(answered, Unreadable):
            raise UsageError(
                "Not posted: I cannot read what you reply to, and it may be a picture. Please send the picture again, "
                "with the command as its caption."
            )
        media = answered.media + media
    if not media:
        if isinstance(answered, Message) and answered.media and is_nothing(asked.text):
            raise UsageError("Not posted: the picture that you reply to is not yours. Send it here yourself first.")
        return asked
    text, media = described(asked.text, media)
    return replace(asked, text=text, media=media)


def described(text: str, media: Sequence[Medium], *, keep: bool = False) -> tuple[str, tuple[Medium, ...]]:
    """The text without its alt texts, and the pictures with them, in order. ``keep``: where the text holds none, the
    pictures keep what they have. Raises UsageError.
    """
    if not media:
        return text, ()
    text, *alts = _ALT.split(text, maxsplit=_MOST)
    if keep and not alts:
        return text, tuple(media)
    if len(alts) > len(media):
        count = "one picture" if len(media) == 1 else f"{len(media)} pictures"
        raise UsageError(f"Not posted: there are {len(alts)} alt texts for {count}.")
    alts += [""] * (len(media) - len(alts))
    return text, tuple(with_alt(one, alt) for one, alt in zip(media, alts, strict=True))


def with_alt(medium: Medium, alt: str) -> Medium:
    """The picture with that alt text. An upload has its own for good: with another one it is uploaded anew. Raises
    UsageError for what is no text.
    """
    try:
        alt = clean(alt)
    except UsageError as error:
        raise UsageError(f"The alt text cannot be used, so nothing was done. {error}") from error
    return medium if alt == medium.alt else replace(medium, alt=alt, remote_id="", uploaded_at=0.0)


def which(text: str, count: int, command: str) -> tuple[int, str]:
    """The place (from 1) of the picture that an alt text is for, of ``count`` pictures, and the alt text. ``command``:
    what was typed before. Raises UsageError.
    """
    numbered = _NUMBERED.match(text)
    place = 1 if count == 1 else int(numbered[1]) if numbered is not None else 0
    said = (text if count == 1 or numbered is None else text[numbered.end() :]).strip()
    if not 1 <= place <= count:
        raise UsageError(f"It has {count} pictures. Say which one: {command} 1 WHAT IT SHOWS")
    if not said:
        raise UsageError(f"What does it show? {command}{f' {place}' if count > 1 else ''} WHAT IT SHOWS")
    return place, said


def named(medium: Medium, place: int, count: int) -> str:
    """For a preview: which of ``count`` pictures it is, and what its sender says of it."""
    number = f" {place}" if count > 1 else ""
    size = f", {_size(medium.size)}" if medium.size else ""
    return f"Picture{number}: {first_words(medium.name) or 'without a name'} ({medium.mime}{size})"


def _size(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB" if size >= 1 << 20 else f"{max(size >> 10, 1)} kB"
