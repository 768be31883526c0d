"""How long to wait before the next try. It knows numbers only: no clock, no network."""

import random
from collections.abc import Callable


def pause(tries: int, *, first: float = 1.0, most: float = 300.0, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after ``tries`` failures in a row (1 or more): doubling from ``first`` up to ``most``.

    Up to a quarter is taken off by ``chance`` (0 to 1), so that many who failed together do not come back together.
    """
    longest = min(most, first * 2.0 ** min(max(tries, 1) - 1, 30))
    return longest * (1.0 - 0.25 * chance())
