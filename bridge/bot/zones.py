"""In whose time zone a time is said. It knows what people and the operator chose, and no time."""

from datetime import tzinfo

from bridge import times
from bridge.bot.asked import House
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import Identity


def zone_of(tx: Tx, who: Identity, house: House) -> tzinfo:
    """That person's zone, else the configured one."""
    kept = tx.people.zone(who)
    try:
        return times.zone(kept) if kept else house.zone
    except UsageError:  # the machine's list of zones does not have it any more
        return house.zone
