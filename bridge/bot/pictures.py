"""Which pictures a command is about, and what they show in words: ``alt:`` at the beginning of a line of the caption,
or elsewhere in it, once its author said so.

It knows captions, and no file.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge import alttext
from bridge.bot.asked import Asked, Command, House, Need
from bridge.bot.parse import Bare, Spoken, read
from bridge.errors import UsageError
from bridge.model import Draft, Medium, Message, Unreadable
from bridge.telltale import first_words
from bridge.text import clean, is_nothing

_MOST = 20
_NUMBERED = re.compile(r"\s*([0-9]{1,2})(?:[.:)]?\s|\Z)")


def illustrated(asked: Asked, command: Command, house: House) -> Asked:
    """The command with its pictures, in order: the sender's own one that it replies to, those that they sent right
    after that, and those that it is the caption of; without the alt texts in its text. As it is where there is none.
    Raises UsageError.
    """
    if not command.pictures:
        if asked.message.media and command.publishes:
            raise UsageError(f"Not posted: {house.prefix}{command.name} takes no picture. Send it without one.")
        return asked
    answered, media, after = asked.facts.picture, asked.message.media, tuple[Medium, ...]()
    if answered is not None and answered.sender == asked.sender and answered.room == asked.room:
        if isinstance(answered, Unreadable):
            raise UsageError(
                "Not posted: I cannot read what you reply to, and it may be a picture. Please send the picture again, "
                "with the command as its caption."
            )
        after = _right_after(asked, answered, house)
        media = _captioned(answered) + after + media
    if not media:
        if (
            isinstance(answered, Message)
            and answered.media
            and (Need.SERIES in command.needs or is_nothing(asked.text))
        ):
            raise UsageError(
                "Not posted: the picture that you reply to is not yours, so it cannot come with it. Send it here"
                " yourself first, or say it without replying to that."
            )
        return asked
    text, media = described(asked.text, media, keep=True)
    return replace(asked, text=text, media=media, guessed=bool(after))


def _captioned(said: Message) -> tuple[Medium, ...]:
    """The pictures of an earlier message, with the alt texts of its caption."""
    return described(said.text, said.seen)[1]


def _right_after(asked: Asked, answered: Message, house: House) -> tuple[Medium, ...]:
    """The pictures that the sender sent after ``answered`` in its room and thread, until they said anything else there.
    Raises UsageError when that cannot be told.
    """
    taken: tuple[Medium, ...] = ()
    if not answered.media or answered.thread != asked.message.thread or _is_alone(answered):
        return taken
    for said in asked.facts.series:
        if isinstance(said, Unreadable):
            raise UsageError(
                "Not posted: you sent something after the picture that you reply to which I cannot read, and it may "
                "belong to it. Please send the pictures again, or the command as the caption of one."
            )
        if said.thread != answered.thread:
            continue
        if not said.seen or not all(_is_taken(one, house) for one in said.seen) or _is_command(said, house):
            break
        if _is_alone(said):
            break
        taken += _captioned(said)
    return taken


def _is_taken(medium: Medium, house: House) -> bool:
    return any(publisher.largest(medium.mime) for publisher in house.publishers.values())


def _is_alone(said: Message) -> bool:
    """Whether it is a video, or moves: X takes one of those, and nothing beside it."""
    return any(one.mime.startswith("video/") or one.mime == "image/gif" for one in said.seen)


def _is_command(said: Message, house: House) -> bool:
    return isinstance(read(said.text, prefix=house.prefix, direct=said.direct, verbs=house.verbs), Spoken | Bare)


def hint(asked: Asked) -> str:
    """What to add to a refusal of a command whose pictures were taken by their place."""
    if not asked.guessed:
        return ""
    return f" It would have gone out with {in_order(asked.media)}. To post the last one alone, reply to that."


def in_order(media: Sequence[Medium]) -> str:
    """``3 pictures, in this order: 1 a.jpg, 2 b.jpg, 3 c.jpg``."""
    names = [f"{place} {first_words(one.name, 40) or 'without a name'}" for place, one in enumerate(media, 1)]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{len(names)} pictures, in this order: {', '.join(names[:_MOST])}{more}"


def swapped(kept: Sequence[Medium], new: Sequence[Medium], message_id: str) -> tuple[Medium, ...]:
    """The pictures ``kept`` after an edit gave the message ``new`` files: those come in the place of its old ones; at
    the end, where it had none.
    """
    if not new:
        return tuple(kept)
    place = next((place for place, one in enumerate(kept) if one.message_id == message_id), len(kept))
    rest = [one for one in kept[place:] if one.message_id != message_id]
    return (*kept[:place], *renewed(kept, new), *rest)


def renewed(kept: Sequence[Medium], new: Sequence[Medium]) -> tuple[Medium, ...]:
    """The pictures ``new``; one that is among ``kept`` keeps its upload, and its alt text where it has no new one."""
    known = {one.source: one for one in kept}
    return tuple(with_alt(known.get(one.source, one), one.alt or known.get(one.source, one).alt) for one in new)


def described(text: str, media: Sequence[Medium], *, keep: bool = False) -> tuple[str, tuple[Medium, ...]]:
    """The text without its alt texts, and the pictures with them, in order. ``keep``: pictures for which the text holds
    none keep theirs. Raises UsageError.
    """
    if not media:
        return text, ()
    text, *alts = alttext.LINE.split(text, maxsplit=_MOST)
    if len(alts) > len(media):
        raise UsageError(f"Not posted: {_too_many(alts, media)}")
    alts += [one.alt if keep else "" for one in media[len(alts) :]]
    return text, tuple(with_alt(one, alt) for one, alt in zip(media, alts, strict=True))


def _too_many(alts: Sequence[str], media: Sequence[Medium]) -> str:
    count = "one picture" if len(media) == 1 else f"{len(media)} pictures"
    return f"there are {len(alts)} alt texts for {count}."


def taken_out(drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """The drafts of one post with what follows each ``alt:`` in their texts as the alt texts of its pictures, in order,
    and no more in the texts; empty, where there is none. Raises UsageError.
    """
    texts, alts, media = list[str](), list[str](), [one for draft in drafts for one in draft.media]
    for draft in drafts:
        text, found = alttext.split(draft.text)
        texts.append(text)
        alts += found
    if not alts:
        return ()
    if len(alts) > len(media):
        raise UsageError(f"Nothing was changed: {_too_many(alts, media)}")
    said = iter(alts)
    return tuple(
        replace(draft, text=text, media=tuple(with_alt(one, next(said, one.alt)) for one in draft.media))
        for draft, text in zip(drafts, texts, strict=True)
    )


def with_alt(medium: Medium, alt: str) -> Medium:
    """The picture with that alt text. An upload has its own for good: with another one it is uploaded anew. Raises
    UsageError for what is no text.
    """
    try:
        alt = clean(alt)
    except UsageError as error:
        raise UsageError(f"The alt text cannot be used, so nothing was done. {error}") from error
    return medium if alt == medium.alt else replace(medium, alt=alt, remote_id="", uploaded_at=0.0)


def which(text: str, media: Sequence[Medium], answered: str | None, command: str) -> tuple[int, str]:
    """The place (from 1) of the picture among ``media`` that an alt text is for, and the alt text. ``answered``: the
    message that is replied to, if that is a picture's own; ``command``: what was typed before. Raises UsageError.
    """
    own = [place for place, one in enumerate(media, 1) if answered is not None and one.message_id == answered]
    count, numbered = len(media), _NUMBERED.match(text)
    if count == 1 or len(own) == 1:
        place, said = (own or [1])[0], text.strip()
    else:
        place, said = (0, "") if numbered is None else (int(numbered[1]), text[numbered.end() :].strip())
    said = alttext.LINE.sub("", said, count=1).strip() if alttext.LINE.match(said) else said  # as a caption has it
    if not 1 <= place <= count:
        raise UsageError(f"It has {count} pictures. Say which one: {command} 1 WHAT IT SHOWS")
    if not said:
        raise UsageError(f"What does it show? {command}{f' {place}' if count > 1 else ''} WHAT IT SHOWS")
    return place, said


def named(medium: Medium, place: int, count: int) -> str:
    """For a preview: which of ``count`` pictures it is, and what its sender says of it."""
    number = f" {place}" if count > 1 else ""
    size = f", {_size(medium.size)}" if medium.size else ""
    scaled = ", scaled down" if medium.scaled else ""
    kind = "Video" if medium.mime.startswith("video/") else "Picture"
    return f"{kind}{number}: {first_words(medium.name) or 'without a name'} ({medium.mime}{size}{scaled})"


def _size(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB" if size >= 1 << 20 else f"{max(size >> 10, 1)} kB"
