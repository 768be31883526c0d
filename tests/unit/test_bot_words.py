"""How the bot quotes, and tells times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bot.words import moment, number, quote, span


@given(st.text(st.one_of(st.characters(), st.characters(categories=["Cs", "Cc", "Cf"]))))
def test_a_quote_is_one_short_clean_line(text: str) -> None:
    said = quote(text)
    assert said.startswith("“")
    assert said.endswith("”")
    assert len(said) <= 43
    assert all(c.isprintable() or c == "\u200d" for c in said)
    said.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "“hello”"),
        ("  two \n lines\t", "“two lines”"),
        ("a\u202eb\x00c\ud800d", "“a b c d”"),
        ("👩‍👩‍👧", "“👩‍👩‍👧”"),
        ("x" * 41, "“" + "x" * 40 + "…”"),
        (" " * 1000 + "late", "“…”"),
        ("", "“”"),
    ],
)
def test_quotes(text: str, said: str) -> None:
    assert quote(text) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (1200, "20 min"),
        (7200, "2 h"),
        (86400, "24 h"),
        (172800, "2 days"),
    ],
)
def test_spans(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_moment_is_never_told_too_early() -> None:
    noon = 1_800_014_400.0
    assert moment(noon, noon - 7200) == "12:00 UTC, in 2 h"
    assert moment(noon + 1, noon - 7200) == "12:01 UTC, in 2 h"


def test_numbers() -> None:
    assert (number(1, "post"), number(0, "post"), number(2, "post")) == ("1 post", "0 posts", "2 posts")
