"""What the SQL of several nouns needs."""

from collections.abc import Collection

USABLE = (
    "SELECT account_id, role FROM team WHERE network = :network AND name = :name UNION ALL"
    " SELECT g.account_id, g.role FROM member m CROSS JOIN gathering h CROSS JOIN room_grant g"
    " WHERE m.network = :network AND m.name = :name AND h.network = m.network AND h.room = m.room AND h.closed"
    " AND g.network = m.network AND g.room = m.room"
)
"""The accounts that a person may use, and as what: by name, and by each closed room that they are in. CROSS JOIN fixes
the order (SQLite, "Manual control of query plans"): from the few rows of one person to the keys of the others, whatever
SQLite believes about the sizes of the tables.
"""


def marks(values: Collection[object]) -> str:
    """The placeholders of ``values`` in an ``IN (...)``."""
    return ", ".join("?" * len(values))
