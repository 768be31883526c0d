"""Cuts a long text into parts that each fit into a post: at the end of a sentence, else of a word, else between two
whole characters; never inside a link, an emoji or a letter with its marks.

Pure, and linear in the length of the text. It knows how X counts (see ``text``) and nothing of threads.
"""

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate, pairwise

from bridge.errors import UsageError
from bridge.text import LINK_LENGTH, length, links, normal

_JOINER = "\u200d"
_JOINED = re.compile("[\u200c\u200d\ufe00-\ufe0f\u20e3\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""What belongs to the character before it (Unicode Standard Annex 29, section 3.1.1; marks are known by category)."""
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_END_OF_SENTENCE = re.compile(r"(?:[.!?…][\"')\]»”’]*(?=\s)|[。！？][」』”]*|\n)")
_BLANK = re.compile(r"\s")
_SENTENCE_FROM = 0.4
"""A sentence's end in the first two fifths of what fits is passed over for a word's end: parts would be too short."""


def split(text: str, limit: int) -> list[str]:
    """The parts of ``text``, in order, each of at most ``limit`` by X's count and without blanks around it.

    Joined, they are the text in NFC but for blanks at the cuts. Raises UsageError when one character with its marks is
    longer than a whole post.
    """
    text = normal(text).strip()
    if length(text) <= limit:
        return [text] if text else []
    return _Splitting(text, limit).parts()


class _Splitting:
    """One text being cut. ``edges``: the places between two wholes; ``sums``: what the text up to each counts."""

    def __init__(self, text: str, limit: int) -> None:
        self.text = text
        self.limit = limit
        self.edges, self.sums = _edges(text)

    def parts(self) -> list[str]:
        found: list[str] = []
        place = 0  # the number of an edge
        while place < len(self.edges) - 1:
            if self.text[self.edges[place] : self.edges[place + 1]].isspace():
                place += 1
                continue
            end = self._end(place)
            found.append(self.text[self.edges[place] : self.edges[end]].rstrip())
            place = end
        return found

    def _end(self, start: int) -> int:
        """The edge at which the part that begins at edge ``start`` ends."""
        room = self.limit
        while True:
            far = max(bisect_right(self.sums, self.sums[start] + room) - 1, start + 1)
            end = far if far == len(self.edges) - 1 else self._good_end(start, far)
            # By itself a part can count otherwise than within the text: a cut can make a link of what was none.
            over = length(self.text[self.edges[start] : self.edges[end]].rstrip()) - self.limit
            if over <= 0:
                return end
            if end == start + 1:
                raise UsageError("One character of the text has so many marks that it does not fit into a post.")
            room = min(room - over, room // 2) if over > room // 4 else room - over

    def _good_end(self, start: int, far: int) -> int:
        """The best edge in ``(start, far]``: behind a sentence, else a word, else the farthest."""
        low, high = self.edges[start], self.edges[far]
        least = self.edges[bisect_right(self.sums, self.sums[start] + self._least(start, far)) - 1]
        behind = [match.end() for match in _END_OF_SENTENCE.finditer(self.text, low, min(high + 1, len(self.text)))]
        for place in reversed(behind):
            if place <= least:
                break
            if place <= high and (edge := self._edge(place)) is not None:
                return edge
        for place in range(high, low, -1):
            if _BLANK.match(self.text, place) is not None and (edge := self._edge(place)) is not None:
                return edge
        return far

    def _least(self, start: int, far: int) -> int:
        """What a part must count at least to end with a sentence."""
        return int((self.sums[far] - self.sums[start]) * _SENTENCE_FROM)

    def _edge(self, place: int) -> int | None:
        number = bisect_right(self.edges, place) - 1
        return number if self.edges[number] == place and place < len(self.text) else None


def _edges(text: str) -> tuple[list[int], list[int]]:
    """Every place where the text may be cut, with its beginning and end, and what the text up to there counts."""
    edges = [0]
    weights = [0]
    known: dict[str, int] = {}
    place = 0
    for link in [*links(text), None]:
        stop = len(text) if link is None else link.start
        inside = [at for at in range(place + 1, stop) if not _is_inside(text, at)]
        for start, end in pairwise([*dict.fromkeys((place, *_without_half_flags(text, inside), stop))]):
            whole = text[start:end]
            if whole not in known:
                known[whole] = max(length(whole), 1)
            edges.append(end)
            weights.append(known[whole])
        if link is not None:
            place = link.end
            edges.append(place)
            weights.append(LINK_LENGTH)
    for number in range(len(edges) - 2, 0, -1):  # a link with a mark behind it, or a mark at the edge of one
        if _is_inside(text, edges[number]):
            weights[number + 1] += weights[number]
            del edges[number], weights[number]
    return edges, list(accumulate(weights))


def _is_inside(text: str, place: int) -> bool:
    """Whether a cut at ``place`` would halve a character with its marks, or an emoji of several parts."""
    return (
        text[place - 1] == _JOINER
        or _JOINED.match(text, place) is not None
        or (not text[place].isascii() and unicodedata.category(text[place]).startswith("M"))
        or text[place - 1 : place + 1] == "\r\n"
    )


def _without_half_flags(text: str, places: list[int]) -> list[int]:
    """Those of ``places`` that are not between the two letters of a flag."""
    found = []
    run = 0
    for place in places:
        run = run + 1 if ord(text[place - 1]) in _FLAG_LETTERS else 0
        if run % 2 == 0 or ord(text[place]) not in _FLAG_LETTERS:
            found.append(place)
    return found
