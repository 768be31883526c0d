"""A config, a key and a database that holds sealed values of every kind, with no network anywhere."""

import base64
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from bridge import config, rotating, vault
from bridge.interfaces import Tx
from bridge.store import Database
from bridge.vault import Vault, account_purpose
from tests.contract.test_store_sealed import fill

T = TypeVar("T")

CONFIG = """
[bot]
data_dir = "{0}/data"
[vault]
key_file = "{0}/key"
[x]
consumer_key = "k"
consumer_secret = "s"
api_url = "http://127.0.0.1:1"
[matrix]
homeserver = "http://127.0.0.1:1"
user_id = "@kantter:example.org"
password = "p"
"""


class House:
    """A config, a key and a database with sealed values of every kind."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key, self.data = folder, folder / "key", folder / "data"
        self.config = folder / "kantter.toml"
        self.config.write_text(CONFIG.format(folder))
        self.config.chmod(0o600)
        self.data.mkdir(mode=0o700)
        vault.write_key_file(self.key)
        self.settings = config.load(self.config)
        self.said: list[str] = []

    async def fill(self, more: int = 0) -> int:
        before = Vault.from_file(self.key)

        def work(tx: Tx) -> int:
            for number in range(more):
                account = tx.accounts.put("x", f"more{number}", f"more{number}")
                tx.accounts.seal(account.id, before.seal(b"p", purpose=account_purpose("x", f"more{number}")))
            return fill(tx, before) + more

        return await self.at_store(work)

    async def at_store(self, work: Callable[[Tx], T]) -> T:
        store = await Database.open(self.data / "kantter.db")
        try:
            return await store.transact(work)
        finally:
            await store.close()

    async def rotate(self, *, forget: bool = False, step: Callable[[int], None] = lambda _: None) -> bool:
        self.said.clear()
        return await rotating.rotate(self.settings, forget=forget, show=self.said.append, step=lambda _: step)

    async def survey(self, keys: Vault | None = None) -> rotating.Survey:
        store = await Database.open(self.data / "kantter.db")
        try:
            return await rotating.survey(store, keys or Vault.from_file(self.key))
        finally:
            await store.close()

    def lines(self) -> list[str]:
        return self.key.read_text().splitlines()

    def anywhere(self, key: str) -> list[str]:
        """The columns of the database that hold something sealed with that key, in whatever form."""
        head = b"\x01" + hashlib.sha256(base64.b64decode(key)).digest()[:4]
        forms = head, base64.b64encode(head)[:6]
        found = []
        with closing(sqlite3.connect(self.data / "kantter.db")) as raw:
            for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for column in [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]:
                    values = [row[0] for row in raw.execute(f"SELECT {column} FROM {table}")]
                    blobs = [v.encode() if isinstance(v, str) else v for v in values if isinstance(v, str | bytes)]
                    if any(form in blob for blob in blobs for form in forms):
                        found.append(f"{table}.{column}")
        return sorted(found)


PLACES = [
    "account.credentials", "answer.body", "answer.medium", "note.value", "pending_link.pin", "pending_link.request",
    "post.media", "revocation.credentials",
]  # fmt: skip
