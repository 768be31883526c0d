"""The grammar of commands."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bot.parse import Bare, Pin, Spoken, Unknown, distance, nearest, read
from bridge.bot.table import COMMANDS, VERBS, by_word

SURROGATES = st.characters(categories=["Cs"])
ANYTHING = st.text(st.one_of(st.characters(), SURROGATES))


def spoken(text: str, *, direct: bool = False, prefix: str = "!") -> tuple[str, str | None, str] | None:
    reading = read(text, prefix=prefix, direct=direct, verbs=VERBS)
    return (reading.command.name, reading.account, reading.text) if isinstance(reading, Spoken) else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!tweet hello", ("tweet", None, "hello")),
        ("!TwEeT hello", ("tweet", None, "hello")),
        ("!t hello", ("tweet", None, "hello")),
        ("!tweet  two spaces", ("tweet", None, " two spaces")),
        ("!tweet\nfirst\n\nsecond ", ("tweet", None, "first\n\nsecond ")),
        ("!tweet\r\nfirst", ("tweet", None, "first")),
        ('!tweet "it\'s" \\n $HOME', ("tweet", None, '"it\'s" \\n $HOME')),
        ("!tweet@acme hello", ("tweet", "acme", "hello")),
        ("!tweet@acme", ("tweet", "acme", "")),
        ("!tweet@ hello", ("tweet", "", "hello")),
        ("!tweet", ("tweet", None, "")),
        ("!tweet @acme hi", ("tweet", None, "@acme hi")),
        ("tweet hello", None),
        (" !tweet hello", None),
        ("", None),
        ("!", None),
        ("! tweet hello", None),
        ("!!tweet", None),
        ("hello !tweet", None),
    ],
)
def test_a_command_is_read_and_its_text_stays_raw(text: str, expected: object) -> None:
    assert spoken(text) == expected


def test_the_prefix_is_a_setting() -> None:
    assert spoken("?!tweet hi", prefix="?!") == ("tweet", None, "hi")
    assert spoken("!tweet hi", prefix="?!") is None


def test_in_a_dm_the_prefix_may_be_left_out_except_by_verbs_that_publish() -> None:
    assert spoken("link", direct=True) == ("link", None, "")
    assert spoken("use @acme", direct=True) == ("use", None, "@acme")
    for word in ("tweet", "t", "post", "reply", "retweet"):
        assert isinstance(read(f"{word} hello", prefix="!", direct=True, verbs=VERBS), Bare)
    assert spoken("!tweet hello", direct=True) == ("tweet", None, "hello")


@pytest.mark.parametrize("direct", [True, False])
def test_seven_digits_alone_may_be_a_pin(direct: bool) -> None:
    for text in ("1234567", " 1234567\n"):
        assert read(text, prefix="!", direct=direct, verbs=VERBS) == Pin("1234567")
    for text in ("123456", "12345678", "1234567 8", "x1234567", "١٢٣٤٥٦٧", "1234567" + " " * 100):
        assert not isinstance(read(text, prefix="!", direct=direct, verbs=VERBS), Pin)


def near(text: str, *, direct: bool = False) -> list[str]:
    reading = read(text, prefix="!", direct=direct, verbs=VERBS)
    return [word for word, _ in reading.near] if isinstance(reading, Unknown) else []


def test_an_unknown_verb_suggests_only_what_is_near() -> None:
    assert near("!twet hello")[0] == "tweet"
    assert near("!wteet hello")[0] == "tweet"
    assert near("!acounts")[0] == "accounts"
    assert near("!weather Helsinki") == []
    assert near("!x") == []
    assert near("!" + "tweet" * 1000) == []
    assert near("acounts", direct=True)[0] == "accounts"
    assert near("acounts are nice", direct=True) == []
    assert near("acounts") == []


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("tweet", "tweet", 0),
        ("twet", "tweet", 1),
        ("wteet", "tweet", 1),
        ("", "abc", 3),
        ("undo", "udno", 1),
        ("use", "pin", 3),
    ],
)
def test_distance(one: str, other: str, far: int) -> None:
    assert distance(one, other) == distance(other, one) == far


@given(st.text(string.ascii_lowercase, max_size=8), st.text(string.ascii_lowercase, max_size=8))
def test_distance_is_bounded_by_the_lengths(one: str, other: str) -> None:
    far = distance(one, other)
    assert abs(len(one) - len(other)) <= far <= max(len(one), len(other))
    assert (far == 0) == (one == other)
    assert nearest(one, [other]) in ([], [other])


@given(ANYTHING, st.booleans())
def test_reading_never_raises(text: str, direct: bool) -> None:
    read(text, prefix="!", direct=direct, verbs=VERBS)
    read("!" + text, prefix="!", direct=direct, verbs=VERBS)


@given(
    st.sampled_from(list(VERBS)),
    st.none() | st.text(string.ascii_letters + "_@", max_size=10),
    st.sampled_from([" ", "\n", "\t", "\u3000"]),
    ANYTHING,
)
def test_no_character_of_the_text_is_lost(word: str, account: str | None, gap: str, text: str) -> None:
    head = "!" + word.upper() + ("" if account is None else "@" + account)
    assert spoken(head + gap + text) == (VERBS[word].name, account, text)


def test_two_verbs_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two verbs"):
        by_word([*COMMANDS, COMMANDS[0]])


def test_each_row_of_the_table_reads_back_its_own_example() -> None:
    for command in COMMANDS:
        assert command.usage.startswith(command.name)
        assert spoken("!" + command.example) is not None, command.name
        assert command.help[0].isupper(), command.name
        assert command.help.endswith("."), command.name
