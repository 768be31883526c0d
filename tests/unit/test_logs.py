"""What never reaches the log, whatever its level."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from nio.events import Event

from bridge import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


def test_what_a_stranger_sent_malformed_is_not_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("debug")
    Event.parse_event({"type": "m.room.message", "content": "the stranger's words " * 1000})
    assert "stranger" not in capsys.readouterr().err


def test_no_token_of_the_signing_libraries_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("debug")
    for name in ("requests_oauthlib.oauth1_session", "requests_oauthlib.oauth1_auth", "oauthlib.oauth1.rfc5849"):
        logging.getLogger(name).debug("token secret")
    assert "token secret" not in capsys.readouterr().err
