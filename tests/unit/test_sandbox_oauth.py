"""The gate and the OAuth flow of the sandbox: who may come in, PINs, revoking."""

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from requests_oauthlib import OAuth1

from bridge.sandbox import Sandbox
from bridge.sandbox.verify import WINDOW
from tests.unit.sandbox_guest import Guest, guest

CALLBACK = "https://bot.example.org/oauth/callback"


async def test_the_whole_flow_gives_a_pair_that_posts() -> None:
    async with guest() as x:
        request, address = await x.begin()
        pin = x.sandbox.approve(address, "acme")
        assert (len(pin), pin.isdecimal()) == (7, True)
        form = (await x.trade(request, pin)).form()
        assert (form["screen_name"], form["user_id"]) == ("acme", x.sandbox.world.user("acme").id)
        assert (await x.post((form["oauth_token"], form["oauth_token_secret"]), "hello")).status == 201


async def test_a_pin_works_once() -> None:
    async with guest() as x:
        request, address = await x.begin()
        pin = x.sandbox.approve(address, "acme")
        assert (await x.trade(request, pin)).status == 200
        again = await x.trade(request, pin)
        assert (again.status, again.body) == (401, b"Reverse auth credentials are invalid")


async def test_a_wrong_pin_burns_the_request_token() -> None:
    async with guest() as x:
        request, address = await x.begin()
        pin = x.sandbox.approve(address, "acme")
        wrong = await x.trade(request, "0000000")
        assert wrong.status == 401
        assert b"Invalid oauth_verifier parameter" in wrong.body
        assert (await x.trade(request, pin)).status == 401
        with pytest.raises(KeyError):
            x.sandbox.approve(address, "acme")


async def test_a_pin_is_nothing_before_anybody_approved_and_too_late_after_a_while() -> None:
    async with guest() as x:
        request, _ = await x.begin()
        assert (await x.trade(request, "1234567")).status == 401
        request, address = await x.begin()
        pin = x.sandbox.approve(address, "acme")
        x.sandbox.world.pending(request[0], x.sandbox.clock() + 901)  # somebody looks at the link 15 minutes later
        assert (await x.trade(request, pin)).body == b"Reverse auth credentials are invalid"


async def test_two_people_at_once_do_not_mix() -> None:
    async with guest() as x:
        (one, first), (two, second) = await x.begin(), await x.begin()
        pin_two, pin_one = x.sandbox.approve(second, "ana"), x.sandbox.approve(first, "acme")
        assert (await x.trade(one, pin_one)).form()["screen_name"] == "acme"
        assert (await x.trade(two, pin_two)).form()["screen_name"] == "ana"


async def test_the_same_pair_is_given_again_until_permissions_change() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        assert await x.link("acme") == pair
        x.sandbox.world.write = False
        read_only = await x.link("acme")
        assert read_only != pair
        refused = await x.post(read_only, "hello")
        assert (refused.status, "oauth1 app permissions" in refused.json()["detail"]) == (403, True)
        assert (await x.call("GET", "/2/users/me", read_only)).data["username"] == "acme"
        x.sandbox.world.write, x.sandbox.world.fresh_pairs = True, True
        assert await x.link("acme") not in (pair, read_only)


async def test_revoking_kills_a_pair() -> None:
    async with guest() as x:
        pair, other = await x.link("acme"), await x.link("ana")
        done = await x.call("POST", "/1.1/oauth/invalidate_token.json", pair)
        assert (done.status, done.json()) == (200, {"access_token": pair[0]})
        assert (await x.post(pair, "hello")).status == 401
        again = await x.call("POST", "/1.1/oauth/invalidate_token.json", pair)
        assert (again.status, again.json()["errors"][0]["code"]) == (401, 89)
        x.sandbox.world.revoke_user("ana")
        assert (await x.post(other, "hello")).status == 401
        assert await x.link("acme") != pair


async def test_only_callbacks_of_the_app_are_taken() -> None:
    async with guest(callbacks=[CALLBACK]) as x:
        key = x.sandbox.consumer_key, x.sandbox.consumer_secret
        refused = await x.call("POST", "/oauth/request_token", auth=OAuth1(*key, callback_uri="https://evil.example"))
        assert (refused.status, refused.json()["errors"][0]["code"]) == (403, 415)
        request, address = await x.begin(CALLBACK)
        verifier = x.sandbox.approve(address, "acme")
        assert len(verifier) > 7
        assert (await x.trade(request, verifier)).status == 200


async def code_of(x: Guest, path: str = "/oauth/request_token", **signer: Any) -> tuple[int, int]:
    key = {"client_key": x.sandbox.consumer_key, "client_secret": x.sandbox.consumer_secret, "callback_uri": "oob"}
    reply = await x.call("POST", path, auth=OAuth1(**{**key, **signer}))
    return reply.status, reply.json()["errors"][0]["code"]


async def test_refusals_tell_a_dead_key_from_a_wrong_clock() -> None:
    async with guest() as x:
        assert await code_of(x, client_key="nobody") == (401, 32)
        assert await code_of(x, client_secret="wrong") == (401, 32)
        assert await code_of(x, timestamp=str(int(x.sandbox.clock() - WINDOW - 2))) == (401, 135)
        unsigned = await x.plain("POST", "/oauth/request_token")
        assert (unsigned.status, unsigned.json()["errors"][0]["code"]) == (400, 215)
        x.sandbox.world.suspended = True
        assert await code_of(x) == (401, 416)


async def test_the_second_api_says_unauthorized_to_all_of_them() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        now = x.sandbox.clock
        for wrong in (("dead", "token"), (pair[0], "wrong"), ("", "")):
            assert (await x.post(wrong, "hello")).json()["title"] == "Unauthorized"
        x.sandbox.clock = lambda: now() + 3600
        late = await x.post(pair, "hello")
        assert late.json() == {"title": "Unauthorized", "detail": "Unauthorized", "type": "about:blank", "status": 401}
        assert x.sandbox.log[-1].note == "timestamp out of bounds"
        assert parsedate_to_datetime(late.headers["date"]).timestamp() > now() + 3500
        x.sandbox.clock = now
        x.sandbox.world.suspended = True
        assert (await x.post(pair, "hello")).status == 401
        assert not x.sandbox.world.user("acme").posts


async def test_the_date_header_follows_the_clock() -> None:
    async with guest(lambda: 1_000_000_000.0) as x:
        reply = await x.plain("POST", "/2/tweets")
        assert reply.headers["date"] == "Sun, 09 Sep 2001 01:46:40 GMT"


async def test_the_same_signed_request_runs_once() -> None:
    async with guest() as x:
        prepared = x.signed("POST", "/2/tweets", await x.link("acme"), json={"text": "hello"})
        assert (await x.send(prepared)).status == 201
        x.sandbox.world.drop(next(iter(x.sandbox.world.user("acme").posts.values())))
        assert (await x.send(prepared)).status == 401
        assert x.sandbox.log[-1].note == "nonce used before"
        assert not x.sandbox.world.user("acme").posts


async def test_a_signature_is_for_its_own_path_and_host() -> None:
    async with guest() as x:
        prepared = x.signed("DELETE", "/2/tweets/1", await x.link("acme"))
        prepared.url = prepared.url.removesuffix("1") + "2"
        assert (await x.send(prepared)).status == 401
        prepared = x.signed("GET", "/2/users/me", await x.link("acme"))
        prepared.headers["Host"] = "api.x.com"
        assert (await x.send(prepared)).status == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"text":"\\ud800"}', b"[" * 100_000, b'{"text":1}'])
async def test_a_bad_body_is_a_400(body: bytes) -> None:
    async with guest() as x:
        headers = {"Content-Type": "application/json"}
        reply = await x.call("POST", "/2/tweets", await x.link("acme"), data=body, headers=headers)
        assert (reply.status, reply.json()["title"]) == (400, "Invalid Request")


async def test_no_secret_stands_in_the_log_or_in_a_repr() -> None:
    async with guest() as x:
        request, address = await x.begin()
        pin = x.sandbox.approve(address, "acme")
        form = (await x.trade(request, pin)).form()
        said = repr(list(x.sandbox.log)) + repr(vars(x.sandbox.world))
        assert not any(secret in said for secret in (pin, request[1], form["oauth_token_secret"]))


async def test_keys_are_random_or_as_given_and_a_taken_port_is_an_error() -> None:
    async with await Sandbox.start() as one, await Sandbox.start(consumer_key="k", consumer_secret="s") as two:
        assert one.consumer_key != two.consumer_key
        assert (two.consumer_key, two.consumer_secret) == ("k", "s")
        with pytest.raises(OSError, match="in use"):
            await Sandbox.start(int(one.url.rpartition(":")[2]))
        assert json.dumps(one.url).startswith('"http://127.0.0.1:')
