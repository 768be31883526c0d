"""How many posts a person may still make today. The operator pays for every post.

It counts the rows of the outbox over the last 24 hours. What is only held costs nothing, and does not count; but nobody
can make the bot hold without end.
"""

from bridge.bot.asked import House
from bridge.bot.words import moment, number
from bridge.errors import Refused
from bridge.interfaces import Tx
from bridge.model import Action, Identity, PostState

DAY = 86400.0
MOST_HELD = 500
"""How many posts above the cap a person can have waiting for their word."""


def left(tx: Tx, author: Identity, house: House, now: float) -> int:
    """How many posts ``author`` may still send in the 24 hours that end ``now``."""
    made = tx.posts.count_since(author, now - DAY)
    if made >= house.posts_per_day:
        made -= sum(1 for at in _held(tx, author) if at > now - DAY)
    return max(house.posts_per_day - made, 0)


def check(tx: Tx, author: Identity, house: House, now: float, *, held: bool, count: int = 1) -> None:
    """Raises Refused when ``author`` may not make ``count`` more posts now; ``held``: they would only wait."""
    if held:
        if tx.posts.count_since(author, now - DAY) + count > house.posts_per_day + MOST_HELD:
            raise Refused("Too many of your posts wait for your word already, so this one was not kept.")
        return
    remains = left(tx, author, house, now)
    if 0 < remains < count:
        raise Refused(
            f"It has {count} parts, and you may make {number(remains, 'more post')} today: the limit is"
            f" {house.posts_per_day} posts in 24 hours."
        )
    if not remains:
        raise Refused(
            f"You have reached the limit of {house.posts_per_day} posts in 24 hours."
            f" The next one is possible at {moment(next_time(tx, author, house, now), now)}."
        )


def next_time(tx: Tx, author: Identity, house: House, now: float) -> float:
    """When ``author`` may make the next post, to the second; found by halving, since only counts can be asked for."""
    early, late = now, now + DAY
    held = _held(tx, author)
    while late - early > 1.0:
        middle = (early + late) / 2
        made = tx.posts.count_since(author, middle - DAY) - sum(1 for at in held if at > middle - DAY)
        early, late = (early, middle) if made < house.posts_per_day else (middle, late)
    return late


def _held(tx: Tx, author: Identity) -> list[float]:
    """When the posts were made that wait for ``author``'s word before they are sent. Those of others are not read,
    however many they are; what has just come is not asked about yet, and is little.
    """
    rows = [*tx.posts.waiting_for(author), *tx.posts.unasked()]
    mine = (row for row in rows if row.author == author and row.state is PostState.HELD)
    return [row.created_at for row in mine if row.action is not Action.DELETE]
