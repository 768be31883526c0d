"""What the SQL of several nouns needs. It knows no table."""

from collections.abc import Collection


def marks(values: Collection[object]) -> str:
    """The placeholders of ``values`` in an ``IN (...)``."""
    return ", ".join("?" * len(values))
