"""Keys that a stranger made crooked on purpose: they harm nobody but their owner."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from nio import Api

from tests.integration.matrix_scene import Scene
from tests.patience import until
from tests.synapse import Synapse

ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@pytest.fixture
async def scene(homeserver: Synapse, tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(homeserver, tmp_path / "scene")
    yield made
    await made.close()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


class Stranger:
    """Somebody whose client is a handful of plain requests."""

    def __init__(self, server: Synapse, user_id: str) -> None:
        self.server = server
        self.user_id = user_id
        identifier = {"type": "m.id.user", "user": user_id}
        body = {"type": "m.login.password", "identifier": identifier, "password": "correct horse"}
        login = server.call("POST", "/_matrix/client/v3/login", body)
        self.device, self.token = login["device_id"], login["access_token"]
        self.account = vodozemac.Account()

    async def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return await asyncio.to_thread(
            lambda: self.server.call(method, f"/_matrix/client/v3/{path}", body, token=self.token)
        )

    def signed(self, value: dict[str, Any]) -> dict[str, Any]:
        signature = self.account.sign(Api.to_canonical_json(value).encode()).to_base64()
        return value | {"signatures": {self.user_id: {f"ed25519:{self.device}": signature}}}

    async def upload(self, signing: str, curve: str, one_time: dict[str, Any] | None = None) -> None:
        keys = {f"ed25519:{self.device}": signing, f"curve25519:{self.device}": curve}
        device = {"user_id": self.user_id, "device_id": self.device, "algorithms": [], "keys": keys}
        body: dict[str, Any] = {"device_keys": self.signed(device)}
        if one_time is not None:
            body["one_time_keys"] = {"signed_curve25519:AAAA": one_time}
        await self.call("POST", "keys/upload", body)

    async def room(self, *invite: str) -> str:
        body = {"preset": "private_chat", "invite": list(invite), "initial_state": [ENCRYPTION]}
        return str((await self.call("POST", "createRoom", body))["room_id"])


@pytest.mark.parametrize("crooked", ["panic", "short", "no secret"])
async def test_a_stranger_with_crooked_keys_stops_nobody(scene: Scene, homeserver: Synapse, crooked: str) -> None:
    bot, ana = await scene.bot(), await scene.person("ana")
    mallory = Stranger(homeserver, await scene.register("mallory"))
    if crooked == "no secret":  # all is signed well, and the key leads to a session without a secret
        zeros = encoded(bytes(32))
        await mallory.upload(mallory.account.ed25519_key.to_base64(), zeros, mallory.signed({"key": zeros}))
    else:
        await mallory.upload(encoded(os.urandom(33)) if crooked == "panic" else "AAAA", encoded(os.urandom(32)))
    theirs = await mallory.room(bot.user_id)
    path = f"rooms/{theirs}/state/m.room.member/{bot.user_id}"

    async def inside() -> bool:
        return bool((await mallory.call("GET", path)).get("membership") == "join")

    await until(inside, within=20.0)
    await bot.say(theirs, "hello stranger")
    for _ in range(2):
        room = await scene.room(bot, ana)
        await ana.say(room, f"into {room}")
        await bot.inbox.until_text(f"into {room}")
        await bot.say(room, f"hello in {room}")
        assert f"hello in {room}" in await ana.notices(room, bot.user_id)
        await bot.restart()
        assert bot.network.health().ok
