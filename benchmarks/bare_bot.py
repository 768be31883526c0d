"""The yardstick of ``encrypted``: a bare nio bot in a process of its own. It keeps nothing that would survive a crash.

It decrypts, posts with requests-oauthlib, and gives the same two answers as Kantter: a reaction and a reply. Arguments:
homeserver, user id, password, store folder, X's address, consumer key and secret, token and its secret. It prints
"ready" when it is in sync.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from nio import (
    AsyncClient,
    AsyncClientConfig,
    InviteMemberEvent,
    MatrixRoom,
    RoomMessageText,
)
from requests_oauthlib import OAuth1Session


async def main() -> None:
    """Serve until killed."""
    homeserver, user, password, folder, url, key, secret, token, token_secret = sys.argv[1:]
    Path(folder).mkdir(parents=True)
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(homeserver, user, store_path=folder, config=config)
    await client.login(password)
    session = OAuth1Session(key, secret, token, token_secret)

    async def say(room: MatrixRoom, kind: str, content: dict[str, Any]) -> None:
        await client.room_send(room.room_id, kind, content, ignore_unverified_devices=True)

    async def on_message(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender == user or not event.body.startswith("!tweet "):
            return
        text = event.body.removeprefix("!tweet ")
        answer = await asyncio.to_thread(session.post, f"{url}/2/tweets", json={"text": text}, timeout=8)
        relation = {"rel_type": "m.annotation", "event_id": event.event_id, "key": "✅"}
        await say(room, "m.reaction", {"m.relates_to": relation})
        content = {
            "msgtype": "m.notice",
            "body": f"Posted: {url}/status/{answer.json()['data']['id']}",
            "m.relates_to": {"m.in_reply_to": {"event_id": event.event_id}},
        }
        await say(room, "m.room.message", content)

    async def on_invite(room: MatrixRoom, _event: InviteMemberEvent) -> None:
        await client.join(room.room_id)

    client.add_event_callback(on_message, RoomMessageText)
    client.add_event_callback(on_invite, InviteMemberEvent)
    await client.sync(full_state=True)
    print("ready", flush=True)
    await client.sync_forever(30_000)


if __name__ == "__main__":
    asyncio.run(main())
