"""What an answer of the homeserver tells of rooms comes in an order in which nobody uses a right that they lost."""

from dataclasses import replace

from bridge.chat.matrix.sync import least
from bridge.model import Event, Gathering, Identity, Message, Room

ANA, BEN, EVE = (Identity("matrix", f"@{name}:example.org") for name in ("ana", "ben", "eve"))
PRESS = Room("matrix", "!press")
HELLO = Message("$1", PRESS, BEN, "hello", 0.0)


def gathering(*members: Identity, closed: bool = True) -> Gathering:
    return Gathering("g", PRESS, frozenset(members), closed)


def found(*heard: Event) -> tuple[frozenset[Identity], bool] | None:
    first = least(list(heard))
    return None if not first else (first[0].members, first[0].closed) if isinstance(first[0], Gathering) else None


def test_who_came_or_went_in_between_is_not_in_the_least() -> None:
    assert found(HELLO) is None
    assert found(HELLO, gathering(ANA)) == (frozenset({ANA}), True)
    assert found(gathering(ANA, BEN), HELLO, gathering(ANA, EVE)) == (frozenset({ANA}), True)


def test_a_room_that_was_not_encrypted_in_between_is_not() -> None:
    sealed = replace(gathering(ANA), encrypted=True)
    assert [one.encrypted for one in least([sealed, sealed]) if isinstance(one, Gathering)] == [True]
    assert [one.encrypted for one in least([gathering(ANA), sealed]) if isinstance(one, Gathering)] == [False]


def test_a_room_that_was_open_in_between_is_open_in_the_least() -> None:
    assert found(gathering(closed=False), gathering(ANA)) == (frozenset(), False)
    assert found(gathering(ANA, closed=True), gathering(closed=False), gathering(ANA)) == (frozenset(), False)
