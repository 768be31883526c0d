"""Which pictures a command is about, and what they show in words: ``alt:`` at the beginning of a line of the caption.

It knows captions, and no file.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.bot.asked import Asked
from bridge.errors import UsageError
from bridge.model import Medium, Unreadable
from bridge.text import first_words

_ALT = re.compile(r"(?:^|\r?\n)[ \t]{0,8}alt:[ \t]*", re.IGNORECASE)
_MOST = 20


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
    return text, tuple(_with_alt(one, alt.strip()) for one, alt in zip(media, alts, strict=True))


def _with_alt(medium: Medium, alt: str) -> Medium:
    """An upload has its alt text for good: with another one it is uploaded anew."""
    try:
        alt.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("Not posted: the alt text holds a broken character. Please write it anew.") from None
    return medium if alt == medium.alt else replace(medium, alt=alt, remote_id="", uploaded_at=0.0)


def lines(media: Sequence[Medium]) -> list[str]:
    """For a preview: a line for each picture and one for each line of its alt text."""
    said: list[str] = []
    for place, one in enumerate(media, 1):
        number = f" {place}" if len(media) > 1 else ""
        size = f", {_size(one.size)}" if one.size else ""
        said.append(f"Picture{number}: {first_words(one.name) or 'without a name'} ({one.mime}{size})")
        if one.alt:
            said += ["Its alt text:", *(f"│ {line}" for line in one.alt.splitlines())]
        else:
            said.append("It has no alt text. To give one, end the caption with a line: alt: WHAT IT SHOWS")
    return said


def _size(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB" if size >= 1 << 20 else f"{max(size >> 10, 1)} kB"
