"""The errors of the domain, split by what the caller does next.

It knows words only: no network, no database, no library's exceptions. Adapters translate foreign errors into these
once, at the border, with ``raise ... from``.

    KantterError
      ConfigError              the operator must change something; refuse to start
      UsageError               written for the person who typed; shown as it is
        TooLong                  it would fit into several posts
        Refused                  a limit, a budget or a dead token forbids it now; it stands in the account's log
      StoreError               the database did not take or give something; nothing was recorded, try again
      ChatError                a chat network did not take an answer
        ChatUnreachable        perhaps later: repeat it with the same key
        ChatRefused            never: the room is gone, or the network forbids it
      PublishError             a publisher did not confirm
        Rejected               certainly not posted, and trying again cannot help
        LinkBroken             certainly not posted; the token is dead, link anew
        LinkRefused            no account was linked: wrong or old PIN, or the person said no
        OperatorMustAct        certainly not posted; nobody can post until the operator has acted: pause, never loop
          OutOfCredit          the prepaid credit is used up
        Throttled(retry_at)    certainly not posted; again at that time
        Unreachable            certainly not posted: no byte went out; again later
        OutcomeUnknown         perhaps posted; never again blindly

Whatever is not in this tree is a bug: caught in one named place, logged with a reference, shown as "something broke".
No message of any of these may hold a token, a PIN or a key.
"""


class KantterError(Exception):
    """Whatever Kantter expects to go wrong. ``str()`` of it is fit for a person to read."""


class ConfigError(KantterError):
    """The operator must change something. ``problems`` holds one clear line for each mistake."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UsageError(KantterError):
    """What the person asked for cannot be done as they said it; the text tells them why and what to do."""


class TooLong(UsageError):
    """The text is longer than one post may be; in several it would do."""


class Refused(UsageError):
    """It was well said, and the person has the right, but a limit, a budget or a dead token forbids it now."""


class StoreError(KantterError):
    """The database refused (full or read-only disk, locked, damaged). The whole transaction was rolled back."""


class ChatError(KantterError):
    """A chat network did not take what we wanted to say."""


class ChatUnreachable(ChatError):
    """It may have been taken or not. Saying it again with the same key is harmless and will help later."""


class ChatRefused(ChatError):
    """It was not taken and never will be: we are not in the room, or may not do this there."""


class PublishError(KantterError):
    """A publisher did not confirm. ``certain`` tells whether nothing was published for sure."""

    certain = True


class Rejected(PublishError):
    """Certainly not posted, and the same again would be refused again.

    ``duplicate`` is set when the publisher says that the account has this text already: after an unknown outcome that
    is the proof that the first attempt went out.
    """

    def __init__(self, text: str, *, duplicate: bool = False) -> None:
        super().__init__(text)
        self.duplicate = duplicate


class LinkBroken(PublishError):
    """Certainly not posted: this account's token is dead. The person links anew; the token is never deleted for it."""


class LinkRefused(PublishError):
    """The publisher did not hand out an access token: wrong, used or expired PIN."""


class OperatorMustAct(PublishError):
    """Certainly not posted, for nobody's fault who chats: dead consumer key, read-only app, project not enrolled."""


class OutOfCredit(OperatorMustAct):
    """The operator's prepaid credit, or monthly cap, is used up (HTTP 402, ``UsageCapExceeded``)."""


class Throttled(PublishError):
    """Certainly not posted; allowed again at ``retry_at`` (Unix seconds, by our own clock)."""

    def __init__(self, text: str, *, retry_at: float) -> None:
        super().__init__(text)
        self.retry_at = retry_at


class Unreachable(PublishError):
    """Certainly not posted: no byte of the request left this machine (refused, DNS, TLS)."""


class OutcomeUnknown(PublishError):
    """Perhaps posted: bytes went out and no trustworthy answer came back (timeout, cut connection, 5xx)."""

    certain = False
