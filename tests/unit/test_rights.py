"""Every verb by every role, and by somebody with none, under every policy: who may, who may not, and the exact answer.

The table stands in ``rights.txt``, for people to read and to compare. After a change that is wanted, make it anew with
``python -m tests.unit.test_rights`` and read what changed in it. ``docs/rights.md`` is made from it too.
"""

import asyncio
import difflib
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bridge.bot.table import COMMANDS
from tests.unit.bot_scene import open_scene
from tests.unit.rights_rows import POLICIES, SITUATIONS, offered, shared
from tests.unit.rights_scene import ASKERS, OUT_ID, House, Situation

HERE = Path(__file__).parent
TABLE = HERE / "rights.txt"
PAGE = HERE.parent.parent / "docs" / "rights.md"
USUAL = next(iter(POLICIES))

Cells = dict[Situation, dict[str, dict[str, str]]]
"""What came of it, by situation, policy and asker."""

_NEW_DRAFT = re.compile(r": new \w+, draft")
_CHANGE = re.compile(r"^k\w+(: | holds)", re.MULTILINE)
_HEAD = """\
What the bot answers, and what comes of it: every verb, by every role, under every policy.

ME is who asks. "| " is said as a reply; an emoji is put on the command. "nobody" has no account, "other team" owns
another account, "operator" runs the bot; none of the three has a role on @acme. Behind the usual policy stand only
those answers that are others under another one; where most of it is the same, only the lines that go (-) and come (+).
"""


async def cells(folder: Path) -> Cells:
    found: Cells = {}
    async with open_scene(folder) as scene:
        house = await House.build(scene)
        for situation in SITUATIONS:
            found[situation] = {
                name: {asker: await house.outcome(situation, rules, who) for asker, who in ASKERS.items()}
                for name, rules in POLICIES.items()
            }
    return found


# ---------------------------------------------------------------- the table


def table(found: Cells) -> str:
    lines, verb = [_HEAD], ""
    for situation, by_policy in found.items():
        if situation.verb != verb:
            verb = situation.verb
            lines.append(f"{'=' * 100}\n{verb}\n")
        title = situation.title.replace("\n", "⏎")
        lines.append(f"## {title}")
        usual = by_policy[USUAL]
        lines += _grouped(usual)
        for policy, answers in list(by_policy.items())[1:]:
            other = {asker: _differs(usual[asker], said) for asker, said in answers.items() if said != usual[asker]}
            if other:
                lines += [f"-- {policy}", *_grouped(other)]
        lines.append("")
    return "\n".join(lines)


def _differs(usual: str, said: str) -> str:
    """Only the lines that differ; the whole where that is most of it."""
    old, new = usual.splitlines(), said.splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    if matcher.ratio() < 0.5:
        return said
    changed = [part for part in matcher.get_opcodes() if part[0] != "equal"]
    return "\n".join(
        line
        for _, was, until, now, end in changed
        for line in (*(f"- {x}" for x in old[was:until]), *(f"+ {x}" for x in new[now:end]))
    )


def _grouped(answers: Mapping[str, str]) -> list[str]:
    """Those who get the same answer stand together."""
    groups: dict[str, list[str]] = {}
    for asker, said in answers.items():
        groups.setdefault(said, []).append(asker)
    return [
        line
        for said, askers in groups.items()
        for line in (f"{', '.join(askers)}:", *(f"    {part}".rstrip() for part in said.splitlines()))
    ]


# ---------------------------------------------------------------- the page


def may(found: Cells, verb: str, policy: str, asker: str) -> str:
    """In a word, for people."""
    mine = {situation: by[policy][asker] for situation, by in found.items() if situation.verb == verb}
    others = [said for situation, said in mine.items() if not situation.own and _done(situation, said)]
    if others and all(_NEW_DRAFT.search(said) for said in others):
        return "as a draft"
    own = any(_done(situation, said) for situation, said in mine.items() if situation.own)
    return "yes" if others else "their own" if own else "no"


def _done(situation: Situation, said: str) -> bool:
    """A refused command has a ❌; what is no command (a reaction, an edit) did something where a row changed."""
    return not said.startswith("❌\n") if situation.does is None else _CHANGE.search(said) is not None


def page(found: Cells) -> str:
    names = list(ASKERS)[:5]
    lines = [
        "# Who may say what",
        "",
        'By the role on the account that it is about; "their own" means their own posts. Made by',
        "`python -m tests.unit.test_rights` from what the bot does; the exact answers, under each policy too, stand in",
        "[rights.txt](../tests/unit/rights.txt).",
        "",
        f"| verb | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for command in COMMANDS:
        words = [may(found, command.name, USUAL, asker) for asker in names]
        lines.append(f"| `{command.name}` | {' | '.join(words)} |")
    lines += ["", "What policies change in that:", "", "| policy | verb | who | may |", "|---|---|---|---|"]
    for policy in list(POLICIES)[1:]:
        for command in COMMANDS:
            changed: dict[str, list[str]] = {}
            for asker in names:
                now = may(found, command.name, policy, asker)
                if now != may(found, command.name, USUAL, asker):
                    changed.setdefault(now, []).append(asker)
            lines += [f"| {policy} | `{command.name}` | {', '.join(who)} | {now} |" for now, who in changed.items()]
    return "\n".join([*lines, ""])


# ---------------------------------------------------------------- held to be so


async def test_everybody_gets_exactly_the_answer_in_the_table(tmp_path: Path) -> None:
    found = await cells(tmp_path)
    said, kept = table(found).splitlines(), TABLE.read_text("utf-8").splitlines()
    assert said == kept, "read the difference; where it is wanted: python -m tests.unit.test_rights"
    assert page(found).splitlines() == PAGE.read_text("utf-8").splitlines(), "python -m tests.unit.test_rights"


_NAMES = {"acme": "amce", "k1": "k9", "k2": "k9", "q1": "q9", OUT_ID: "1800000000000000009"}
"""What there is, and what there is not."""


async def test_strangers_are_answered_as_if_there_were_no_such_account_or_post(tmp_path: Path) -> None:
    """Whatever they name, and by whatever verb; what is theirs or was offered to them they know."""
    async with open_scene(tmp_path) as scene:
        house = await House.build(scene)
        compared = 0
        for situation in SITUATIONS:
            named = [name for name in _NAMES if name in situation.said]
            if not named or situation.own or situation.make is offered or situation.make is shared:
                continue
            other = replace(situation, said=_without(situation.said))
            for asker in ("nobody", "other team", "operator"):
                said = await house.outcome(situation, POLICIES[USUAL], ASKERS[asker])
                assert _without(said) == _without(await house.outcome(other, POLICIES[USUAL], ASKERS[asker])), situation
                compared += 1
        assert compared > 150


def _without(said: str) -> str:
    for name, nobody in _NAMES.items():
        said = said.replace(name, nobody)
    return said


def test_each_verb_stands_in_the_table() -> None:
    assert {command.name for command in COMMANDS} == {situation.verb for situation in SITUATIONS}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = asyncio.run(cells(Path(folder)))
    TABLE.write_text(table(made), "utf-8")
    PAGE.write_text(page(made), "utf-8")
    sys.stdout.write(f"{TABLE}\n{PAGE}\n")
