"""What a homeserver could answer about somebody's devices, and what the bot makes of it."""

import copy
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from nio import AsyncClient
from vodozemac import Account

from bridge.chat.matrix import trust
from bridge.chat.matrix.crosssigning import Seeds, canonical
from bridge.chat.matrix.trust import CHANGED_DEVICE, CHANGED_IDENTITY, UNKNOWN_DEVICE, UNSIGNED_DEVICE, Trust
from bridge.errors import ChatRefused
from bridge.store import Database

ANA, BEN = "@ana:far.example", "@ben:far.example"


class Device:
    """A device with its own keys, as its owner uploads it."""

    def __init__(self, device_id: str) -> None:
        self.id = device_id
        self.account = Account()
        self.curve = self.account.curve25519_key.to_base64()
        self.ed = self.account.ed25519_key.to_base64()

    def keys(self, user_id: str = ANA, *, signed_by: Seeds | None = None) -> dict[str, Any]:
        value: dict[str, Any] = {
            "user_id": user_id,
            "device_id": self.id,
            "algorithms": [],
            "keys": {f"curve25519:{self.id}": self.curve, f"ed25519:{self.id}": self.ed},
        }
        own = {f"ed25519:{self.id}": self.account.sign(canonical(value)).to_base64()}
        if signed_by is not None:
            own[f"ed25519:{signed_by.public('self_signing')}"] = signed_by.signature("self_signing", value)
        return value | {"signatures": {user_id: own}}


class Homeserver:
    """Answers ``/keys/query`` for the people it is told of."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"device_keys": {}, "master_keys": {}, "self_signing_keys": {}}
        self.answers: list[dict[str, Any]] = []
        """To be given before that one."""
        self.now = 1000.0
        self.asked = 0

    def show(self, user_id: str, *devices: dict[str, Any], identity: Seeds | None = None) -> None:
        self.answer["device_keys"][user_id] = {device["device_id"]: device for device in devices}
        for usage in ("master", "self_signing"):
            self.answer[f"{usage}_keys"].pop(user_id, None)
            if identity is not None:
                self.answer[f"{usage}_keys"][user_id] = identity.key_objects(user_id)[usage]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    made = await Database.open(tmp_path / "kantter.db")
    yield made
    await made.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Homeserver:
    made = Homeserver()

    async def answer(*_: object, **__: object) -> dict[str, Any]:
        made.asked += 1
        return copy.deepcopy(made.answers.pop(0) if made.answers else made.answer)

    monkeypatch.setattr(trust, "pause", lambda *_, **__: 0.0)
    monkeypatch.setattr(trust, "raw", answer)
    return made


@pytest.fixture
def judge(server: Homeserver, store: Database) -> Trust:
    return Trust(AsyncClient("http://127.0.0.1:1"), store=store, clock=lambda: server.now)


async def verdict(judge: Trust, device: Device, user_id: str = ANA) -> str | None:
    judge.forget([user_id])
    return await judge.problem(user_id, device.curve, signing_key=device.ed)


async def test_a_homeserver_that_is_away_says_nothing_about_an_identity(server: Homeserver, judge: Trust) -> None:
    device, identity = Device("ONE"), Seeds.fresh()
    server.show(ANA, device.keys(signed_by=identity), identity=identity)
    assert await verdict(judge, device) is None
    there = server.answer
    server.answer = {"device_keys": {}, "failures": {"far.example": {"status": 503, "message": "no route"}}}
    with pytest.raises(ChatRefused):
        await verdict(judge, device)
    server.answer = {**there, "failures": {"elsewhere.example": {}}}
    assert await verdict(judge, device) is None, "nothing was held against them, and another's trouble is not theirs"


async def test_devices_without_their_identity_beside_a_failure_are_asked_for_again(
    server: Homeserver, judge: Trust
) -> None:
    """As Synapse answers while it fetches the list of a user of another homeserver for something else."""
    device, identity = Device("ONE"), Seeds.fresh()
    server.show(ANA, device.keys(signed_by=identity), identity=identity)
    some = {
        "device_keys": copy.deepcopy(server.answer["device_keys"]),
        "failures": {ANA.partition(":")[2]: {"status": 503, "message": "'devices'"}},
        "master_keys": {},
        "self_signing_keys": {},
    }
    server.answers = [some, some]
    assert await verdict(judge, device) is None
    assert server.asked == 3
    server.answers = [some] * 10
    with pytest.raises(ChatRefused):
        await verdict(judge, device)
    assert server.asked == 8
    server.answers = []
    assert await verdict(judge, device) is None, "it was not taken for somebody without an identity"


async def test_a_homeserver_that_is_away_is_not_waited_for_at_each_message(server: Homeserver, judge: Trust) -> None:
    device = Device("ONE")
    server.show(ANA, device.keys())
    there = server.answer
    server.answer = {"device_keys": {}, "failures": {ANA.partition(":")[2]: {"status": 503}}}
    for _ in range(50):
        with pytest.raises(ChatRefused):
            await judge.problem(ANA, device.curve, signing_key=device.ed)
    assert server.asked == 1
    server.answer = there
    server.now += 11.0
    assert await judge.problem(ANA, device.curve, signing_key=device.ed) is None


Lie = Callable[[dict[str, Any]], None]


def _other_users_device(answer: dict[str, Any]) -> None:
    answer["device_keys"][ANA]["ONE"]["user_id"] = BEN


def _no_signatures(answer: dict[str, Any]) -> None:
    answer["device_keys"][ANA]["ONE"].pop("signatures")


def _changed_after_signing(answer: dict[str, Any]) -> None:
    answer["device_keys"][ANA]["ONE"]["algorithms"] = ["m.other"]


def _other_name(answer: dict[str, Any]) -> None:
    answer["device_keys"][ANA] = {"TWO": answer["device_keys"][ANA]["ONE"]}


def _other_signing_key(answer: dict[str, Any]) -> None:
    answer["device_keys"][ANA]["ONE"]["keys"]["ed25519:ONE"] = Device("X").ed


def _nothing(answer: dict[str, Any]) -> None:
    answer["device_keys"] = {}


def _nonsense(answer: dict[str, Any]) -> None:
    answer["device_keys"][ANA] = {"ONE": None, "TWO": [], "THREE": {"keys": 7}, "\ud800": {"keys": {}}}


@pytest.mark.parametrize(
    "lie",
    [
        _other_users_device,
        _no_signatures,
        _changed_after_signing,
        _other_name,
        _other_signing_key,
        _nothing,
        _nonsense,
    ],
)
async def test_a_device_that_its_owner_did_not_make_so_is_unknown(server: Homeserver, judge: Trust, lie: Lie) -> None:
    device = Device("ONE")
    server.show(ANA, device.keys())
    lie(server.answer)
    assert await verdict(judge, device) == UNKNOWN_DEVICE


async def test_a_device_of_somebody_else_cannot_speak_for_the_sender(server: Homeserver, judge: Trust) -> None:
    device = Device("ONE")
    server.show(BEN, device.keys(BEN))
    server.show(ANA)
    assert await verdict(judge, device) == UNKNOWN_DEVICE
    assert await verdict(judge, device, BEN) is None
    server.show(ANA, device.keys(BEN) | {"user_id": ANA})
    assert await verdict(judge, device) == UNKNOWN_DEVICE, "Ben's own signature is not for Ana"


async def test_a_chain_must_hold_at_each_link(server: Homeserver, judge: Trust) -> None:
    device, identity, intruder = Device("ONE"), Seeds.fresh(), Seeds.fresh()
    server.show(ANA, device.keys(), identity=identity)
    assert await verdict(judge, device) == UNSIGNED_DEVICE, "not signed at all"
    server.show(ANA, device.keys(signed_by=intruder), identity=identity)
    assert await verdict(judge, device) == UNSIGNED_DEVICE, "signed by a stranger"
    server.answer["self_signing_keys"][ANA] = intruder.key_objects(ANA)["self_signing"]
    assert await verdict(judge, device) == UNSIGNED_DEVICE, "the stranger's key does not hang on Ana's master key"
    mixed = Seeds(identity.master, intruder.self_signing, identity.user_signing)
    server.answer["self_signing_keys"][ANA] = mixed.key_objects(ANA)["self_signing"]
    assert await verdict(judge, device) is None, "a new self-signing key that the same master key signed is fine"
    server.answer["self_signing_keys"] = {}
    assert await verdict(judge, device) == UNSIGNED_DEVICE, "no self-signing key at all"


async def test_what_is_known_of_an_identity_is_held_against_the_homeserver(server: Homeserver, judge: Trust) -> None:
    device, identity, intruder = Device("ONE"), Seeds.fresh(), Seeds.fresh()
    server.show(ANA, device.keys(signed_by=identity), identity=identity)
    assert await verdict(judge, device) is None
    changed = CHANGED_IDENTITY.format(user=ANA)
    slipped_in = Device("TWO")
    server.show(ANA, slipped_in.keys(signed_by=intruder), identity=intruder)
    assert await verdict(judge, slipped_in) == changed
    server.show(ANA, slipped_in.keys())
    assert await verdict(judge, slipped_in) == changed, "the identity cannot be hidden"
    server.show(ANA, device.keys(signed_by=identity), identity=identity)
    assert await verdict(judge, device) is None


async def test_a_device_cannot_change_its_keys(server: Homeserver, judge: Trust) -> None:
    device, impostor = Device("ONE"), Device("ONE")
    server.show(ANA, device.keys())
    assert await verdict(judge, device) is None
    server.show(ANA, impostor.keys())
    assert await verdict(judge, impostor) == CHANGED_DEVICE
    assert await verdict(judge, device) == UNKNOWN_DEVICE


async def test_a_good_verdict_is_kept_until_the_devices_change_and_a_refusal_for_half_a_minute(
    server: Homeserver, judge: Trust
) -> None:
    device, identity = Device("ONE"), Seeds.fresh()
    server.show(ANA, device.keys(), identity=identity)
    for _ in range(3):
        assert await judge.problem(ANA, device.curve, signing_key=device.ed) == UNSIGNED_DEVICE
    assert server.asked == 1
    server.show(ANA, device.keys(signed_by=identity), identity=identity)
    server.now += 31
    for _ in range(3):
        assert await judge.problem(ANA, device.curve, signing_key=device.ed) is None
    assert server.asked == 2
    server.now += 86400
    assert await judge.problem(ANA, device.curve, signing_key=device.ed) is None
    assert server.asked == 2
    judge.forget([BEN])
    assert await judge.problem(ANA, device.curve, signing_key=device.ed) is None
    assert server.asked == 2
    judge.forget([ANA])
    assert await judge.problem(ANA, device.curve, signing_key=device.ed) is None
    assert server.asked == 3
