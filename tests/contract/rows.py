"""People, a room and a row of the outbox: what the tests of the store share."""

from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Identity, Post, PostState, Room

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.0


def queue(tx: Tx, account: Account, text: str = "hello", **more: object) -> Post:
    fields: dict[str, object] = {"state": PostState.QUEUED, "now": NOW, "fresh_at": NOW, "due_at": NOW} | more
    message = str(fields.pop("message_id", f"$of-{text}"))
    author = fields.pop("author", ANA)
    action = fields.pop("action", Action.POST)
    return tx.posts.add(action, account.id, author, PRESS, message, None, Draft(text), **fields)  # type: ignore[arg-type]  # a table of fields
