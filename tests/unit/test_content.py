"""Pages hold all of a text, whatever it is, and none is too large for a message."""

import json
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.bot import content, table
from bridge.bot.asked import House
from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Post, PostState
from bridge.vault import Vault
from tests.unit.bot_scene import ANA, NOW, PRESS

HOUSE = House({}, Vault([bytes(32)]), frozenset(), "!", 600.0, 50, table.COMMANDS, table.VERBS)
ACME = Account(1, "x", "1", "acme", premium=True)
LIMIT = 39_000
"""Of a message, as JSON, with what stands around its text."""

_pieces = st.sampled_from(("a", "語", "🙂", "\n", "│ ", "┆ ", "\u202e", '"', "\\", "\t", "\u2028", "x" * 50, "🙂" * 40))
_texts = st.lists(st.tuples(_pieces, st.integers(1, 1500)), min_size=1, max_size=12).map(
    lambda found: "".join(piece * times for piece, times in found)[:25_000]
)


def post(text: str) -> Post:
    return Post(
        7, Action.POST, 1, ANA, PRESS, "$m", None, Draft(text), None, None, PostState.DRAFT, NOW, NOW, NOW
    )  # fmt: skip


@settings(max_examples=150)
@given(_texts)
def test_a_text_is_shown_whole_in_the_preview_or_on_its_pages(text: str) -> None:
    tx = cast(Tx, None)  # a single post needs none
    lines = content.lines(tx, post(text), ACME, HOUSE)
    pages = content.pages(tx, post(text), ACME, HOUSE, "k7")
    cut = any(line.startswith("(too long to show whole here: ") for line in lines)
    assert cut is bool(pages)
    if not pages:
        assert [line[2:] for line in lines if line.startswith("│ ")] == text.splitlines()
        return
    assert len(pages) <= content.MOST_PAGES  # of one post, which X takes, all can be shown
    assert all(len(json.dumps(page)) < LIMIT for page in pages)
    shown = [line for page in pages for line in page.split("\n")[1:]]
    whole = "".join(("\n" if line[:2] == "│ " else "") + line[2:] for line in shown if line[:2] in ("│ ", "┆ "))
    assert whole.split("\n")[1:] == text.splitlines()
