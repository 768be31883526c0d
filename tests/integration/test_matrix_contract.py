"""The Matrix network keeps the contract of every ChatNetwork, in an encrypted room on a real homeserver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nio import RoomEncryptedMedia, RoomMessageMedia, RoomMessageNotice

from bridge.model import Identity, Room
from tests.contract.chat_network import ChatNetworkContract, Stage
from tests.integration.matrix_scene import Scene
from tests.synapse import Synapse

pytestmark = pytest.mark.homeserver


class TestMatrixNetwork(ChatNetworkContract):
    @pytest.fixture
    async def stage(self, homeserver: Synapse, tmp_path: Path) -> AsyncIterator[Stage]:
        scene = Scene(homeserver, tmp_path)
        ana, ben = await scene.person("ana"), await scene.person("ben")
        bot = await scene.bot()
        room = await scene.room(bot, ana, ben.user_id)
        elsewhere = await ana.create()
        await ben.client.join(room)
        await ana.sync()

        async def move(inside: bool) -> None:
            if inside:
                await ana.client.room_invite(room, ben.user_id)
                await ben.client.join(room)
            else:
                await ben.client.room_leave(room)
            await ana.sync()

        async def close(closed: bool) -> None:
            await ana.put_state(room, "m.room.join_rules", {"join_rule": "invite" if closed else "public"})

        async def call(name: str) -> None:
            await ana.put_state(room, "m.room.name", {"name": name})

        async def say(text: str) -> str:
            return await ana.say(room, text)

        async def visible() -> list[str]:
            said: dict[str, str] = {}
            for event in await ana.history(room):
                content = event.source["content"]
                relation = content.get("m.relates_to", {})
                if event.sender != bot.user_id:
                    continue
                if relation.get("rel_type") == "m.replace":
                    assert event.body == f"* {content['m.new_content']['body']}"
                    said[relation["event_id"]] = content["m.new_content"]["body"]
                elif isinstance(event, RoomMessageNotice | RoomMessageMedia | RoomEncryptedMedia):
                    said[event.event_id] = event.body
                elif relation.get("rel_type") == "m.annotation":
                    said[event.event_id] = relation["key"]
            return list(said.values())

        yield Stage(
            network=bot.network,
            room=Room("matrix", room),
            elsewhere=Room("matrix", elsewhere),
            person=Identity("matrix", ana.user_id),
            other=Identity("matrix", ben.user_id),
            say=say,
            visible=visible,
            heard=bot.inbox.heard,
            refusals=bot.inbox.failures,
            move=move,
            close=close,
            call=call,
            gatherings=lambda: bot.inbox.gatherings,
        )
        await scene.close()
