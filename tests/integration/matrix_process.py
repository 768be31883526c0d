"""A bot in a process of its own, to be killed. Arguments: homeserver, user id, folder. Prints "ready" when in sync.

What it heard stands in its database, in notes of the scope "heard", numbered.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from bridge.chat.matrix import MatrixNetwork
from bridge.config import MatrixSettings
from bridge.interfaces import Tx
from bridge.logs import set_up
from bridge.model import Event, Gathering, Message
from bridge.store import Database
from bridge.vault import Vault
from tests.integration.matrix_scene import KEY


class NumberingInbox:
    """Writes down each event once, in order; not how things are in rooms, which is told at every start."""

    def __init__(self, store: Database) -> None:
        self._store = store

    async def deliver(self, events: Sequence[Event], bookmark: str | None = None) -> None:
        def work(tx: Tx) -> None:
            for event in (event for event in events if not isinstance(event, Gathering)):
                if tx.arrivals.first("matrix", event.id, getattr(event, "replay_key", None), 1.0):
                    number = int(tx.notes.get("count", "heard") or b"0")
                    tx.notes.put("count", "heard", str(number + 1).encode())
                    text = event.text if isinstance(event, Message) else type(event).__name__
                    tx.notes.put("heard", f"{number:06}", text.encode())
            if bookmark is not None:
                tx.notes.put("matrix", "bookmark", bookmark.encode())

        await self._store.transact(work)


async def main() -> None:
    """Serve until killed."""
    homeserver, user_id, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    set_up("warning")  # to standard error
    store = await Database.open(folder / "kantter.db")
    settings = MatrixSettings(homeserver=homeserver, user_id=user_id, password=SecretStr("correct horse"))
    network = MatrixNetwork(settings, folder=folder / "matrix", store=store, vault=Vault([KEY]), clock=time.time)
    running = asyncio.create_task(network.run(NumberingInbox(store)))
    while not network.health().ok:
        if running.done():
            running.result()
        await asyncio.sleep(0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await running


if __name__ == "__main__":
    asyncio.run(main())
