"""Who talks, where, and what a chat network tells of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a network vouches for: a Matrix user id, an IRC services account; never a nick.

    ``network`` is the configured network's name ("matrix", "console"), ``name`` the exact id there.
    """

    network: str
    name: str

    def __str__(self) -> str:
        return f"{self.network}:{self.name}"


@dataclass(frozen=True, slots=True)
class Room:
    """A place where people talk: a Matrix room id, an IRC channel, a console room."""

    network: str
    id: str

    def __str__(self) -> str:
        return f"{self.network}:{self.id}"


@dataclass(frozen=True, slots=True)
class RoomName:
    """What people call a room; either may be empty. ``name``: as somebody with power there wrote it, and nobody vouches
    for it. ``alias``: an address by which the network finds just this room.
    """

    name: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or video that a person put into a room. ``source`` is the network's own name of the file (Matrix:
    ``mxc://``), never an address that somebody typed. ``mime``, ``size`` (bytes; 0: not said), ``name`` and
    ``duration`` (seconds; 0: not said) are what its sender says. ``key``, ``iv`` and ``sha256`` (base64) open an
    encrypted file and hold it to what was sent. A plain one has no ``key``; its ``sha256`` is that of its bytes, once
    they were looked at. The network has sealed ``key``, each time anew, so that it tells no two files apart. ``alt``:
    what it shows, in words. ``scaled``: its sender wants it scaled down to what the publisher takes. ``remote_id``: the
    publisher's id of it, uploaded at ``uploaded_at``. ``message_id`` and ``room``: the message that it is part of, and
    the id of its room (empty: the one of its post). ``copies``: what would be published of it, put where rooms can
    show it, encrypted and (of a plain one) plain; ``unshown``: a sentence, why there is none for good.
    ``width`` and ``height``: pixels of a copy; 0: not known.
    """

    source: str
    mime: str
    size: int = 0
    name: str = ""
    key: str = field(default="", repr=False, compare=False)
    iv: str = field(default="", repr=False)
    sha256: str = ""
    alt: str = ""
    remote_id: str = ""
    uploaded_at: float = 0.0
    message_id: str = field(default="", compare=False)
    duration: float = 0.0
    scaled: bool = False
    room: str = field(default="", compare=False)
    copies: "tuple[Medium, ...]" = field(default=(), repr=False, compare=False)
    unshown: str = field(default="", compare=False)
    width: int = 0
    height: int = 0

    @property
    def looked_at(self) -> bool:
        """Whether it is known what there is to show of it."""
        return bool(self.copies or self.unshown)


@dataclass(frozen=True, slots=True)
class Message:
    """A line that a person said. The network vouches for ``sender``; decrypting, echoes and history are behind us.

    ``id`` is unique in its network. ``sent_at`` is the sender's homeserver's time. ``direct`` tells whether the room is
    a DM (encrypted, invite-only, exactly the bot and the sender) as far as the adapter knows now. ``replay_key`` names
    the encrypted form of the text, where it has one: the same key under another id is a replay and does not run.
    ``mentions``: the first people whom its client says it mentions, whatever they are called in the text. ``media``:
    the files that it is, in order; then ``text`` is their caption. ``media_now``: what an edit made of those, known
    of a message that was looked up.
    """

    id: str
    room: Room
    sender: Identity
    text: str
    sent_at: float
    direct: bool = False
    reply_to: str | None = None
    thread: str | None = None
    replay_key: str | None = None
    mentions: tuple[Identity, ...] = ()
    media: tuple[Medium, ...] = ()
    media_now: tuple[Medium, ...] = ()

    @property
    def seen(self) -> tuple[Medium, ...]:
        """Its files as people see them."""
        return self.media_now or self.media


@dataclass(frozen=True, slots=True)
class Edit:
    """``sender`` changed the message ``target`` into ``text``, with the files ``media``."""

    id: str
    room: Room
    sender: Identity
    target: str
    text: str
    sent_at: float
    direct: bool = False
    replay_key: str | None = None
    media: tuple[Medium, ...] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    """``sender`` put the emoji ``key`` on the message ``target``. Never encrypted on Matrix."""

    id: str
    room: Room
    sender: Identity
    target: str
    key: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Redaction:
    """``sender`` removed the message (or reaction) ``target``. Never encrypted on Matrix."""

    id: str
    room: Room
    sender: Identity
    target: str
    sent_at: float


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that could not be decrypted, or not be trusted. ``reason`` is a sentence for the sender.

    ``text``: what it says, where that could be read; it never runs, but tells whether it was meant for the bot at all.
    """

    id: str
    room: Room
    sender: Identity
    sent_at: float
    reason: str
    text: str | None = None
    direct: bool = False


@dataclass(frozen=True, slots=True)
class RoomLost:
    """The bot is no longer in ``room``: kicked, banned, left."""

    id: str
    room: Room


@dataclass(frozen=True, slots=True)
class RoomMoved:
    """``room`` was upgraded; the conversation goes on in ``successor``."""

    id: str
    room: Room
    successor: Room


@dataclass(frozen=True, slots=True)
class Gathering:
    """Who is in ``room`` now, the bot left out, and whether it is ``closed``: nobody gets in but by an invitation.

    It tells how things are, so a repetition changes nothing, and the newest one counts. Of a room that is not closed,
    the members need not be told. ``encrypted``: what the bot says there is encrypted, for good.
    """

    id: str
    room: Room
    members: frozenset[Identity]
    closed: bool
    encrypted: bool = False


Event = Message | Edit | Reaction | Redaction | Unreadable | RoomLost | RoomMoved | Gathering


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a part can do its work now; ``reason``: a short phrase why not, or what the operator should know."""

    ok: bool
    reason: str = ""
