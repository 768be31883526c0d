"""``bridge.text``: counting as X does, in linear time; cleaning; quoting."""

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge import text as reading
from bridge.errors import UsageError

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("", 0),
        ("hello", 5),
        ("a\r\nb", 3),
        ("\u65e5\u672c", 4),
        ("e\u0301", 1),
        ("\u2026", 2),
        ("\u2014", 1),
        ("\u00a9", 2),
        ("\u00a9\ufe0f", 2),
        ("1\ufe0f\u20e3", 2),
        ("123", 3),
        ("\U0001f44d", 2),
        ("\U0001f44d\U0001f3fd", 2),
        (FAMILY, 2),
        (FAMILY * 3, 6),
        (ENGLAND, 2),
        ("\U0001f1eb\U0001f1ee\U0001f1f8\U0001f1ea", 4),
        ("\U0001f426\u200d\U0001f525", 2),  # of 2022: X's own library counts it 5, X's page says that every emoji is 2
        ("\U0001f468\u200d\U0001f431", 5),  # no emoji: two of them, joined
        ("http://m\u00fcnchen.de", 23),
        ("see http://example.org/a?b=c#d.", 4 + 23 + 1),
        ("example.dev example.ai example.zip example.app", 4 * 23 + 3),
        ("example.qqqq", 12),
        ("http://127.0.0.1/", 17),
    ],
)
def test_length(words: str, count: int) -> None:
    assert reading.length(words) == count


@pytest.mark.parametrize(
    ("words", "urls"),
    [
        ("nothing here. Really.", []),
        ("(example.com)", ["example.com"]),
        ("\u201chttps://example.com/\u201d", ["https://example.com/"]),
        ("ana@example.com", []),
        ("xhttp://example.com", []),
        ("HTTPS://EXAMPLE.COM/A", ["HTTPS://EXAMPLE.COM/A"]),
        ("a.com.b_c.com", ["a.com"]),
        ("\u3042_\u3042.com", []),
        ("http://example.com:80/x:80", ["http://example.com:80/x:80"]),
        ("http://example.com:x", ["http://example.com"]),
        ("example.com/a_(b_(c))_d)", ["example.com/a_(b_(c))_d"]),
        ("example.com/a_(b", ["example.com/a_"]),
        ("example.com?", ["example.com"]),
        ("http://" + "a" * 63 + ".com", ["http://" + "a" * 63 + ".com"]),
        ("http://" + "a" * 64 + ".com", []),
        ("http://example.com/" + "a" * 5000, []),
    ],
)
def test_links(words: str, urls: list[str]) -> None:
    found = reading.links(words)
    assert [link.url for link in found] == urls
    assert all(words[link.start : link.end] == link.url for link in found)


@pytest.mark.parametrize(
    ("words", "count"), [("$A and $BC.D", 2), ("$5 a$B $", 0), ("$TWTR\u3000$x", 2), ("$ABCDEFG", 0)]
)
def test_cashtags(words: str, count: int) -> None:
    assert reading.cashtags(words) == count


# ---------------------------------------------------------------- against X's library, where that is right

PIECES = st.sampled_from(
    "a b 1 _ - . . . / / : ? # @ $ ( ) & = + ' ! ~ , com co.uk jp dev xn--p1ai http:// https:// t.co/ t.co/ab www. "
    "\u3042 \u307f\u3093\u306a \u00e9 \u0439 \u2026 \u2014 \U0001f600 \U0001f44d\U0001f3fd 1\u20e3 \u00a9 "
    "\u202a \u2066 \n".replace("\n", "").split(" ")
) | st.just(" ")
SHORT = st.lists(PIECES, max_size=10).map("".join).filter(lambda words: len(words) <= 40)


def _alike(words: str) -> bool:
    """Whether the library is to be trusted there: its bare links that leave a part of their host out count oddly."""
    from twitter_text.extract_urls import extract_urls_with_indices

    return all(link["indices"][1] - link["indices"][0] == len(link["url"]) for link in extract_urls_with_indices(words))


@given(SHORT)
@example("a.com\u3042.jp/x")
@example("co.uk?a co.uk/?a co.uk:80 co.uk:80/a")
@example("\u00e9co.uk")
@example("$twitter.com")
@example("http://a.com_b.jp.com/x")
@example("xn--\u3042.com")
def test_reads_as_the_library_does(words: str) -> None:
    from twitter_text import parse_tweet
    from twitter_text.extract_urls import extract_urls_with_indices

    words = unicodedata.normalize("NFC", words)
    if _alike(words):
        theirs = [(link["indices"][0], link["indices"][1], link["url"]) for link in extract_urls_with_indices(words)]
        assert [tuple(link) for link in reading.links(words)] == theirs
        assert reading.length(words) == parse_tweet(words).weightedLength


# ---------------------------------------------------------------- hostile

HOSTILE = {
    "dots": "a." * 5000,
    "schemes": "http://" * 1428,
    "ats": "@" * 10_000,
    "emoji": "\U0001f637" * 10_000,
    "tones": "\U0001f44d\U0001f3fd" * 5000,
    "joined": "\U0001f469\u200d" * 5000,
    "families": FAMILY * 1428,
    "flags": "\U0001f1eb" * 10_000,
    "keycaps": "1\u20e3" * 5000,
    "tags": "\U0001f3f4\U000e0067" * 5000,
    "marks": "a" + "\u0301\u0323" * 5000,
    "links": "a.co " * 2000,
    "one host": "co." * 3333,
    "open brackets": "a.co/" + "(" * 10_000,
    "brackets": "a.co/(" * 1700,
    "pairs": "a.co/" + "(a)" * 3300,
    "underscores": "a.com.b_" * 1250,
    "underscore names": "b_c.com." * 1250,
    "one label": "\u3042" * 5000 + "_" + "\u3042" * 4996 + ".com",
    "scripts": "\u3042\u3044.jp " * 1666,
    "long scripts": "\u3042\u3044\u3046\u3048\u304a\u304b\u304d\u304f\u3051\u3053\u3055\u3057\u3059.jp " * 580,
    "queries": "a.co?." * 1666,
    "cashtags": "$a " * 3333,
    "line ends": "\r\n" * 5000,
    "halves": "\ud800" * 10_000,
    "nothing": "\0" * 10_000,
}  # fmt: skip


def _refusal(work: Callable[[str], object], words: str) -> str:
    try:
        work(words)
    except UsageError as error:
        return str(error)
    return ""


def _everything(words: str) -> None:
    reading.first_words(words)
    for work in (reading.clean, lambda words: reading.check(words, 280)):
        refusal = _refusal(work, words)
        assert "\n" not in refusal
        assert len(refusal) < 200


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_ten_thousand_characters_of_anything(words: str) -> None:
    _everything(words)
    times = []
    for _ in range(5):
        began = time.process_time()
        reading.length(words)
        times.append(time.process_time() - began)
    assert min(times) < 0.05  # a few milliseconds; the margin is for a loaded machine, quadratic takes seconds


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_is_survived(words: str) -> None:
    _everything(words)
    assert reading.length(words) >= 0
    quoted = reading.first_words(words)
    assert len(quoted) <= 60
    assert quoted.isprintable() or all(
        unicodedata.category(c) in ("Cf", "Co", "Cn", "Zs") for c in quoted if not c.isprintable()
    )


# ---------------------------------------------------------------- cleaning and checking


def test_clean_keeps_what_is_visible() -> None:
    assert reading.clean("  e\u0301 \r\n\tb  \n") == "\u00e9 \n\tb"


@pytest.mark.parametrize("words", ["a\0b", "\ud83d", "\x1b[31m", "\x85"])
def test_clean_refuses_what_is_no_text(words: str) -> None:
    with pytest.raises(UsageError):
        reading.clean("x" + words + "x")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "no text"),
        (" \n\u200b", "no text"),
        ("a\ufeffb", "U+FEFF"),
        ("a\ufffe", "U+FFFE"),
        ("a\uffff", "U+FFFF"),
        ("x" * 281, "too long by 1: it counts 281 of at most 280."),
        ("\u65e5" * 141, "an emoji or a wide character counts 2"),
        ("example.com " * 13, "a link counts 23"),
        ("$ABC or $DEF", "cashtag"),
        ("\udc00", "no valid text"),
    ],
)
def test_check_says_what_x_refuses(words: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("+", r"\+")):
        reading.check(words, 280)


def test_check_lets_pass() -> None:
    reading.check("x" * 280, 280)
    reading.check("x" * 25_000, 25_000)
    reading.check("\u202aright to left\u202c", 280)


# ---------------------------------------------------------------- quoting


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        ("short", "short"),
        (" two\n\nlines\t", "two lines"),
        ("one two three", "one two\u2026"),
        ("abcdefghijklmnop", "abcdefghi\u2026"),
        ("12345678" + "\U0001f44d\U0001f3fd" + "x", "12345678\u2026"),
        ("1234567" + "\U0001f1eb\U0001f1ee" * 3, "1234567\U0001f1eb\U0001f1ee\u2026"),
        ("12345678e\u0301\u0301 abc", "12345678\u2026"),
        ("\u202egnp.exe\u2066\0\x1b", "gnp.exe"),
        ("\ud800", ""),
    ],
)
def test_first_words(words: str, quoted: str) -> None:
    assert reading.first_words(words, 10) == quoted


def test_first_words_of_endless_blanks() -> None:
    assert reading.first_words(" " * 10_000 + "x") == "\u2026"
