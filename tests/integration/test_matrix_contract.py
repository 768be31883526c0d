"""The Matrix network keeps the contract of every ChatNetwork, in an encrypted room on a real homeserver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nio import RoomMessageNotice  # type: ignore[import-untyped]  # nio ships no types

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

        async def say(text: str) -> str:
            return await ana.say(room, text)

        async def visible() -> list[str]:
            said = []
            for event in await ana.history(room):
                relation = event.source["content"].get("m.relates_to", {})
                if event.sender == bot.user_id and isinstance(event, RoomMessageNotice):
                    said.append(event.body)
                elif event.sender == bot.user_id and relation.get("rel_type") == "m.annotation":
                    said.append(relation["key"])
            return said

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
        )
        await scene.close()
