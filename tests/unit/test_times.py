"""Times in people's words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import times
from bridge.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 19, 40, 30, tzinfo=UTC).timestamp()
"""A Tuesday; 20:40:30 in Berlin."""


FROM = datetime(2026, 11, 26)  # noqa: DTZ001  # what clocks on a wall show
TO = datetime(2027, 11, 22)  # noqa: DTZ001  # as above


def said(text: str, now: float = NOW) -> str:
    when = times.read(text, now, BERLIN)
    return times.absolute(when.at, when.zone)


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("18:30", "Wednesday 25 November 2026, 18:30 CET (Europe/Berlin)"),
        ("21:00", "Tuesday 24 November 2026, 21:00 CET (Europe/Berlin)"),
        ("in 20 seconds", "Tuesday 24 November 2026, 20:40:50 CET (Europe/Berlin)"),
        ("in 2h", "Tuesday 24 November 2026, 22:40:30 CET (Europe/Berlin)"),
        ("in 1h30m", "Tuesday 24 November 2026, 22:10:30 CET (Europe/Berlin)"),
        ("1 hour and 5 minutes", "Tuesday 24 November 2026, 21:45:30 CET (Europe/Berlin)"),
        ("tomorrow 9:00 Europe/Berlin", "Wednesday 25 November 2026, 09:00 CET (Europe/Berlin)"),
        ("tomorrow 9:00 america/new_york", "Wednesday 25 November 2026, 09:00 EST (America/New_York)"),
        ("tomorrow 9:00 CET", "Wednesday 25 November 2026, 09:00 CET (Europe/Berlin)"),
        ("2027-07-01 9:00 cest", "Thursday 1 July 2027, 09:00 CEST (Europe/Berlin)"),
        ("tomorrow 9:00 EST (America/New_York)", "Wednesday 25 November 2026, 09:00 EST (America/New_York)"),
        (
            "Wednesday 25 November 2026, 09:00 CET (Europe/Berlin)",
            "Wednesday 25 November 2026, 09:00 CET (Europe/Berlin)",
        ),
        ("9:00 tokyo", "Wednesday 25 November 2026, 09:00 JST (Asia/Tokyo)"),
        ("2026-12-01 09:00", "Tuesday 1 December 2026, 09:00 CET (Europe/Berlin)"),
        ("2026-12-01T09:00Z", "Tuesday 1 December 2026, 09:00 UTC"),
        ("2026-12-01 09:00 +05:30", "Tuesday 1 December 2026, 09:00 UTC+05:30"),
        ("friday 9am", "Friday 27 November 2026, 09:00 CET (Europe/Berlin)"),
        ("on Fri at 9:15 pm", "Friday 27 November 2026, 21:15 CET (Europe/Berlin)"),
        ("tuesday 21:00", "Tuesday 24 November 2026, 21:00 CET (Europe/Berlin)"),
        ("tuesday 20:00", "Tuesday 1 December 2026, 20:00 CET (Europe/Berlin)"),
        ("9am", "Wednesday 25 November 2026, 09:00 CET (Europe/Berlin)"),
        ("12am", "Wednesday 25 November 2026, 00:00 CET (Europe/Berlin)"),
        ("noon", "Wednesday 25 November 2026, 12:00 CET (Europe/Berlin)"),
        ("25.12. 9:00", "Friday 25 December 2026, 09:00 CET (Europe/Berlin)"),
        ("12/25/2026 9:00", "Friday 25 December 2026, 09:00 CET (Europe/Berlin)"),
        ("1st of january at 9am", "Friday 1 January 2027, 09:00 CET (Europe/Berlin)"),
        ("in 2 days 9:00", "Thursday 26 November 2026, 09:00 CET (Europe/Berlin)"),
    ],
)
def test_what_people_write(text: str, is_: str) -> None:
    assert said(text) == is_
    assert said(f"  {text.upper() if 'T09' not in text else text} ") == is_


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "When?"),
        ("soon", "do not understand"),
        ("9", "9:00 or 9pm"),
        ("tomorrow", "At what time"),
        ("1 december", "At what time"),
        ("9:00 10:00", "several times"),
        ("03/04 9:00", "two meanings"),
        ("next friday 9:00", "2026-11-27 09:00 or 2026-12-04 09:00"),
        ("9:00 cst", "more than one place"),
        ("9:00 Foo/Bar", "no time zone"),
        ("25:00", "no 25:00"),
        ("13pm", "no 13 pm"),
        ("2026-02-30 9:00", "no day"),
        ("today 9:00", "past"),
        ("yesterday 9:00", "past"),
        ("2026-11-24 20:40", "past"),
        ("2020-01-01 9:00", "past"),
        ("in 0 seconds", "is now"),
        ("in 400 days", "more than a year"),
        ("9999-12-31 23:59", "more than a year"),
        ("x" * 500_000, "no time"),
    ],
)
def test_what_is_refused_and_why(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        times.read(text, NOW, BERLIN)


# ---------------------------------------------------------------- the two nights of a year


def test_a_time_that_does_not_exist_is_moved_and_said() -> None:
    when = times.read("2027-03-28 02:30", NOW, BERLIN)
    assert times.absolute(when.at, when.zone) == "Sunday 28 March 2027, 03:30 CEST (Europe/Berlin)"
    assert when.note == "02:30 does not exist that night: the clocks go forward. I take 03:30 CEST."


def test_a_time_that_happens_twice_is_the_first_and_said() -> None:
    when = times.read("2027-10-31 02:30", NOW, BERLIN)
    assert times.absolute(when.at, when.zone) == "Sunday 31 October 2027, 02:30 CEST (Europe/Berlin)"
    assert when.note.startswith("02:30 happens twice that night; I take the first, 02:30 CEST.")
    assert times.read("2027-10-31 02:30 +01:00", NOW, BERLIN).at == when.at + 3600.0


def test_between_the_two_it_is_the_second() -> None:
    between = datetime(2027, 10, 31, 0, 45, tzinfo=UTC).timestamp()
    when = times.read("02:30", between, BERLIN)
    assert when.at == between + 2700.0
    assert "second, 02:30 CET" in when.note


@pytest.mark.parametrize(
    ("zone", "day"), [("Australia/Lord_Howe", "2027-04-04 01:45"), ("America/Havana", "2027-03-14 00:30")]
)
def test_odd_zones_too(zone: str, day: str) -> None:
    when = times.read(f"{day} {zone}", NOW, BERLIN)
    assert when.note


@given(st.datetimes(FROM, TO), st.sampled_from(["Europe/Berlin", "America/New_York",
       "Australia/Lord_Howe", "Pacific/Apia", "UTC", "Asia/Kathmandu"]))  # fmt: skip
@settings(max_examples=300)
def test_the_clocks_there_show_what_was_said(when: datetime, name: str) -> None:
    place = times.zone(name)
    found = times.read(f"{when:%Y-%m-%d %H:%M} {name}", NOW, BERLIN)
    shown = datetime.fromtimestamp(found.at, place)
    assert "does not exist" in found.note or f"{shown:%F %R}" == f"{when:%F %R}"
    assert found.at > NOW
    assert abs(shown.replace(tzinfo=None) - when) < timedelta(hours=1, minutes=1)


WORDS = st.sampled_from(
    ["in", "9:00", "am", "pm", "next", "friday", "1", "12", "h", ".", "/", "-", "+", ":", "Z", "utc", "march",
     "2026-13-45", "\ud800", "\0", "2027-03-28", "02:30", "\u0661"]
)  # fmt: skip


@given(st.text(max_size=120) | st.lists(WORDS, max_size=12).map(" ".join))
@settings(max_examples=500)
def test_hostile_text_is_a_time_within_the_year_or_a_usage_error(text: str) -> None:
    answer = ""
    try:
        when = times.read(text, NOW, BERLIN)
    except UsageError as error:
        answer = str(error)
    else:
        assert NOW < when.at <= NOW + 366 * 86400
        answer = times.absolute(when.at, when.zone)
    answer.encode("utf-8")
    assert 0 < len(answer) < 400


# ---------------------------------------------------------------- zones


@pytest.mark.parametrize(
    ("name", "is_"),
    [("europe/berlin", "Europe/Berlin"), ("Berlin", "Europe/Berlin"), ("new york", "America/New_York"), ("utc", "UTC"),
     ("+05:30", "UTC+05:30"), ("utc-3", "UTC-03:00"), ("sydney", "Australia/Sydney")],
)  # fmt: skip
def test_zones_by_name(name: str, is_: str) -> None:
    assert str(times.zone(name)) == is_
    assert times.zone(is_) == times.zone(name), "what is kept is read again"


@pytest.mark.parametrize(
    "name", ["", "Foo/Bar", "../../etc/passwd", "x" * 10_000, "+99:00", "\0", "EST", "\ud800", "localtime"]
)
def test_no_zones(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        times.zone(name)
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize("text", ["2027-07-01 9:00 CET", "tomorrow 9:00 CEST"])
def test_a_short_name_of_the_own_zone_that_does_not_hold_then_is_asked_about(text: str) -> None:
    with pytest.raises(UsageError, match="It is not CE"):
        said(text)


def test_a_bare_hour_behind_a_day_is_asked_about() -> None:
    with pytest.raises(UsageError, match="Do you mean 9:00 or 9pm"):
        said("tomorrow at 9")
