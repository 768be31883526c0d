"""Reads a time to come in people's words: ``18:30``, ``in 2h``, ``tomorrow 9:00 Europe/Berlin``, ``friday 9am``.

It knows calendars, clocks and zones, and nothing of posts. The common forms are read by rules of its own, so that
nothing is guessed; a date in other words (``1st of december``) is left to dateparser, which sees the date only. The
length is bounded first: anybody can send anything. What is past, far away or has two meanings raises UsageError.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from bridge.errors import UsageError

LONGEST = 80
"""Characters of a time; more are no time."""
FARTHEST = 366
"""Days."""
FORMS = "18:30 · in 20 seconds · in 2h · tomorrow 9:00 · friday 9am · 2026-12-01 09:00"

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_UNIT = r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)"
_SPAN = re.compile(rf"([0-9]{{1,8}}) ?{_UNIT}(?![a-z])(?: ?, ?| and | )?", re.ASCII)
_GLUED = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(z|[+-][0-9]{2}:?[0-9]{2})\Z", re.ASCII)
_CLOCK = re.compile(
    r"(?:\bat )?(?<![0-9:.+-])(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([ap])\.?m\b\.?)?"
    r"|([0-9]{1,2}) ?([ap])\.?m\b\.?|\b(noon|midnight)\b)(?![0-9:])",
    re.ASCII,
)
_SHOWN_ZONE = re.compile(r" [a-z]{2,5} \(([a-z_]+/[a-z_/+-]+)\)\Z", re.ASCII)
"""A zone as ``absolute`` writes it."""
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.ASCII)
_ZONE_NAME = re.compile(r"[a-z0-9_+/-]{1,64}", re.ASCII)
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", re.ASCII)
_NUMBERS = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})(?:[./-]([0-9]{4})|[./]?)", re.ASCII)
_LATER_DAY = re.compile(r"in ([0-9]{1,3}) (day|week)s?", re.ASCII)
_WORDS = re.compile(r"[a-z0-9 ,.']+", re.ASCII)
_SHORT_NAMES = re.compile(
    "ac[sd]t|ae[sd]t|ak[sd]t|aw[sd]t|bst|cat|ces?t|cdt|cst|ea?[sdt]t|ee?st|gst|hst|ist|jst|kst|m[sd]t|met|msk|nz[sd]t"
    "|p[sdk]t|sast|sgt|wat|wes?t|wib"
)
"""What people call zones. Several places share most of them, and some hold in half of the year only."""


class NotToCome(UsageError):
    """The time is understood, and is none at which something can be done: it is past, or too far away."""


@dataclass(frozen=True, slots=True)
class When:
    """A time to come: ``at`` in Unix seconds, the ``zone`` that it was meant in, and a sentence about a choice that had
    to be made (empty: none).
    """

    at: float
    zone: tzinfo
    note: str = ""


def read(text: str, now: float, default: tzinfo) -> When:
    """The time that ``text`` names, after ``now`` (Unix seconds), in ``default`` where it names no zone.

    Raises UsageError in plain words: not understood, two meanings; NotToCome: past, or more than a year away.
    """
    said = _plain(text)
    seconds = _span(said)
    if seconds is not None:
        if seconds < 1:
            raise NotToCome("That is now. Name a time to come.")
        _check_far(now + seconds, now)
        return When(now + seconds, default)
    said, zone, called = _zone_behind(_GLUED.sub(r"\1 \2", _SHOWN_ZONE.sub(r" \1", said)), default)
    rest, clock = _clock(said, text, datetime.fromtimestamp(now, zone).date())
    when = _choose(_dates(rest, clock, now, zone, text), clock, now, zone)
    if called and datetime.fromtimestamp(when.at, zone).tzname() != called:
        raise UsageError(f"It is not {called} then in {zone}. Leave that away, or write +01:00 behind the time.")
    return when


def resembles(text: str) -> bool:
    """Whether somebody may have meant ``text`` as a time, though perhaps ``read`` does not understand it: it is short,
    and begins as times do.
    """
    said = " ".join(text.lower().split())
    if not said or len(said) > LONGEST:
        return False
    first = said.removeprefix("on ").removeprefix("this ").removeprefix("next ").partition(" ")[0]
    return (
        re.fullmatch(r"(?:at )?[0-9]{1,2}|in [0-9].*", said) is not None
        or bool(_CLOCK.match(said))
        or _date_like(first)
    )


def absolute(at: float, zone: tzinfo) -> str:
    """A time in full: ``Tuesday 1 December 2026, 09:00 CET (Europe/Berlin)``."""
    when = datetime.fromtimestamp(at, zone)
    clock = f"{when:%H:%M:%S}" if when.second else f"{when:%H:%M}"
    name, place = when.tzname() or "", str(zone)
    where = place if name == place or name.startswith(("+", "-")) else f"{name} ({place})"
    return f"{when:%A} {when.day} {when:%B %Y}, {clock} {where}"


# ---------------------------------------------------------------- zones


def zone(name: str) -> tzinfo:
    """The zone called so: an IANA name in any case, a city of one, UTC, or an offset. Raises UsageError."""
    said = " ".join(name.split()).lower().replace(" ", "_")[:65]
    found = _zone(said)
    if found is None:
        raise UsageError(f"I know no time zone “{_shown(name)}”. Write a place such as Europe/Berlin, or UTC.")
    return found


def _zone(said: str) -> tzinfo | None:
    """As ``zone``, of lower-case text; None when it is none. Raises UsageError for what names several places."""
    if said in ("utc", "gmt", "z"):
        return UTC
    if (offset := _OFFSET.fullmatch(said)) is not None:
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        if hours > 14 or minutes > 59:
            return None
        away = timedelta(hours=hours, minutes=minutes)
        return timezone(-away if sign == "-" else away)
    if _SHORT_NAMES.fullmatch(said) is not None:
        raise UsageError(f"{said.upper()} is used in more than one place. Write one, such as Europe/Berlin, or +01:00.")
    if _ZONE_NAME.fullmatch(said) is None:
        return None
    keys = _zones().get(said, ())
    if len(keys) > 1:
        raise UsageError(f"Which time zone: {' or '.join(keys)}?")
    return ZoneInfo(keys[0]) if keys else None


@cache
def _zones() -> dict[str, tuple[str, ...]]:
    """The IANA names by their lower-case form, and those with one city by that city."""
    names = sorted(key for key in available_timezones() if "/" in key and not key.startswith("Etc/"))
    found = {key.lower(): (key,) for key in names}
    cities: dict[str, tuple[str, ...]] = {}
    for key in names:
        if key.count("/") == 1 and not key.startswith(("US/", "Canada/", "Brazil/", "Chile/", "Mexico/", "Australia/")):
            city = key.rpartition("/")[2].lower()
            cities[city] = (*cities.get(city, ()), key)
    for key in ("Sydney", "Melbourne", "Brisbane", "Perth", "Adelaide", "Darwin", "Hobart"):
        cities[key.lower()] = (f"Australia/{key}",)
    return cities | found


def _zone_behind(said: str, default: tzinfo) -> tuple[str, tzinfo, str]:
    """The text without the zone at its end, the zone, and what that was called where it was by its short name, which
    means ``default`` where people call that so, in one half of the year or the other.
    """
    before, _, last = said.rpartition(" ")
    called = last.upper()
    theirs = {datetime(2026, month, 1, tzinfo=default).tzname() for month in (1, 7)}
    if before and _SHORT_NAMES.fullmatch(last) is not None and called in theirs:
        return before, default, called
    found = _zone(last) if before else None
    if found is not None:
        return before, found, ""
    if "/" in last and last[0].isalpha():
        raise UsageError(f"I know no time zone “{_shown(last)}”. Write a place such as Europe/Berlin, or UTC.")
    return said, default, ""


# ---------------------------------------------------------------- words


def _plain(text: str) -> str:
    if len(text) > LONGEST:
        raise UsageError(f"That is no time. I understand: {FORMS}, with a zone behind it if you like (Europe/Berlin).")
    said = " ".join(text.lower().replace("\u2019", "'").split())
    if not said:
        raise UsageError(f"When? I understand: {FORMS}.")
    return re.sub(r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})t(?=[0-9])", r"\1 ", said)


def _shown(text: str) -> str:
    """What somebody typed, fit to be quoted."""
    return "".join(c if c.isprintable() and unicodedata.category(c) != "Cs" else " " for c in text[:40]).strip()


def _not_understood(text: str) -> UsageError:
    hint = "with a zone behind it if you like (Europe/Berlin)"
    return UsageError(f"I do not understand “{_shown(text)}” as a time. I understand: {FORMS}, {hint}.")


def _span(said: str) -> float | None:
    """The seconds of ``in 1h 30 min``; None when the text is nothing like it."""
    said = said.removeprefix("in ")
    said = {"an hour": "1h", "half an hour": "30m", "a minute": "1m", "a day": "1d", "a week": "1w"}.get(said, said)
    total, place = 0, 0
    while (match := _SPAN.match(said, place)) is not None:
        total += int(match[1]) * _UNITS[match[2][0]]
        place = match.end()
    return float(total) if place and place == len(said) else None


def _clock(said: str, text: str, today: date) -> tuple[str, time]:
    """The rest of the text, and its time of the day. Raises UsageError: it has none, several, or an impossible one."""
    found = list(_CLOCK.finditer(said))
    if not found:
        if (bare := re.search(r"(?:\A|\bat )([0-9]{1,2})\Z", said)) is not None:
            number = bare[1]
            raise UsageError(f"Do you mean {number}:00 or {number}pm? Write 9:00 or 9pm.")
        if _date_like(said):
            _by_numbers(said.removeprefix("on "), today)  # which day that is comes first
            raise UsageError(f"At what time? Write it too, such as {_shown(text)} 9:00.")
        raise _not_understood(text)
    if len(found) > 1:
        raise UsageError(f"“{_shown(text)}” names several times. Name one.")
    match = found[0]
    rest = " ".join(f"{said[: match.start()]} {said[match.end() :]}".replace(",", " ").split())
    return rest, _time(match)


def _time(match: re.Match[str]) -> time:
    hour, minute, second, half, only_hour, only_half, name = match.groups()
    if name is not None:
        return time(12 if name == "noon" else 0)
    hours, half = int(hour or only_hour), half or only_half
    if half is not None:
        if not 1 <= hours <= 12:
            raise UsageError(f"There is no {hours} {half}m. Write 9pm or 21:00.")
        hours = hours % 12 + (12 if half == "p" else 0)
    if hours > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        raise UsageError(
            f"There is no {match[0].strip().removeprefix('at ')} on a clock. The day goes from 0:00 to 23:59."
        )
    return time(hours, int(minute or 0), int(second or 0))


# ---------------------------------------------------------------- days


def _date_like(said: str) -> bool:
    bare = said.removeprefix("on ").removeprefix("this ").removeprefix("next ")
    return (
        bare in (*_DAYS, "today", "tomorrow", "tonight", "day after tomorrow")
        or _weekday(bare) is not None
        or _ISO.fullmatch(bare) is not None
        or _NUMBERS.fullmatch(bare) is not None
        or _other(bare, date(2026, 1, 1)) is not None
    )


def _weekday(said: str) -> int | None:
    if not 3 <= len(said) <= 9:
        return None
    said = {"thurs": "thu", "thur": "thu", "tues": "tue", "weds": "wed"}.get(said, said)
    return next((n for n, day in enumerate(_DAYS) if said in (day, day[:3])), None)


def _dates(rest: str, clock: time, now: float, place: tzinfo, text: str) -> list[date]:
    """The days that may be meant, the nearest first: the first of them on which the time is still to come is it."""
    today = datetime.fromtimestamp(now, place).date()
    rest = rest.removeprefix("on ")
    fixed = {"today": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2, "the day after tomorrow": 2}
    if not rest:
        return [today, today + timedelta(1), today + timedelta(2)]
    if rest in fixed:
        return [today + timedelta(fixed[rest])]
    if (number := _weekday(rest.removeprefix("this "))) is not None:
        first = today + timedelta((number - today.weekday()) % 7)
        return [first, first + timedelta(7)]
    if rest.startswith("next ") and (number := _weekday(rest[5:])) is not None:
        first = today + timedelta((number - today.weekday() - 1) % 7 + 1)
        days = " or ".join(f"{day.isoformat()} {clock:%H:%M}" for day in (first, first + timedelta(7)))
        raise UsageError(f"“{_shown(rest)}” has two meanings. Which one? {days}")
    if (later := _LATER_DAY.fullmatch(rest)) is not None:
        return [today + timedelta(int(later[1]) * (7 if later[2] == "week" else 1))]
    found = _by_numbers(rest, today) or _other(rest, today)
    if found is None:
        raise _not_understood(text)
    return [found]


def _by_numbers(said: str, today: date) -> date | None:
    """``2026-12-01``, ``25.12.``, ``12/25/2026``. Raises UsageError: day and month could be either, or do not exist."""
    iso = _ISO.fullmatch(said)
    if iso is not None:
        return _date(int(iso[1]), int(iso[2]), int(iso[3]), said)
    match = _NUMBERS.fullmatch(said)
    if match is None:
        return None
    one, other = int(match[1]), int(match[2])
    if one != other and one <= 12 and other <= 12:
        raise UsageError(f"“{said}” has two meanings: which is the day? Write it in the form {today.isoformat()}.")
    day, month = (one, other) if other <= 12 else (other, one)
    if match[3] is not None:
        return _date(int(match[3]), month, day, said)
    this = _date(today.year, month, day, said)
    return this if this >= today else _date(today.year + 1, month, day, said)


def _date(year: int, month: int, day: int, said: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise UsageError(f"There is no day “{said}” in the calendar.") from None


def _other(said: str, today: date) -> date | None:
    """A date in other words, by dateparser."""
    if _WORDS.fullmatch(said) is None or not re.search("[a-z]{3}", said):
        return None
    import dateparser  # here: it takes a tenth of a second, and few ever need it

    base = datetime.combine(today, time())  # it keeps settings for ever: one a day is few, one a second is not
    try:
        found = dateparser.parse(
            said,
            languages=["en"],
            settings={
                "RELATIVE_BASE": base,
                "PREFER_DATES_FROM": "future",
                "REQUIRE_PARTS": ["day", "month"],
                "RETURN_AS_TIMEZONE_AWARE": False,
            },
        )
    except Exception:  # noqa: BLE001  # it breaks in many ways on odd text, which is then no date
        return None
    return None if found is None else found.date()


# ---------------------------------------------------------------- the moment


def _choose(days: list[date], clock: time, now: float, place: tzinfo) -> When:
    today = datetime.fromtimestamp(now, place).date()
    if (days[0] - today).days > FARTHEST:
        raise _far()
    for day in days:
        if (day - today).days < -1:
            continue
        for at, note in _moments(day, clock, place):
            if at > now:
                _check_far(at, now)
                return When(at, place, note)
    raise NotToCome(f"That is past: it is {absolute(now, place)} now.")


def _moments(day: date, clock: time, place: tzinfo) -> Iterator[tuple[float, str]]:
    """The moments at which the clocks there show that time, and what to say of each. When they go forward over it, the
    moment that comes as long after the change.
    """
    naive = datetime.combine(day, clock)
    first, second = naive.replace(tzinfo=place), naive.replace(tzinfo=place, fold=1)
    if first.utcoffset() == second.utcoffset():
        yield first.timestamp(), ""
        return
    taken = first.astimezone(UTC).astimezone(place)
    if taken.replace(tzinfo=None) != naive:
        note = f"{clock:%H:%M} does not exist that night: the clocks go forward. I take {taken:%H:%M %Z}."
        yield taken.timestamp(), note
        return
    twice = f"{clock:%H:%M} happens twice that night; I take the"
    later = f"{second:%z}"
    yield (
        first.timestamp(),
        f"{twice} first, {first:%H:%M %Z}. For the second, write {later[:3]}:{later[3:5]} behind it.",
    )
    yield second.timestamp(), f"{twice} second, {second:%H:%M %Z}: the first is past."


def _check_far(at: float, now: float) -> None:
    if at - now > FARTHEST * 86400.0:
        raise _far()


def _far() -> NotToCome:
    return NotToCome("That is more than a year away. Name a time within a year.")
