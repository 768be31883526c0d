"""The store: one SQLite file, plain SQL, numbered migrations.

``database`` opens the file and runs transactions; the other modules hold the SQL of one noun each. Nothing here decides
anything: it keeps and finds.
"""

from bridge.store.copying import copy, finish, renew
from bridge.store.database import Database, check, is_current

__all__ = ["Database", "check", "copy", "finish", "is_current", "renew"]
