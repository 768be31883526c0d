"""Cutting a long text: what every part keeps, for any text."""

import time
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.splitting import split
from bridge.text import length, links, normal

WORDS = st.sampled_from(
    [
        "word", "a", "Hello.", "“Really?”", "end!", "\n", "\n\n", " ", "  ", "https://example.com/a/b?c=d", "x.com",
        "👩‍👩‍👧‍👦", "🇩🇪", "🇩🇪🇫🇷🇮🇹", "1️⃣", "👍🏽", "e\u0301", "q\u0301\u0302", "漢字です。", "ひらがな", "@ana", "…",
        "\u200d", "\ufe0f", "\u0301", "a" * 300, "b.co" * 90, "🏴\U000e0067\U000e0062\U000e007f", "\t",
        "http://a.de/\u0301",
    ]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=200).map("".join) | st.lists(WORDS, max_size=200).map(" ".join) | st.text(max_size=900)


def check(text: str, parts: list[str], limit: int) -> None:
    whole, place = normal(text), 0
    for part in parts:
        assert part
        assert part == part.rstrip()
        assert not part[0].isspace() or not part[1].isalnum()  # a blank with a mark on it is a character
        assert length(part) <= limit
        at = whole.index(part, place)
        assert not whole[place:at].strip(), "only blanks are lost"
        place = at + len(part)
    assert not whole[place:].strip()


@given(TEXTS, st.sampled_from([280, 60, 40]))
@example("https://example.com/a/b?c=d“Really?”" + "b.co" * 90 + "word", 40)  # each cut near the end makes another link
@settings(max_examples=300)
def test_every_part_fits_and_nothing_is_lost(text: str, limit: int) -> None:
    try:
        parts = split(text, limit)
    except UsageError:  # a character with a heap of marks
        assert any(unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") for character in normal(text))
        return
    check(text, parts, limit)


@given(
    st.lists(st.sampled_from(["https://example.com/a/b", "🇩🇪", "👩‍👩‍👧‍👦", "q\u0301", "1️⃣", "go", "."]), max_size=300)
)
@settings(max_examples=150)
def test_no_link_emoji_or_marked_letter_is_cut(words: list[str]) -> None:
    parts = split(" ".join(words), 50)
    assert " ".join(parts).split() == " ".join(words).split()


@pytest.mark.parametrize("whole", ["👩‍👩‍👧‍👦", "🇩🇪", "q\u0301\u0302", "1️⃣", "👍🏽", "한"])
def test_a_run_without_blanks_is_cut_between_wholes(whole: str) -> None:
    parts = split(whole * 400, 280)
    assert "".join(parts) == normal(whole * 400)
    for part in parts:
        assert len(part) % len(normal(whole)) == 0


def test_sentences_go_before_words() -> None:
    text = "One sentence of some length is here. " * 20
    for part in split(text, 280):
        assert part.endswith("here.")
    words = "word " * 200
    assert all(part.endswith("word") and len(part) > 270 for part in split(words, 280)[:-1])


def test_a_short_sentence_does_not_make_a_short_part() -> None:
    first = split("Hi. " + "word " * 100, 280)[0]
    assert len(first) > 200


def test_lines_are_ends_of_sentences() -> None:
    assert split("a" * 200 + "\n" + "b" * 200, 280) == ["a" * 200, "b" * 200]


def test_what_fits_stays_whole() -> None:
    assert split("Hi.\n\nThere.", 280) == ["Hi.\n\nThere."]
    assert split(" \n ", 280) == []


def test_a_link_counts_23_and_stays_whole() -> None:
    url = "https://example.com/" + "a" * 400
    parts = split(f"{'word ' * 50}{url} and {'word ' * 60}", 280)
    assert sum(url in part for part in parts) == 1
    assert [link.url for part in parts for link in links(part)] == [url]


def test_a_heap_of_marks_is_refused() -> None:
    with pytest.raises(UsageError, match="marks"):
        split("a" + "\u0301" * 1000, 280)


@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "a. " * 100_000, "x.com" * 60_000, "🇩🇪" * 75_000, "\u0301 " * 100_000, ". " * 100_000,
     "\n" * 300_000, "https://a.de/" * 20_000, "漢" * 200_000, "a\u0301b" * 90_000],
)  # fmt: skip
def test_it_is_linear(text: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        with suppress(UsageError):
            split(text[:size], 280)
        return time.process_time() - began

    short, long = max(seconds(30_000), 0.01), seconds(240_000)
    assert long < short * 8 * 4, "eight times the text may not take much more than eight times as long"
