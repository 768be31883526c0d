"""Reads a message: is it a command, and which one? Pure.

It knows the grammar ``!verb[@account] text`` and the words in the table of verbs. The text stays raw: exactly one white
space after the verb is taken off, nothing else is touched. It does not know who speaks, or what they may do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.bot.asked import Command

_HEAD = re.compile(r"([^\s@]{1,32})(?:@(\S*))?(?:\r\n|\s|\Z)")
_PIN = re.compile(r"\s{0,8}([0-9]{7})\s{0,8}")
_FARTHEST = 2
_SHORTEST_HINT = 3
"""One-letter aliases are two letters away from nearly everything: they are never suggested."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A command. ``account``: the handle behind ``verb@``, as typed."""

    command: Command
    account: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Pin:
    """Seven digits and nothing else. Whether they are a PIN depends on who says them, and when."""

    digits: str


@dataclass(frozen=True, slots=True)
class Bare:
    """A verb that publishes, said in a DM without the prefix: it does not run."""

    command: Command


@dataclass(frozen=True, slots=True)
class Unknown:
    """No verb of ours; ``near`` are the words that it may be a slip of, nearest first, each with its row."""

    near: tuple[tuple[str, Command], ...]


Reading = Spoken | Pin | Bare | Unknown


def read(text: str, *, prefix: str, direct: bool, verbs: Mapping[str, Command]) -> Reading | None:
    """What ``text`` says to the bot; None when it is ordinary talk. Never raises; linear in the text's length."""
    prefixed = text.startswith(prefix)
    if not prefixed and not direct:
        return _pin(text)
    head = _HEAD.match(text, len(prefix) if prefixed else 0)
    if head is None:
        return None if prefixed else _pin(text)
    word = head[1].lower()
    command = verbs.get(word)
    rest = text[head.end() :]
    if command is None:
        if not prefixed and (pin := _pin(text)) is not None:
            return pin
        return _unknown(word, verbs) if prefixed or not rest else None
    if command.publishes and not prefixed:
        return Bare(command)
    return Spoken(command, head[2], rest)


def _pin(text: str) -> Pin | None:
    match = _PIN.fullmatch(text) if len(text) < 24 else None
    return None if match is None else Pin(match[1])


def _unknown(word: str, verbs: Mapping[str, Command]) -> Unknown | None:
    near = nearest(word, [verb for verb in verbs if len(verb) >= _SHORTEST_HINT])
    return Unknown(tuple((verb, verbs[verb]) for verb in near)) if near else None


def nearest(word: str, verbs: list[str]) -> list[str]:
    """Those at most two letters away and with something in common, nearest first."""
    measured = ((distance(word, verb), verb) for verb in verbs if abs(len(word) - len(verb)) <= _FARTHEST)
    return [verb for far, verb in sorted(measured) if far <= _FARTHEST and far < len(word)]


def distance(one: str, other: str) -> int:
    """How many letters are wrong, missing, too many, or swapped with their neighbour (Damerau's distance, in its
    optimal string alignment form). The cost is the product of the lengths: for short words only.
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, above = above, row
    return above[-1]
