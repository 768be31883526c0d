"""The bot's device, its keys and whom it trusts, on a real homeserver."""

import asyncio
import shutil
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nio import AsyncClient
from nio.store import SqliteStore
from pydantic import SecretStr

from bridge.chat.matrix import trust
from bridge.chat.matrix.calls import DeadToken, raw
from bridge.chat.matrix.crosssigning import is_signed, public_of, sign_own_device
from bridge.chat.matrix.fallback import WEEK, ensure_fallback_key
from bridge.chat.matrix.login import log_in
from bridge.config import MatrixSettings
from bridge.errors import ConfigError
from bridge.model import Unreadable
from bridge.store import Database
from bridge.vault import Vault
from tests.integration.matrix_scene import KEY, Bot, Person, Scene
from tests.synapse import Synapse

PASSWORD = SecretStr("correct horse")
QUERY = "/_matrix/client/v3/keys/query"


@pytest.fixture
async def scene(homeserver: Synapse, tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(homeserver, tmp_path / "scene")
    yield made
    await made.close()


async def published(person: Person, user_id: str) -> tuple[str, dict[str, Any], bool]:
    """What somebody else sees of a user: master key, devices, and whether a device of theirs is in the chain."""
    seen = await person.call("POST", QUERY, {"device_keys": {user_id: []}})
    master = public_of(seen["master_keys"][user_id], user_id, "master")
    lower = seen["self_signing_keys"][user_id]
    public = public_of(lower, user_id, "self_signing")
    assert master is not None
    assert public is not None
    devices = seen["device_keys"][user_id]
    chained = is_signed(lower, user_id, master) and all(is_signed(d, user_id, public) for d in devices.values())
    return master, devices, chained


async def cross_sign(person: Person, folder: Path) -> Database:
    """Give a person an identity that signs the device in use. Gives the store that holds its secrets."""
    folder.mkdir(parents=True)
    store = await Database.open(folder / "person.db")
    await sign_own_device(person.client, store=store, vault=Vault([KEY]), replace=True, password=PASSWORD)
    return store


def token_of(bot: Bot) -> str:
    client = bot.network._client
    assert client is not None
    return str(client.access_token)


def device_of(bot: Bot) -> str:
    client = bot.network._client
    assert client is not None
    return str(client.device_id)


# ---------------------------------------------------------------- the bot's own device


async def test_others_see_the_bots_device_as_signed_by_its_owner_and_a_restart_changes_nothing(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    master, devices, chained = await published(person, bot.user_id)
    assert chained
    assert list(devices) == [device_of(bot)]
    await bot.restart()
    again, devices_after, _ = await published(person, bot.user_id)
    assert (again, devices_after) == (master, devices)


async def test_an_identity_whose_secrets_are_lost_is_replaced_only_on_the_operators_word(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    before, _, _ = await published(person, bot.user_id)
    await bot.store.transact(lambda tx: tx.notes.drop("matrix", "cross_signing"))
    await bot.stop()
    await bot.start(ready=False)
    error = await bot.ended()
    assert isinstance(error, ConfigError)
    assert "replace_cross_signing" in str(error)
    await bot.stop()
    bot.settings = bot.settings.model_copy(update={"replace_cross_signing": True})
    await bot.start()
    after, _, chained = await published(person, bot.user_id)
    assert after != before
    assert chained


async def test_a_token_that_died_while_the_bot_was_down_gives_a_new_signed_device(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    old, token = device_of(bot), token_of(bot)
    await bot.stop()
    await asyncio.to_thread(scene.homeserver.call, "POST", "/_matrix/client/v3/logout", {}, token=token)
    await bot.start()
    _, devices, chained = await published(person, bot.user_id)
    assert list(devices) == [device_of(bot)]
    assert device_of(bot) != old
    assert chained


async def test_a_wiped_crypto_store_gives_a_new_device_and_messages_are_read_again(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    room_id = await scene.room(bot, person)
    old = device_of(bot)
    await bot.stop()
    shutil.rmtree(bot.folder / "matrix")
    await bot.start()
    assert device_of(bot) != old
    await person.sync()
    await person.say(room_id, "after the loss")
    await bot.inbox.until_text("after the loss")


async def test_a_wiped_store_without_a_password_is_refused_in_plain_words(scene: Scene, tmp_path: Path) -> None:
    bot = await scene.bot()
    settings = MatrixSettings(
        homeserver=scene.homeserver.url,
        user_id=bot.user_id,
        access_token=SecretStr(token_of(bot)),
        device_id=device_of(bot),
    )
    await bot.stop()
    store = await Database.open(tmp_path / "other.db")
    with pytest.raises(ConfigError, match="other keys of device"):
        await log_in(settings, folder=tmp_path / "empty", store=store, vault=Vault([KEY]))
    await store.close()


async def test_a_dead_or_foreign_access_token_is_said(scene: Scene, tmp_path: Path) -> None:
    bot = await scene.bot()
    store = await Database.open(tmp_path / "other.db")
    base = MatrixSettings(
        homeserver=scene.homeserver.url, user_id=bot.user_id, access_token=SecretStr("nonsense"), device_id="X"
    )
    with pytest.raises(DeadToken):
        await log_in(base, folder=tmp_path / "a", store=store, vault=Vault([KEY]))
    foreign = base.model_copy(update={"access_token": SecretStr(token_of(bot))})
    with pytest.raises(ConfigError, match=f"device {device_of(bot)}"):
        await log_in(foreign, folder=tmp_path / "a", store=store, vault=Vault([KEY]))
    await store.close()


async def test_a_wrong_password_is_said_without_the_password(scene: Scene, tmp_path: Path) -> None:
    user_id = await scene.register("kantter")
    settings = MatrixSettings(homeserver=scene.homeserver.url, user_id=user_id, password=SecretStr("wrong battery"))
    store = await Database.open(tmp_path / "kantter.db")
    with pytest.raises(ConfigError, match="does not take the password") as caught:
        await log_in(settings, folder=tmp_path / "matrix", store=store, vault=Vault([KEY]))
    assert "battery" not in str(caught.value)
    await store.close()


async def test_two_processes_cannot_use_one_crypto_store_and_the_lock_goes_with_the_first(scene: Scene) -> None:
    bot = await scene.bot()
    second = Bot(scene.homeserver, bot.user_id, "correct horse", bot.folder)
    await second.start(ready=False)
    error = await second.ended()
    assert isinstance(error, ConfigError)
    assert "another process" in str(error)
    await second.stop()
    await bot.stop()
    await second.start()
    await second.stop()


async def test_the_folder_is_private_and_holds_no_token_and_no_default_key(scene: Scene) -> None:
    bot = await scene.bot()
    token = token_of(bot)
    await bot.stop()
    for path in [bot.folder / "matrix", *(bot.folder / "matrix").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    for path in [p for p in bot.folder.rglob("*") if p.is_file()]:
        data = path.read_bytes()
        assert token.encode() not in data, path
        assert b"correct horse" not in data, path
    [crypto] = [p.name for p in (bot.folder / "matrix").glob("*.db")]
    device_id = crypto.removesuffix(".db").rpartition("_")[2]
    opened = SqliteStore(bot.user_id, device_id, str(bot.folder / "matrix"), "DEFAULT_KEY")
    with pytest.raises(Exception, match=r"MAC|pickle|mac"):
        opened.load_account()
    opened.database.close()


async def test_another_vault_key_is_a_config_error(scene: Scene) -> None:
    bot = await scene.bot()
    await bot.stop()
    bot.vault = Vault([b"x" * 32])
    await bot.start(ready=False)
    error = await bot.ended()
    assert isinstance(error, ConfigError)
    assert "vault.key_file" in str(error)


# ---------------------------------------------------------------- fallback keys


async def claim_all(person: Person, bot: Bot, device_id: str) -> list[str]:
    """Take one-time keys of the bot until only the fallback key comes; the ids of the keys that came last."""
    last: list[str] = []
    for _ in range(200):
        body = {"one_time_keys": {bot.user_id: {device_id: "signed_curve25519"}}}
        answer = await person.call("POST", "/_matrix/client/v3/keys/claim", body)
        keys = answer["one_time_keys"].get(bot.user_id, {}).get(device_id, {})
        ids = list(keys)
        if not ids or (last and ids == last):
            return ids
        last = ids
    raise AssertionError("the one-time keys never ended")


async def test_a_new_device_reaches_the_bot_when_its_one_time_keys_are_used_up_while_it_is_down(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    room_id = await scene.room(bot, person)
    device_id = device_of(bot)
    await bot.stop()
    assert await claim_all(person, bot, device_id), "there is a fallback key"
    fresh = await scene.person(user_id=person.user_id)
    await fresh.sync()
    await fresh.say(room_id, "from a new device")
    await bot.start()
    await bot.inbox.until_text("from a new device")


async def test_a_fallback_key_is_renewed_when_it_was_used_and_weekly(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    client: AsyncClient = bot.network._client
    device_id = device_of(bot)
    await bot.network.close()  # its own upkeep must not renew it meanwhile
    await bot.stop()
    first = await claim_all(person, bot, device_id)
    store = await Database.open(bot.folder / "kantter.db")
    client = await log_in(bot.settings, folder=bot.folder / "matrix", store=store, vault=bot.vault)
    now = time.time()
    await ensure_fallback_key(client, ["signed_curve25519"], now=now, store=store)
    await store.close()
    store = await Database.open(bot.folder / "kantter.db")
    await ensure_fallback_key(client, [], now=now, store=store)
    second = await claim_all(person, bot, device_id)
    await ensure_fallback_key(client, ["signed_curve25519"], now=now + WEEK - 1, store=store)
    assert await claim_all(person, bot, device_id) == second
    await ensure_fallback_key(client, ["signed_curve25519"], now=now + WEEK + 1, store=store)
    third = await claim_all(person, bot, device_id)
    assert len({*first, *second, *third}) == 3
    await client.close()
    await store.close()


# ---------------------------------------------------------------- whom the bot trusts


async def refusal(bot: Bot) -> str:
    await bot.inbox.until(lambda: bool(bot.inbox.kind(Unreadable)))
    return bot.inbox.kind(Unreadable)[-1].reason


async def test_a_device_that_its_owner_signed_commands_and_one_that_was_slipped_in_does_not(
    scene: Scene, tmp_path: Path
) -> None:
    person, bot = await scene.person(), await scene.bot()
    store = await cross_sign(person, tmp_path / "identity")
    room_id = await scene.room(bot, person)
    await person.say(room_id, "from the signed device")
    await bot.inbox.until_text("from the signed device")
    # A homeserver's admin can log in as anybody; what they cannot do is sign the new device.
    intruder = await scene.person(user_id=person.user_id)
    await intruder.sync()
    await intruder.say(room_id, "from the slipped-in device")
    assert await refusal(bot) == trust.UNSIGNED_DEVICE
    assert "from the slipped-in device" not in bot.inbox.texts()
    await store.close()


async def test_a_device_counts_as_soon_as_its_owner_has_signed_it(scene: Scene, tmp_path: Path) -> None:
    person, bot = await scene.person(), await scene.bot()
    store = await cross_sign(person, tmp_path / "identity")
    room_id = await scene.room(bot, person)
    second = await scene.person(user_id=person.user_id)
    await second.sync()
    await second.say(room_id, "too early")
    assert await refusal(bot) == trust.UNSIGNED_DEVICE
    await sign_own_device(second.client, store=store, vault=Vault([KEY]), replace=False, password=PASSWORD)
    await second.say(room_id, "now signed")
    await bot.inbox.until_text("now signed")
    await store.close()


async def test_a_reset_identity_is_refused_until_the_operator_accepts_it(scene: Scene, tmp_path: Path) -> None:
    person, bot = await scene.person(), await scene.bot()
    first = await cross_sign(person, tmp_path / "one")
    room_id = await scene.room(bot, person)
    await person.say(room_id, "before the reset")
    await bot.inbox.until_text("before the reset")
    second = await cross_sign(person, tmp_path / "two")
    await person.say(room_id, "after the reset")
    assert f"kantter trust {person.user_id}" in await refusal(bot)

    assert await bot.store.transact(lambda tx: trust.forget_identity(tx, person.user_id))
    assert not await bot.store.transact(lambda tx: trust.forget_identity(tx, person.user_id))
    await bot.restart()  # or half a minute
    await person.say(room_id, "after the word of the operator")
    await bot.inbox.until_text("after the word of the operator")
    await first.close()
    await second.close()


async def test_somebody_without_an_identity_is_vouched_for_by_their_homeserver(scene: Scene) -> None:
    person, bot = await scene.person(), await scene.bot()
    room_id = await scene.room(bot, person)
    await person.say(room_id, "I have no identity")
    await bot.inbox.until_text("I have no identity")


async def test_a_known_device_costs_no_request(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    person, bot = await scene.person(), await scene.bot()
    asked: list[str] = []

    async def counting(client: AsyncClient, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        asked.append(path)
        return await raw(client, method, path, body, **more)

    monkeypatch.setattr(trust, "raw", counting)
    room_id = await scene.room(bot, person)
    for number in range(5):
        await person.say(room_id, f"message {number}")
    await bot.inbox.until_text("message 4")
    assert asked.count(QUERY) <= 2, "once, and once more when the person's device list came in"


async def test_what_was_seen_first_is_held_against_what_comes_later(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "kantter.db")
    device = {"device_id": "DEV", "keys": {"ed25519:DEV": "key-1"}}
    changed = {"device_id": "DEV", "keys": {"ed25519:DEV": "key-2"}}

    def look(user: str, identity: str | None, seen: dict[str, Any]) -> Any:
        return lambda tx: trust._compare(tx, user, identity, seen)

    ana, ben = "@ana:example.org", "@ben:example.org"
    assert await store.transact(look(ana, "master", device)) is None
    assert await store.transact(look(ana, None, device)) == trust.CHANGED_IDENTITY, "an identity cannot just go"
    assert await store.transact(look(ana, "other", device)) == trust.CHANGED_IDENTITY
    assert await store.transact(look(ana, "master", changed)) == trust.CHANGED_DEVICE
    assert await store.transact(look(ben, None, device)) is None
    assert await store.transact(look(ben, "new", device)) is None, "a first identity is welcome"
    assert await store.transact(look(ben, None, device)) == trust.CHANGED_IDENTITY
    await store.close()
