"""Pictures that are larger than a publisher takes: what is said about them, and that their sender wants them scaled
down. Pure. Shared by whoever queues posts and whoever sends them.

It knows sizes, and neither files nor rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.model import Draft, Medium
from bridge.pictures import is_scalable

Largest = Callable[[str], int]
"""How many bytes a file of that type may have: ``Publisher.largest``."""


def is_too_large(medium: Medium, largest: Largest) -> bool:
    """Whether it can go out only when it is scaled down, as far as its size is known."""
    return is_scalable(medium.mime) and medium.size > largest(medium.mime) > 0


def warned(drafts: Sequence[Draft], largest: Largest) -> str:
    """The sentence about the pictures that would be scaled down without anybody having said so; empty for none."""
    pictures = [one for draft in drafts for one in draft.media]
    large = [n for n, one in enumerate(pictures, 1) if is_too_large(one, largest) and not one.scaled]
    if not large:
        return ""
    most = _mb(largest(pictures[large[0] - 1].mime))
    if len(pictures) == 1:
        return f"The picture has {_mb(pictures[0].size)} MB, and X takes {most}: it would be scaled down."
    sizes = ", ".join(f"{n} ({_mb(pictures[n - 1].size)} MB)" for n in large)
    return f"X takes pictures of {most} MB, and these have more: {sizes}. They would be scaled down."


def permitted(draft: Draft, largest: Largest) -> Draft:
    """The draft whose sender was told, and wants it so."""
    return replace(
        draft, media=tuple(replace(one, scaled=True) if is_too_large(one, largest) else one for one in draft.media)
    )


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.1f}".removesuffix(".0")
