"""What seems to be a secret is neither said again nor written down."""

import pytest

from bridge import telltale
from bridge.bot.words import quote
from bridge.model import Role
from bridge.telltale import HIDDEN
from tests.unit.bot_scene import ANA, Scene

SECRETS = ("password: hunter2", "look:\n" + "AKIA" + "IOSFODNN7EXAMPLE", "-----BEGIN PRIVATE KEY-----\n" + "a" * 3000)


@pytest.mark.parametrize("text", SECRETS)
def test_quotes_hide_it(text: str) -> None:
    assert quote(text) == HIDDEN
    assert telltale.first_words(text) == HIDDEN


@pytest.mark.parametrize("text", ["hello", "call 555-234-5678", "the password is dead", ""])
def test_quotes_leave_the_rest_alone(text: str) -> None:
    assert quote(text) == f"“{text}”"
    assert telltale.first_words(text) == text


@pytest.mark.parametrize("verb", ["tweet", "draft", "tweet@akme", "undo", "send", "drop", "policy @acme"])
async def test_neither_answers_nor_the_log_repeat_a_secret(scene: Scene, verb: str) -> None:
    acme = await scene.account("acme", ana=Role.OWNER)
    words = await scene.ask(ANA, f"!{verb} password: hunter2 and more")
    deeds = await scene.store.transact(lambda tx: tx.log.of_account(acme.id, 10))
    assert "hunter2" not in "".join(deed.detail for deed in deeds)
    if verb != "draft":  # a preview shows exactly what will be visible
        assert "hunter2" not in words
