"""What one event means, decided inside the transaction of its batch.

It knows the kinds of events and where each goes. Everything that has to be said goes into the store with the change
that it tells of.
"""

from dataclasses import dataclass

from bridge.bot import (
    accepting,
    accounts,
    approving,
    asking,
    editing,
    gathering,
    holding,
    linking,
    pictures,
    posting,
    signs,
    teams,
    undoing,
)
from bridge.bot.asked import NO_FACTS, Asked, Command, Facts, House, Need, Where
from bridge.bot.parse import Bare, Pin, Reading, Spoken, Unknown, read
from bridge.bot.showing import open_to, show_help, standing_of
from bridge.bot.words import span
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import (
    Edit,
    Event,
    Gathering,
    Identity,
    Message,
    OfferState,
    Reaction,
    Redaction,
    Room,
    RoomLost,
    RoomMoved,
    Speech,
    Unreadable,
)

_GREETED = "greeted"
"""Of the notes of who was told in private what the bot is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, how its text was read, and what the network said about it."""

    event: Event
    reading: Reading | None = None
    facts: Facts = NO_FACTS


def listen(event: Event, house: House) -> Heard:
    """Read the event's text, where it has one. Pure."""
    if isinstance(event, Message | Edit | Unreadable) and event.text is not None:
        return Heard(event, read(event.text, prefix=house.prefix, direct=event.direct, verbs=house.verbs))
    return Heard(event)


def need_of(heard: Heard) -> Need:
    """What the network must be asked before the event can be decided."""
    if not isinstance(heard.event, Message):
        return Need.NOTHING
    if isinstance(heard.reading, Spoken):
        command = heard.reading.command
        if command.pictures and heard.event.reply_to is not None:
            return command.needs | Need.PICTURE
        return command.needs & ~Need.SERIES
    return Need.PRIVACY | Need.MAY_REDACT if isinstance(heard.reading, Pin) else Need.NOTHING


def may_tell_of_rooms(heard: Heard) -> bool:
    """Whether ``rooms_of`` is worth a look. Pure."""
    event = heard.event
    if isinstance(event, Message):
        return event.direct and Need.ROOMS in need_of(heard)
    return isinstance(event, RoomMoved) or (isinstance(event, Gathering) and not event.closed)


def rooms_of(tx: Tx, heard: Heard) -> set[Room]:
    """The rooms that the answer may tell of, so that they are to be called as people call them."""
    event = heard.event
    if not may_tell_of_rooms(heard):
        return set()
    if isinstance(event, Message):
        return teams.rooms_of(tx, event.sender)
    room = event.successor if isinstance(event, RoomMoved) else event.room
    return {room} if gathering.concerns(tx, event.room) else set()


def decide(tx: Tx, heard: Heard, house: House, now: float, deaf: set[tuple[Room, Identity]]) -> None:
    """Do what the event asks for, or say why not. ``deaf``: who was told already that they could not be read."""
    match heard.event:
        case Message() as message:
            _message(tx, message, heard, house, now)
        case Edit() as edit:
            editing.edited(tx, edit, heard.reading, house, now)
        case Reaction() as reaction:
            accepting.ticked(tx, reaction, house, now)
            if not approving.ticked(tx, reaction, house, now) and not asking.ticked(tx, reaction, house, now):
                holding.crossed(tx, reaction, house, now)
        case Redaction() as redaction:
            _removed(tx, redaction, house, now)
        case Unreadable() as unreadable:
            if unreadable.text is None or heard.reading is not None:  # people talk to each other, too
                _unreadable(tx, unreadable, deaf)
        case RoomMoved() as moved:
            tx.accounts.move_room(moved.room, moved.successor)
            tx.policies.move_room(moved.room, moved.successor)
            gathering.moved(tx, moved, heard.facts, house, now)
        case RoomLost() as gone:
            gathering.lost(tx, gone, house, now)  # what waits there stays: the bot may be invited again
        case Gathering() as told:
            gathering.gathered(tx, told, heard.facts, house, now)


def _message(tx: Tx, message: Message, heard: Heard, house: House, now: float) -> None:
    match heard.reading:
        case Spoken(command, account, text):
            asked = Asked(message, command.name, account, text, heard.facts, now)
            try:
                asked = pictures.illustrated(asked, command, house)
                _run(tx, asked, command, house)
            except UsageError as error:
                asked.react(tx, signs.FAILED)
                asked.reply(tx, f"{error}{pictures.hint(asked)}")
        case Pin(digits):
            linking.pin_said(tx, Asked(message, "pin", None, digits, heard.facts, now), house)
        case Bare(command):
            how = f"To post, put {house.prefix} before it, here too: {house.prefix}{command.usage}"
            words = f"{posting.not_posted('', message.text)} {how}"
            Asked(message, command.name, None, "", NO_FACTS, now).reply(tx, words)
        case Unknown():
            if message.text.startswith(house.prefix) or not _greet(tx, message, house, now):
                _suggest(tx, message, heard.reading, house, now)
        case None:
            _greet(tx, message, house, now)


def _greet(tx: Tx, message: Message, house: House, now: float) -> bool:
    """Somebody without an account talks to the bot alone: lead on to what they were asked, and the first time tell them
    what it is. False where there is nothing to be said.
    """
    key, asked = str(message.sender), Asked(message, "help", None, "", NO_FACTS, now)
    if not message.direct or now - message.sent_at > house.stale_after or tx.accounts.usable_by(message.sender):
        return False
    if tx.links.pending(message.sender) is not None:
        is_short = message.text.strip().isdigit()
        if is_short:
            asked.reply(tx, "That is no PIN: it has 7 digits. Say it as X shows it.")
        return is_short
    if any(offer.state is OfferState.ASKED for offer in tx.shares.open_offers(to=message.sender)):
        asked.reply(tx, f"{accounts.none_yet(tx, asked, house)} · if not: {house.prefix}decline")
        return True
    if tx.notes.get(_GREETED, key) is not None:
        return False
    tx.notes.put(_GREETED, key, b"")
    show_help(tx, asked, house)
    return True


def _run(tx: Tx, asked: Asked, command: Command, house: House) -> None:
    age = asked.now - asked.message.sent_at
    if age > house.stale_after and not command.ageless:
        raise UsageError(f"You wrote that {span(age)} ago, so I did nothing. Say it again if you still want it.")
    if command.where is Where.DM and not asked.message.direct:
        raise UsageError(f"Not here: write {house.prefix}{command.name} to me in a private chat.")
    if asked.facts.trouble and not command.blind:
        raise UsageError(asked.facts.trouble)
    command.work(tx, asked, house)


def _suggest(tx: Tx, message: Message, reading: Unknown, house: House, now: float) -> None:
    """An unknown verb that is nearly one of ours. All whose messages reach us may command the bot."""
    if now - message.sent_at > house.stale_after:
        return
    asked = Asked(message, "", None, "", NO_FACTS, now)
    standing = standing_of(tx, asked, house)
    word = next((word for word, command in reading.near if open_to(command, standing)), None)
    first = ""
    if word is None and not standing.accounts:
        word = next((word for word, command in reading.near if command.publishes), None)
        first = f" To post, link an account first: write {house.prefix}link to me in private."
    if word is not None:
        asked.reply(tx, f"I know no such verb. Do you mean {house.prefix}{word}? Nothing was done.{first}")


def _removed(tx: Tx, event: Redaction, house: House, now: float) -> None:
    if approving.taken_back(tx, event, house, now):
        return
    try:
        undoing.removed(tx, event, house, now)
    except UsageError as error:
        tx.answers.add(event.room, Speech.TEXT, str(error), mention=event.sender)


def _unreadable(tx: Tx, event: Unreadable, deaf: set[tuple[Room, Identity]]) -> None:
    if (event.room, event.sender) in deaf:
        return
    deaf.add((event.room, event.sender))
    tx.answers.add(event.room, Speech.TEXT, event.reason, target=event.id, mention=event.sender)


def broke(tx: Tx, heard: Heard, reference: str) -> None:
    """Answer an event that our own code broke on: nothing of it was kept."""
    event, reading = heard.event, heard.reading
    words = f"Something broke (ref {reference}), and nothing was done. Whoever runs me finds it in the log."
    if isinstance(event, Message | Edit | Unreadable):
        if isinstance(event, Message) and isinstance(reading, Spoken) and reading.command.publishes:
            words = f"{posting.not_posted(reading.command.name, reading.text)} {words}"
        target = event.target if isinstance(event, Edit) else event.id
        thread = event.thread if isinstance(event, Message) else None
        tx.answers.add(event.room, Speech.TEXT, words, target=target, thread=thread, mention=event.sender)
    elif isinstance(event, Reaction | Redaction):
        tx.answers.add(event.room, Speech.TEXT, words, mention=event.sender)
