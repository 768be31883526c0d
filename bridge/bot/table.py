"""The table of verbs: it joins the rows of each noun, in the order of the help, and finds a row by what was typed.

It knows which modules hold verbs, and nothing of what they do.
"""

from collections.abc import Mapping, Sequence

from bridge.bot import (
    accepting,
    approving,
    asking,
    choosing,
    drafting,
    freezing,
    linking,
    policies,
    posting,
    recording,
    recovering,
    scheduling,
    sharing,
    showing,
    teams,
    threading,
    undoing,
    unlinking,
)
from bridge.bot.asked import Command


def by_word(commands: Sequence[Command]) -> Mapping[str, Command]:
    """Every name and alias, in lower case, to its row. Raises ValueError when two rows claim one word."""
    found: dict[str, Command] = {}
    for command in commands:
        for word in (command.name, *command.aliases):
            if word in found:
                raise ValueError(f"two verbs are called {word}")
            found[word] = command
    return found


COMMANDS: tuple[Command, ...] = (
    *posting.COMMANDS,
    *threading.COMMANDS,
    *scheduling.COMMANDS,
    *drafting.COMMANDS,
    *approving.COMMANDS,
    *undoing.COMMANDS,
    *asking.COMMANDS,
    *linking.COMMANDS,
    *unlinking.COMMANDS,
    *choosing.COMMANDS,
    *policies.COMMANDS,
    *freezing.COMMANDS,
    *recording.COMMANDS,
    *sharing.COMMANDS,
    *teams.COMMANDS,
    *accepting.COMMANDS,
    *recovering.COMMANDS,
    *showing.COMMANDS,
)
VERBS = by_word(COMMANDS)
