"""Reads text the way X counts it: links, weighted length, cashtags; cleans what people type; quotes first words.

Pure and linear: ten thousand characters of anything cost a few milliseconds, because anybody in a room can send them.
It knows no network and no publisher's wishes beyond counting. The rules are those of twitter-text, configuration 3
(https://github.com/twitter/twitter-text): most scripts count 1, others 2, an emoji 2, a link 23, on NFC text.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import emoji

from bridge.errors import TooLong, UsageError
from bridge.tlds import TLDS

LINK_LENGTH = 23
"""What a link counts, however long it is."""

_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$"
_SPACES = r"\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DIRECTIONS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_REFUSED = r"\ufeff\ufffe\uffff"
_LATIN = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b\u02bb"
    r"\u0300-\u036f\u1e00-\u1eff"
)
_CYRILLIC = r"\u0400-\u04ff"

# Where every repetition is possessive (``++``, ``*+``), a failed match never tries again: that is what makes it linear.
_HOST_CHAR = rf"[^{_PUNCTUATION}{_SPACES}{_DIRECTIONS}{_REFUSED}]"
_LABEL = rf"{_HOST_CHAR}++(?:[-_]++{_HOST_CHAR}++)*+"
_CHAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
"""Labels joined by dots, as many as there are."""
_BEFORE = re.compile(rf"[^A-Za-z0-9@＠$#＃{_REFUSED}]")
_START = re.compile(rf"(?:\A|(?<={_BEFORE.pattern})){_HOST_CHAR}")
_SCHEME = re.compile(r"https?://\Z", re.IGNORECASE)
_AFTER_DOT = re.compile(r"\.(?:([A-Za-z]{2,})(?![0-9A-Za-z@+-])|(?=[^\x00-\x7f]|[Xx][Nn]--|[Vv]erm))")
_NO_END = re.compile(r"[0-9A-Za-z@+-]")
_PUNYCODE = re.compile(r"\.xn--[-0-9a-z]+", re.IGNORECASE)
_WIDE_TLDS = frozenset(tld for tld in TLDS if not tld.isascii())

_PATH_CHAR = rf"[A-Za-z0-9{_CYRILLIC}{_LATIN}!*';:=+,.$/%#\[\]\-\u2013_~@|&]"
_PATH = re.compile(
    rf"/(?:{_PATH_CHAR}++|\((?:{_PATH_CHAR}++\)|{_PATH_CHAR}*+\({_PATH_CHAR}++\){_PATH_CHAR}*+\)))*+"
)  # brackets count when they are balanced, one level deep
_PATH_NEVER_LAST = "!*';:,.$%[]\u2013~@|&"
_QUERY = re.compile(r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*+")
_QUERY_NEVER_LAST = "!?*'@();:+$%[].,~|"
_PORT = re.compile(r":[0-9]+")
_SHORT = re.compile(r"https?://t\.co/([A-Za-z0-9]+)", re.IGNORECASE)
_LONGEST_SLUG = 40
_LONGEST_LINK = 4096
_LONGEST_LABEL = 63
_PLAIN_HOST = re.compile(r"[-.A-Za-z0-9]+\Z")
_LATIN_HOST = re.compile(rf"[-A-Za-z0-9{_LATIN}][-.A-Za-z0-9{_LATIN}]*+")
_ENCODED_AT_MOST = 1500
"""Characters of host names in one text that are put into punycode to measure them: that is slow. More are let pass."""


class Link(NamedTuple):
    """A link in a text: ``text[start:end]``, in code points."""

    start: int
    end: int
    url: str


def links(text: str) -> list[Link]:
    """What X would make a link, left to right; with or without ``http://``."""
    if "." not in text:
        return []
    dots = dict(_tld_dots(text))
    return _Links(text, dots).all() if dots else []


def _tld_dots(text: str) -> Iterator[tuple[int, int]]:
    """Each dot that a top-level domain follows, and where that domain ends."""
    for match in _AFTER_DOT.finditer(text):
        dot, word = match.start(), match[1]
        if word is not None and word.lower() in TLDS:
            yield dot, match.end()
        elif (end := _wide_tld(text, dot + 1)) is not None:
            yield dot, end
        elif (puny := _PUNYCODE.match(text, dot)) is not None:
            yield dot, puny.end()


def _wide_tld(text: str, start: int) -> int | None:
    word = text[start : start + 18].lower()
    for length in range(len(word), 1, -1):
        if word[:length] in _WIDE_TLDS and _NO_END.match(text, start + length) is None:
            return start + length
    return None


class _Links:
    """One reading of one text. ``at``: everything before it belongs to links found, or refused, already."""

    def __init__(self, text: str, dots: dict[int, int]) -> None:
        self.text = text
        self.dots = dots
        self.at = 0
        self.found: list[Link] = []
        self.encoded = 0

    def all(self) -> list[Link]:
        dots = list(self.dots)
        low = 0
        for chain in _CHAIN.finditer(self.text):
            start, end = chain.span()
            while low < len(dots) and dots[low] < start:
                low += 1
            if low == len(dots):
                break
            if dots[low] < end:
                high = low
                while high < len(dots) and dots[high] < end:
                    high += 1
                self._chain(start, end, dots[low:high])
                low = high
        return self.found

    def _chain(self, start: int, end: int, dots: list[int]) -> None:
        """Take the links of one chain of labels. ``dots``: those in it that a top-level domain follows."""
        text = self.text
        last = dots[-1]
        good = next(
            (dot for dot in reversed(dots) if "_" not in text[text.rfind(".", start, dot) + 1 or start : dot]), -1
        )
        scheme = _SCHEME.search(text, max(start - 8, 0), start) if text[start - 1 : start] == "/" else None
        if (
            scheme is not None
            and self._may_precede(scheme.start())
            and (dot := self._reach(start, end, good)) is not None
        ):
            self._take(scheme.start(), start, dot)
        if start == 0 and _BEFORE.match(text) is not None and _START.match(text, 1) is not None:
            start = 0 if self._reach(1, end, good) is None else 1  # X's pattern rather begins behind the first sign
        place = max(start, self.at + 1 if self.at else 0)
        while place < last and (match := _START.search(text, place, last)) is not None:
            place = match.start()
            dot = self._reach(place, end, good)
            if dot is not None:
                self._take(place, place, dot)
                place = self.at + 1
            else:
                place = self._next_place(place, end)

    def _may_precede(self, start: int) -> bool:
        return start == 0 or (start > self.at and _BEFORE.match(self.text, start - 1) is not None)

    def _reach(self, start: int, end: int, good: int) -> int | None:
        """The last dot that ends a host beginning at ``start``. A name before a top-level domain has no underscore."""
        if good > start:
            return good
        dot = self.text.find(".", start, end)
        return dot if dot in self.dots and self.text.find("_", start, dot) < 0 else None

    def _next_place(self, place: int, end: int) -> int:
        """Where to look on when no host begins at ``place``: none begins before that either."""
        dot = self.text.find(".", place, end)
        if dot < 0:
            return end
        return self.text.rfind("_", place, dot) + 1 if dot in self.dots else dot

    def _take(self, start: int, host: int, dot: int) -> None:
        """A link with this host is there: record it when it is a valid one; read on behind it in any case."""
        text, host_end = self.text, self.dots[dot]
        end = self.at = _tail(text, host_end)
        name = text[host:host_end]
        if not self._is_valid(name) or max(host - start, 8) + end - host > _LONGEST_LINK:
            return
        if host > start:
            short = _SHORT.match(text, start, end)
            if short is not None:
                if len(short[1]) > _LONGEST_SLUG:
                    return
                end = _query_end(text, short.end()) if text[short.end() : short.end() + 1] == "?" else short.end()
            self.found.append(Link(start, end, text[start:end]))
        elif start == 0 or text[start - 1] not in "-_./":
            self._take_bare(host, host_end, end, name)

    def _take_bare(self, host: int, host_end: int, end: int, name: str) -> None:
        """Without ``http://`` only the parts of the host in Latin letters are links. The last one has the path; port
        and query belong to it only when there is a path.
        """
        end = end if "/" in self.text[host_end:end].partition("?")[0] else host_end
        if _PLAIN_HOST.match(name):
            self.found.append(Link(host, end, self.text[host:end]))
            return
        place = host
        while (run := _LATIN_HOST.search(self.text, place, host_end)) is not None:
            dot = run.end()
            while (dot := self.text.rfind(".", run.start(), dot)) >= 0 and dot not in self.dots:
                pass
            place = run.end() if dot < 0 else self.dots[dot]
            if dot >= 0:
                stop = end if place == host_end else place
                self.found.append(Link(run.start(), stop, self.text[run.start() : stop]))

    def _is_valid(self, name: str) -> bool:
        """Whether each label fits the domain name system (RFC 1035, section 2.3.4; RFC 3492 for other scripts)."""
        if name.isascii():
            return len(name) <= _LONGEST_LABEL or max(map(len, name.split("."))) <= _LONGEST_LABEL
        return all(map(self._fits, name.split(".")))

    def _fits(self, label: str) -> bool:
        if label.isascii():
            return len(label) <= _LONGEST_LABEL
        if len(label) > _LONGEST_LABEL - 4 or label.startswith("xn--"):
            return False
        if len(label) <= 9:  # a character becomes six letters at most, and "xn--" goes before
            return True
        self.encoded += len(label)
        return self.encoded > _ENCODED_AT_MOST or len(label.encode("punycode")) <= _LONGEST_LABEL - 4


def _tail(text: str, end: int) -> int:
    """Where a link ends whose host ends at ``end``: port, path and query belong to it."""
    if text[end : end + 1] == ":" and (port := _PORT.match(text, end)) is not None:
        end = port.end()
    if text[end : end + 1] == "/" and (path := _PATH.match(text, end)) is not None:
        whole = path[0]
        end += len(whole.rstrip(_PATH_NEVER_LAST))
    return _query_end(text, end) if text[end : end + 1] == "?" else end


def _query_end(text: str, end: int) -> int:
    match = _QUERY.match(text, end)
    return end + len(match[0].rstrip(_QUERY_NEVER_LAST)) if match is not None else end


# ---------------------------------------------------------------- length

_HEAVY = re.compile("[^\0-\xa8\xaa-\xad\xaf-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]+")
"""What counts 2. © and ® stand in a light range but are emoji."""
_FLAG_LETTER = "\U0001f1e6-\U0001f1ff"
_KNOWN = {sequence: 0 for sequence in emoji.EMOJI_DATA if len(sequence) > 1}
_FIRSTS = "".join(sorted({re.escape(sequence[0]) for sequence in _KNOWN} - set(map(chr, range(0x1F1E6, 0x1F200)))))
_SEQUENCE = re.compile(
    rf"[{_FLAG_LETTER}]{{2,}}"
    rf"|[{_FIRSTS}](?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d.)+",
    re.DOTALL,
)
"""What may be one emoji of several code points (Unicode Technical Standard 51, section 1.4.9)."""
_LENGTHS: dict[str, tuple[int, ...]] = {}


def _weight(text: str) -> int:
    return 2 * len(text) - len(_HEAVY.sub("", text))


for _sequence in _KNOWN:
    _KNOWN[_sequence] = _weight(_sequence) - 2
    _LENGTHS[_sequence[0]] = tuple(sorted({*_LENGTHS.get(_sequence[0], ()), len(_sequence)}, reverse=True))


def length(text: str) -> int:
    """The weighted length by X's count; 280 is the limit for most."""
    return _measure(text)[0]


def _measure(text: str) -> tuple[int, int]:
    """The weighted length, and how many links there are."""
    text = normal(text)
    found = links(text)
    if not found:
        return _without_links(text), 0
    edges = [0, *(edge for link in found for edge in link[:2]), len(text)]
    rest = "\0".join([text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)])
    return (LINK_LENGTH - 1) * len(found) + _without_links(rest), len(found)


def _without_links(text: str) -> int:
    if text.isascii():
        return len(text)
    return _weight(text) - sum(_saved(match[0]) for match in _SEQUENCE.finditer(text))


def _saved(sequence: str) -> int:
    """How much less a sequence counts because (parts of) it are one emoji."""
    whole = _KNOWN.get(sequence)
    if whole is not None:
        return whole
    saved = place = 0
    while place < len(sequence):
        step = 1
        for size in _LENGTHS.get(sequence[place], ()):
            part = _KNOWN.get(sequence[place : place + size])
            if part is not None:
                saved, step = saved + part, size
                break
        place += step
    return saved


_MARKS_AT_MOST = 64
_MANY_MARKS = re.compile(rb"[^\0]{%d,}" % _MARKS_AT_MOST)


def normal(text: str) -> str:
    """The text in NFC, its lines ended by ``\\n``. Endless heaps of combining marks are left as they are: putting those
    in order takes quadratic time.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    if len(text) > _MARKS_AT_MOST:
        heaps = [match.span() for match in _MANY_MARKS.finditer(bytes(map(unicodedata.combining, text)))]
        if heaps:
            edges = [0, *(edge for heap in heaps for edge in heap), len(text)]
            pieces = [text[start:end] for start, end in pairwise(edges)]
            return "".join(
                piece if number % 2 else unicodedata.normalize("NFC", piece) for number, piece in enumerate(pieces)
            )
    return unicodedata.normalize("NFC", text)


_CASHTAG = re.compile(
    rf"(?:\A|[{_SPACES}{_DIRECTIONS}])\$[A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?(?=\Z|[{_SPACES}{_PUNCTUATION}])"
)


def cashtags(text: str) -> int:
    """How many cashtags (``$ABC``) a text holds."""
    return len(_CASHTAG.findall(text)) if "$" in text else 0


# ---------------------------------------------------------------- what people type

_BROKEN = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_REFUSED_CHAR = re.compile(f"[{_REFUSED}]")
_NOTHING = re.compile(rf"[{_SPACES}{_DIRECTIONS}{_REFUSED}\u200b-\u200d\u2060\xad]*\Z")


def clean(text: str) -> str:
    """What will be visible of a text that somebody typed: NFC, lines ended by ``\\n``, no blanks around it.

    Raises UsageError for what is no text: NUL, other control characters, halves of a character.
    """
    if _BROKEN.search(text) is not None:
        raise UsageError("Part of the text is no valid text (a broken character or a NUL). Type it anew, please.")
    text = normal(text)
    if (control := _CONTROL.search(text)) is not None:
        raise UsageError(f"The text holds the control character U+{ord(control[0]):04X}. Take it out, please.")
    return text.strip()


def is_nothing(text: str) -> bool:
    """Whether nothing of it can be seen."""
    return _NOTHING.match(text) is not None


def check(text: str, limit: int, *, pictured: bool = False) -> None:
    """Hold a text against X's rules for a post of at most ``limit`` (weighted); ``pictured``: beside pictures it may be
    empty. Raises UsageError in plain words.
    """
    if _BROKEN.search(text) is not None:
        raise UsageError("Part of the text is no valid text (a broken character or a NUL). Type it anew, please.")
    if (bad := _REFUSED_CHAR.search(text)) is not None:
        raise UsageError(f"X refuses the invisible character U+{ord(bad[0]):04X} in the text. Take it out, please.")
    if not pictured and is_nothing(text):
        raise UsageError("There is no text to post.")
    count, with_links = _measure(text)
    if count > limit:
        raise TooLong(_too_long(text, count, limit, with_links))
    if (tags := cashtags(text)) > 1:
        raise UsageError(f"X allows one cashtag (such as $ABC) in a post; this text has {tags}.")


def _too_long(text: str, count: int, limit: int, with_links: int) -> str:
    notes = []
    if with_links:
        notes.append(f"a link counts {LINK_LENGTH}")
    if _HEAVY.search(text) is not None:
        notes.append("an emoji or a wide character counts 2")
    how = f" ({', '.join(notes)})" if notes else ""
    return f"The text is too long by {count - limit}: it counts {count} of at most {limit}{how}."


# ---------------------------------------------------------------- quoting

_UNSEEN = re.compile(rf"[\0-\x1f\x7f-\x9f\xad\ud800-\udfff\ufff9-\ufffb\u200b\u2060{_DIRECTIONS}{_REFUSED}]+")
_BLANKS = re.compile(rf"[{_SPACES}]+")
_JOINED = re.compile("[\u200c\u200d\ufe00-\ufe0f\u20e3\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def first_words(text: str, most: int = 60) -> str:
    """The beginning of a text on one line of at most ``most`` code points, for quoting it in an answer.

    Nothing in it moves the cursor or turns the line around: controls and bidi marks are dropped. Cut at a word's end
    where there is one in the last half, else between two whole characters; then ``…`` stands at its end.
    """
    beginning = text[: 8 * most + 200]
    line = " ".join(_UNSEEN.sub("", _BLANKS.sub(" ", beginning)).split())
    if len(line) <= most and len(text) == len(beginning):
        return line
    room = min(most - 1, len(line))
    space = line.rfind(" ", room // 2, room + 1)
    if space > 0:
        return line[:space] + "…"
    return line[: _whole(line, room)].rstrip() + "…"


def _whole(line: str, cut: int) -> int:
    """The last place up to ``cut`` that is not inside a character with its marks."""
    while 0 < cut < len(line) and (
        line[cut - 1] == "\u200d"
        or _JOINED.match(line, cut) is not None
        or unicodedata.category(line[cut]).startswith("M")
        or _halves_flag(line, cut)
    ):
        cut -= 1
    return cut


def _halves_flag(line: str, cut: int) -> bool:
    letters = re.search(f"[{_FLAG_LETTER}]+\\Z", line[:cut])
    return letters is not None and len(letters[0]) % 2 == 1 and re.match(f"[{_FLAG_LETTER}]", line[cut]) is not None
