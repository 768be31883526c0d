"""Requests, logins and crypto stores when something is wrong: limits, damage, another account, no account."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from nio import AsyncClient
from nio.crypto import Olm
from pydantic import SecretStr
from vodozemac import GroupSession

from bridge.chat.matrix.calls import DeadToken, meaning, raw
from bridge.chat.matrix.crosssigning import sign_own_device
from bridge.chat.matrix.login import CryptoStore, log_in
from bridge.config import MatrixSettings
from bridge.errors import ChatRefused, ChatUnreachable, ConfigError, KantterError
from bridge.store import Database
from bridge.vault import Vault
from tests.integration.matrix_scene import KEY, Scene
from tests.synapse import Synapse

PASSWORD = SecretStr("correct horse")


@pytest.fixture
async def scene(homeserver: Synapse, tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(homeserver, tmp_path / "scene")
    yield made
    await made.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    made = await Database.open(tmp_path / "kantter.db")
    yield made
    await made.close()


class Scripted:
    """A homeserver that answers what it is told to, in order; the last answer is given again."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.asked = 0
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self.server = TestServer(app)

    async def _answer(self, _: web.Request) -> web.Response:
        status, text = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return web.Response(status=status, text=text, content_type="application/json")

    async def ask(self, **more: Any) -> dict[str, Any]:
        await self.server.start_server()
        client = AsyncClient(str(self.server.make_url("/")).rstrip("/"))
        try:
            async with ClientSession() as session:
                client.client_session = session
                return await raw(client, "POST", "/_matrix/client/v3/anything", {}, **more)
        finally:
            await self.server.close()


def limited(wait: object) -> tuple[int, str]:
    return 429, json.dumps({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": wait})


# ---------------------------------------------------------------- requests


async def test_a_limit_is_waited_out_as_long_as_the_homeserver_asks() -> None:
    server = Scripted(limited(600), limited(0), (200, '{"fine": true}'))
    started = asyncio.get_running_loop().time()
    assert await server.ask() == {"fine": True}
    assert server.asked == 3
    assert asyncio.get_running_loop().time() - started >= 1.1, "600 ms, and half a second where it says none"


@pytest.mark.parametrize("wait", [60_000, None, "soon", True, [], float("inf")])
async def test_a_limit_without_a_time_that_we_can_wait_is_told_at_once(wait: object) -> None:
    server = Scripted(limited(wait))
    with pytest.raises(ChatUnreachable, match="M_LIMIT_EXCEEDED"):
        await server.ask(timeout=5.0)
    assert server.asked == 1


@pytest.mark.parametrize("text", ["", "null", "[]", "<html>", "[" * 100_000, '"\\ud800"'])
async def test_an_answer_that_is_none_is_no_crash(text: str) -> None:
    with pytest.raises(ChatUnreachable):
        await Scripted((200, text)).ask()


@pytest.mark.parametrize("text", ["", "null", '{"errcode": 7}', '{"errcode": "M_FORBIDDEN"}'])
async def test_a_refusal_is_one_whatever_it_says(text: str) -> None:
    with pytest.raises(ChatRefused):
        await Scripted((403, text)).ask()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (None, "", ChatUnreachable),
        (429, "M_LIMIT_EXCEEDED", ChatUnreachable),
        (500, "M_UNKNOWN", ChatUnreachable),
        (502, "", ChatUnreachable),
        (403, "M_FORBIDDEN", ChatRefused),
        (404, "M_NOT_FOUND", ChatRefused),
        (400, "M_BAD_JSON", ChatRefused),
        (413, "M_TOO_LARGE", ChatRefused),
        (401, "M_UNKNOWN_TOKEN", DeadToken),
        (401, "M_MISSING_TOKEN", DeadToken),
        (401, "", DeadToken),
        (403, "M_USER_DEACTIVATED", ConfigError),
        (401, "M_USER_DEACTIVATED", ConfigError),
    ],
)
def test_what_an_error_answer_means(status: int | None, code: str, error: type[KantterError]) -> None:
    assert type(meaning(status, code)) is error


# ---------------------------------------------------------------- logins


async def test_a_login_that_is_limited_is_tried_again_later_and_is_no_wrong_password(
    store: Database, tmp_path: Path
) -> None:
    server = Scripted(limited(3_600_000))
    await server.server.start_server()
    settings = MatrixSettings(
        homeserver=str(server.server.make_url("/")).rstrip("/"), user_id="@kantter:example.org", password=PASSWORD
    )
    with pytest.raises(ChatUnreachable):
        await log_in(settings, folder=tmp_path / "matrix", store=store, vault=Vault([KEY]))
    await server.server.close()


async def test_a_homeserver_that_is_away_is_waited_for_and_the_lock_is_let_go(store: Database, tmp_path: Path) -> None:
    settings = MatrixSettings(homeserver="http://127.0.0.1:1", user_id="@kantter:example.org", password=PASSWORD)
    for _ in range(2):
        with pytest.raises(ChatUnreachable):
            await log_in(settings, folder=tmp_path / "matrix", store=store, vault=Vault([KEY]))


async def test_an_account_that_was_deactivated_is_said(scene: Scene) -> None:
    bot = await scene.bot()
    await bot.stop()
    admin = await asyncio.to_thread(scene.homeserver.register, f"admin-{bot.user_id[9:17]}", "root", admin=True)
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": admin}, "password": "root"}
    answer = await asyncio.to_thread(scene.homeserver.call, "POST", "/_matrix/client/v3/login", login)
    await asyncio.to_thread(
        scene.homeserver.call,
        "POST",
        f"/_synapse/admin/v1/deactivate/{bot.user_id}",
        {"erase": False},
        token=answer["access_token"],
    )
    await bot.start(ready=False)
    error = await bot.ended()
    assert isinstance(error, ConfigError)
    assert any(word in str(error) for word in ("deactivated", "does not take the password")), error


async def test_a_login_of_another_account_is_not_used(scene: Scene, store: Database, tmp_path: Path) -> None:
    clients = []
    for name in ("one", "two"):
        user_id = await scene.register(name)
        settings = MatrixSettings(homeserver=scene.homeserver.url, user_id=user_id, password=PASSWORD)
        client = await log_in(settings, folder=tmp_path / "matrix", store=store, vault=Vault([KEY]))
        await client.close()
        clients.append((client.user_id == user_id, client.device_id))
    assert [same for same, _ in clients] == [True, True]
    assert clients[0][1] != clients[1][1]


async def test_a_restart_makes_no_new_login(scene: Scene, store: Database, tmp_path: Path) -> None:
    settings = MatrixSettings(homeserver=scene.homeserver.url, user_id=await scene.register("one"), password=PASSWORD)
    seen = set()
    for _ in range(3):
        client = await log_in(settings, folder=tmp_path / "matrix", store=store, vault=Vault([KEY]))
        seen.add((client.device_id, client.access_token, client.olm.account.identity_keys["ed25519"]))
        await client.close()
        settings = settings.model_copy(update={"password": SecretStr("was changed since")})
    assert len(seen) == 1


async def test_a_damaged_crypto_store_gives_a_new_device(scene: Scene, store: Database, tmp_path: Path) -> None:
    settings = MatrixSettings(homeserver=scene.homeserver.url, user_id=await scene.register("one"), password=PASSWORD)
    folder = tmp_path / "matrix"
    client = await log_in(settings, folder=folder, store=store, vault=Vault([KEY]))
    before = client.device_id
    await client.close()
    [file] = folder.glob("*.db")
    file.write_bytes(b"not a database at all" * 1000)
    client = await log_in(settings, folder=folder, store=store, vault=Vault([KEY]))
    assert client.device_id != before
    await client.close()


def test_a_session_id_that_two_devices_claim_is_kept_for_both(tmp_path: Path) -> None:
    session = GroupSession()
    key, name = session.session_key.to_base64(), session.session_id

    def start() -> Olm:
        return Olm("@kantter:x", "BOT", CryptoStore("@kantter:x", "BOT", str(tmp_path), "key"))

    olm = start()
    for claimant in ("quick", "owner"):
        olm.create_group_session(f"{claimant}-curve", f"{claimant}-ed", "!room", name, key)
    olm.store.database.close()
    olm = start()
    kept = olm.inbound_group_store["!room"]
    assert {curve: sessions[name].ed25519 for curve, sessions in kept.items()} == {
        "quick-curve": "quick-ed",
        "owner-curve": "owner-ed",
    }
    plaintext, _ = kept["owner-curve"][name].decrypt(session.encrypt(b"hello").to_base64())
    assert plaintext == "hello"
    olm.store.database.close()


async def test_no_id_leads_out_of_the_folder(scene: Scene, store: Database, tmp_path: Path) -> None:
    user_id = await asyncio.to_thread(
        scene.homeserver.register, f"a/b-{tmp_path.name[-8:].strip('_')}", "correct horse"
    )
    settings = MatrixSettings(homeserver=scene.homeserver.url, user_id=user_id, password=PASSWORD)
    folder = tmp_path / "matrix"
    client = await log_in(settings, folder=folder, store=store, vault=Vault([KEY]))
    await client.close()
    assert {path.suffix for path in folder.iterdir()} <= {".db", ""}
    assert len(list(folder.glob("*.db"))) == 1


async def test_a_wrong_password_for_a_new_identity_is_said(scene: Scene, tmp_path: Path) -> None:
    person = await scene.person()
    one, two = await Database.open(tmp_path / "one.db"), await Database.open(tmp_path / "two.db")
    await sign_own_device(person.client, store=one, vault=Vault([KEY]), replace=False, password=PASSWORD)
    with pytest.raises(ConfigError, match="does not take the bot's password") as caught:
        await sign_own_device(
            person.client, store=two, vault=Vault([KEY]), replace=True, password=SecretStr("wrong battery")
        )
    assert "battery" not in str(caught.value)
    with pytest.raises(ConfigError, match="asks for the bot's password"):
        await sign_own_device(person.client, store=two, vault=Vault([KEY]), replace=True, password=None)
    await one.close()
    await two.close()
