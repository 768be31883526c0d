"""Posts, reposts, timelines and uploads of the sandbox: what X takes, refuses and gives back."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.sandbox import limits, words
from bridge.sandbox.schema import NEW_POST, mistake
from bridge.sandbox.world import DUPLICATE_SECONDS, POSTS_KEPT, World
from tests.unit.sandbox_guest import Guest, Pair, Reply, guest

FILE = Path(os.environ.get("KANTTER_X_DATA", ""), "x-openapi.json")
with_description = pytest.mark.skipif(
    "KANTTER_X_DATA" not in os.environ, reason="KANTTER_X_DATA does not name the folder of X's API description"
)


def detail(reply: Reply) -> str:
    return str(reply.json()["detail"])


async def test_a_post_comes_back_escaped_with_short_links() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        text = '1 < 2 & "3" > 2: see https://example.org/a?b=1&c=2 and example.com.'
        made = await x.post(pair, text)
        me = x.sandbox.world.user("acme").id
        page = await x.call("GET", f"/2/users/{me}/tweets?max_results=5&tweet.fields=created_at,entities", pair)
        found = page.data[0]
        assert (found["id"], found["text"]) == (made.data["id"], made.data["text"])
        urls = found["entities"]["urls"]
        assert [url["expanded_url"] for url in urls] == ["https://example.org/a?b=1&c=2", "http://example.com"]
        assert found["text"] == f'1 &lt; 2 &amp; "3" &gt; 2: see {urls[0]["url"]} and {urls[1]["url"]}.'
        assert all(found["text"][url["start"] : url["end"]] == url["url"] for url in urls)
        assert abs((int(found["id"]) >> 22) + 1_288_834_974_657 - x.sandbox.clock() * 1000) < 10_000


async def test_the_same_text_twice_is_refused_until_the_first_is_gone() -> None:
    async with guest() as x:
        pair, other = await x.link("acme"), await x.link("ana")
        first = await x.post(pair, "hello")
        again = await x.post(pair, "hello")
        assert (again.status, detail(again)) == (
            403,
            "You are not allowed to create a Tweet with duplicate content.",
        )
        assert (await x.post(other, "hello")).status == 201
        deleted = await x.call("DELETE", f"/2/tweets/{first.data['id']}", pair)
        assert (deleted.status, deleted.json()) == (200, {"data": {"deleted": True}})
        assert (await x.post(pair, "hello")).status == 201


def test_a_text_may_come_again_after_a_day() -> None:
    world = World()
    user = world.add_user("acme")
    world.add_post("acme", "hello", 0.0)
    assert world.repeats(user, "hello", DUPLICATE_SECONDS - 1)
    assert not world.repeats(user, "hello", DUPLICATE_SECONDS + 1)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x" * 280, 201),
        ("x" * 281, 403),
        ("語" * 140, 201),
        ("語" * 141, 403),
        ("👨‍👩‍👧‍👦" * 140, 201),
        ("👨‍👩‍👧‍👦" * 141, 403),
        ("https://example.org/" + "a" * 400 + " " + "x" * 256, 201),
        ("https://example.org/" + "a" * 400 + " " + "x" * 257, 403),
        ("", 400),
        (" \n ", 400),
        ("$ACME", 201),
        ("$ACME and $OTHER", 403),
    ],
    ids=str,
)
async def test_lengths_and_what_else_is_refused(text: str, status: int) -> None:
    async with guest() as x:
        assert (await x.post(await x.link("acme"), text)).status == status


async def test_a_premium_account_may_write_long() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        x.sandbox.world.user("acme").premium = True
        assert (await x.post(pair, "x" * 25_000)).status == 201
        assert detail(await x.post(pair, "x" * 25_001)) == "Your Tweet text is too long."


async def test_replies_are_for_those_who_were_mentioned() -> None:
    async with guest() as x:
        pair, now = await x.link("acme"), x.sandbox.clock()
        asked = x.sandbox.world.add_post("ana", "What do you say, @Acme?", now)
        other = x.sandbox.world.add_post("ana", "Good morning, @acme_labs", now)
        for target, status in ((asked.id, 201), (other.id, 403), ("1", 403)):
            reply = await x.post(pair, f"yes, {target}", reply={"in_reply_to_tweet_id": target})
            assert reply.status == status
        refused = await x.post(pair, "so", quote_tweet_id=asked.id)
        assert (refused.status, "not permitted" in detail(refused)) == (403, True)


async def test_others_posts_cannot_be_deleted_and_nothing_twice() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        theirs = x.sandbox.world.add_post("ana", "mine", x.sandbox.clock())
        assert (await x.call("DELETE", f"/2/tweets/{theirs.id}", pair)).status == 403
        own = (await x.post(pair, "hello")).data["id"]
        assert [(await x.call("DELETE", f"/2/tweets/{own}", pair)).status for _ in range(2)] == [200, 404]
        assert (await x.call("GET", f"/2/tweets/{own}", pair)).status == 404


async def test_reposts_come_and_go_with_the_original() -> None:
    async with guest() as x:
        pair, world = await x.link("acme"), x.sandbox.world
        me, theirs = world.user("acme"), world.add_post("ana", "worth reading", x.sandbox.clock())
        for _ in range(2):
            done = await x.call("POST", f"/2/users/{me.id}/retweets", pair, json={"tweet_id": theirs.id})
            assert (done.status, done.data["retweeted"], len(me.posts)) == (200, True, 1)
        back = await x.call("DELETE", f"/2/users/{me.id}/retweets/{theirs.id}", pair)
        assert (back.data, len(me.posts)) == ({"retweeted": False}, 0)
        stranger = world.user("ana").id
        body = {"tweet_id": theirs.id}
        assert (await x.call("POST", f"/2/users/{stranger}/retweets", pair, json=body)).status == 403
        await x.call("POST", f"/2/users/{me.id}/retweets", pair, json=body)
        world.drop(theirs)
        assert not me.posts
        assert (await x.call("POST", f"/2/users/{me.id}/retweets", pair, json=body)).status == 404


async def test_a_timeline_is_read_in_pages() -> None:
    async with guest() as x:
        pair, me = await x.link("acme"), x.sandbox.world.user("acme").id
        ids = [(await x.post(pair, f"number {n}")).data["id"] for n in range(12)]
        path, seen, token = f"/2/users/{me}/tweets?max_results=5", [], ""
        while True:
            page = await x.call("GET", path + token, pair)
            seen += [post["id"] for post in page.data]
            if "next_token" not in page.json()["meta"]:
                break
            token = f"&pagination_token={page.json()['meta']['next_token']}"
        assert seen == ids[::-1]
        since = await x.call("GET", f"{path}&since_id={ids[9]}", pair)
        assert [post["id"] for post in since.data] == [ids[11], ids[10]]
        for wrong in ("max_results=4", "max_results=x", "since_id=" + "9" * 5000, "start_time=soon", "what=1"):
            assert (await x.call("GET", f"/2/users/{me}/tweets?{wrong}", pair)).status == 400
        x.sandbox.world.lag = 60.0
        assert (await x.call("GET", path, pair)).json()["meta"] == {"result_count": 0}


async def test_rate_limits_are_told_and_kept_for_each_account() -> None:
    async with guest(numbers={"post": 2}) as x:
        acme, ana = await x.link("acme"), await x.link("ana")
        replies = [await x.post(acme, f"number {n}") for n in range(3)]
        told = [reply.headers["x-rate-limit-remaining"] for reply in replies]
        assert ([reply.status for reply in replies], told) == ([201, 201, 429], ["1", "0", "0"])
        reset = int(replies[2].headers["x-rate-limit-reset"])
        assert 0 <= reset - x.sandbox.clock() - limits.WINDOW + 10 <= 11
        assert (await x.post(ana, "hello")).status == 201
        assert (await x.call("GET", "/2/users/me", acme)).headers["x-rate-limit-limit"] == "75"
        x.sandbox.limits.forget()
        assert (await x.post(acme, "number 3")).status == 201


def test_a_window_ends() -> None:
    counted = limits.Limits({"post": 1})
    assert [counted.count("1", "post", now).allowed for now in (0.0, 899.0, 900.0)] == [True, False, True]
    assert counted.count("1", "post", 900.5).headers()["x-rate-limit-reset"] == "1800"


def test_the_world_forgets_the_oldest() -> None:
    world = World()
    user = world.add_user("acme")
    for number in range(POSTS_KEPT + 3):
        world.add_post("acme", str(number), 0.0)
    assert (len(user.posts), next(iter(user.posts.values())).text, world.taken) == (POSTS_KEPT, "3", POSTS_KEPT + 3)
    assert not world.repeats(user, "0", 1.0)


def test_what_is_a_link() -> None:
    text = "(see example.org/a) http://x.y.dev, foo.bar not.a.tldx a@b.c https://münchen.de/ü"
    assert [link.address for link in words.links(text)] == [
        "http://example.org/a",
        "http://x.y.dev",
        "https://münchen.de/ü",
    ]


# ------------------------------------------------------------ pictures


async def uploaded(x: Guest, pair: Pair, size: int = 10, category: str = "tweet_image") -> Reply:
    files, fields = {"media": ("a.png", b"p" * size, "image/png")}, {"media_category": category}
    return await x.call("POST", "/2/media/upload", pair, files=files, data=fields)


async def test_a_picture_is_uploaded_described_and_posted() -> None:
    async with guest() as x:
        pair, other = await x.link("acme"), await x.link("ana")
        medium = (await uploaded(x, pair)).data
        assert medium["size"] == 10
        described = {"id": medium["id"], "metadata": {"alt_text": {"text": "a plane"}}}
        assert (await x.call("POST", "/2/media/metadata", pair, json=described)).status == 200
        assert (await x.call("POST", "/2/media/metadata", other, json=described)).status == 404
        assert (await x.post(other, "stolen", media={"media_ids": [medium["id"]]})).status == 400
        assert (await x.post(pair, "", media={"media_ids": [medium["id"]]})).status == 201
        assert "a plane" in (await x.plain("GET", "/acme")).body.decode()


async def test_a_video_in_pieces() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        said = {"media_category": "tweet_video", "media_type": "video/mp4", "total_bytes": 8}
        x.sandbox.world.processing = 3.0
        medium = (await x.call("POST", "/2/media/upload/initialize", pair, json=said)).data["id"]
        finalize = f"/2/media/upload/{medium}/finalize"
        assert (await x.call("POST", finalize, pair)).status == 400
        assert (await x.post(pair, "early", media={"media_ids": [medium]})).status == 400
        for segment in range(2):
            files, data = {"media": ("a", b"\x00\r\n\xff", "video/mp4")}, {"segment_index": str(segment)}
            assert (
                await x.call("POST", f"/2/media/upload/{medium}/append", pair, files=files, data=data)
            ).status == 200
        assert (await x.call("POST", finalize, pair)).data["size"] == 8
        look = f"/2/media/upload?command=STATUS&media_id={medium}"
        info = (await x.call("GET", look, pair)).data["processing_info"]
        assert (info["state"], info["check_after_secs"]) == ("in_progress", 2)
        assert (await x.post(pair, "early", media={"media_ids": [medium]})).status == 400
        now = x.sandbox.clock()
        x.sandbox.clock = lambda: now + 3.0
        assert (await x.call("GET", look, pair)).data["processing_info"]["state"] == "succeeded"
        picture = (await uploaded(x, pair)).data["id"]
        assert (await x.post(pair, "both", media={"media_ids": [medium, picture]})).status == 400
        assert (await x.post(pair, "done", media={"media_ids": [medium]})).status == 201


async def chunked(
    x: Guest, pair: Pair, *chunks: tuple[int, int], total: int, category: str = "tweet_video"
) -> list[int]:
    """The statuses of an upload with chunks of such numbers and sizes."""
    said = {"media_category": category, "media_type": "video/mp4", "total_bytes": total}
    begun = await x.call("POST", "/2/media/upload/initialize", pair, json=said)
    if begun.status != 200:
        return [begun.status]
    path, statuses = f"/2/media/upload/{begun.data['id']}", [begun.status]
    for index, size in chunks:
        files, data = {"media": ("a", bytes(size), "video/mp4")}, {"segment_index": str(index)}
        statuses.append((await x.call("POST", f"{path}/append", pair, files=files, data=data)).status)
    return [*statuses, (await x.call("POST", f"{path}/finalize", pair)).status]


async def test_chunks_come_in_order_and_add_up() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        assert await chunked(x, pair, (0, 5), (1, 3), total=8) == [200, 200, 200, 200]
        assert await chunked(x, pair, (0, 5), (0, 5), (1, 3), total=8) == [200, 200, 200, 200, 200]
        assert await chunked(x, pair, (1, 3), (0, 8), total=8) == [200, 400, 200, 200]
        assert await chunked(x, pair, (0, 5), (1, 4), total=8) == [200, 200, 400, 400]
        assert await chunked(x, pair, (0, 5), total=8) == [200, 200, 400]
        assert await chunked(x, pair, total=(512 << 20) + 1) == [400]
        assert await chunked(x, pair, total=(15 << 20) + 1, category="tweet_gif") == [400]


async def test_a_video_that_cannot_be_used_says_why() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        x.sandbox.world.processing, x.sandbox.world.unfit = 0.0, "Unsupported codec"
        assert await chunked(x, pair, (0, 8), total=8) == [200, 200, 200]
        [medium] = x.sandbox.world.media
        status = await x.call("GET", f"/2/media/upload?command=STATUS&media_id={medium}", pair)
        assert status.data["processing_info"]["state"] == "failed"
        assert status.json()["errors"][0]["detail"] == "Unsupported codec"
        assert (await x.post(pair, "hello", media={"media_ids": [medium]})).status == 400


async def test_pictures_have_a_largest_size() -> None:
    async with guest() as x:
        pair = await x.link("acme")
        assert (await uploaded(x, pair, 5 << 20)).status == 200
        assert (await uploaded(x, pair, (5 << 20) + 1)).status == 400
        assert (await uploaded(x, pair, category="holiday")).status == 400


# ------------------------------------------------------------ held against X's own description


@pytest.fixture(scope="module")
def description() -> Any:
    return json.loads(FILE.read_text("utf-8"))


def validate(description: Any, method: str, path: str, reply: Reply) -> None:
    answer = description["paths"][path][method]["responses"][str(reply.status)]
    whole = {**answer["content"]["application/json"]["schema"], "components": description["components"]}
    jsonschema.validate(reply.json(), whole, cls=jsonschema.Draft202012Validator)


async def answers_about_a_video(x: Guest, pair: Pair, description: Any) -> None:
    said = {"media_category": "tweet_video", "media_type": "video/mp4", "total_bytes": 4}
    begun = await x.call("POST", "/2/media/upload/initialize", pair, json=said)
    validate(description, "post", "/2/media/upload/initialize", begun)
    path = f"/2/media/upload/{begun.data['id']}"
    files = {"media": ("a", b"aaaa", "video/mp4")}
    chunk = await x.call("POST", f"{path}/append", pair, files=files, data={"segment_index": "0"})
    validate(description, "post", "/2/media/upload/{id}/append", chunk)
    x.sandbox.world.processing, x.sandbox.world.unfit = 0.0, "Unsupported codec"
    validate(description, "post", "/2/media/upload/{id}/finalize", await x.call("POST", f"{path}/finalize", pair))
    look = await x.call("GET", f"/2/media/upload?command=STATUS&media_id={begun.data['id']}", pair)
    validate(description, "get", "/2/media/upload", look)


@with_description
async def test_answers_are_what_x_describes(description: Any) -> None:
    async with guest() as x:
        pair, me = await x.link("acme"), x.sandbox.world.user("acme").id
        made = await x.post(pair, "hello https://example.org")
        validate(description, "post", "/2/tweets", made)
        fields = "tweet.fields=created_at,entities,author_id,referenced_tweets"
        page = await x.call("GET", f"/2/users/{me}/tweets?{fields}", pair)
        validate(description, "get", "/2/users/{id}/tweets", page)
        validate(description, "get", "/2/users/me", await x.call("GET", "/2/users/me", pair))
        repost = await x.call("POST", f"/2/users/{me}/retweets", pair, json={"tweet_id": made.data["id"]})
        validate(description, "post", "/2/users/{id}/retweets", repost)
        medium = await uploaded(x, pair)
        validate(description, "post", "/2/media/upload", medium)
        described = {"id": medium.data["id"], "metadata": {"alt_text": {"text": "a plane"}}}
        alt = await x.call("POST", "/2/media/metadata", pair, json=described)
        validate(description, "post", "/2/media/metadata", alt)
        await answers_about_a_video(x, pair, description)
        validate(description, "delete", "/2/tweets/{id}", await x.call("DELETE", f"/2/tweets/{made.data['id']}", pair))


_POSTS: list[dict[str, Any]] = [
    {"text": "a"},
    {"media": {"media_ids": ["1", "2"]}},
    {"media": {"media_ids": []}},
    {"media": {"media_ids": ["1"] * 5}},
    {"media": {}},
    {"text": "a", "more": 1},
    {"text": 1},
    {"text": None},
    {"text": "a", "reply": {"in_reply_to_tweet_id": "12"}},
    {"text": "a", "reply": {"in_reply_to_tweet_id": "x"}},
    {"text": "a", "reply": {}},
    {"text": "a", "poll": {"options": ["a", "b"], "duration_minutes": 5}},
    {"text": "a", "poll": {"options": ["a"], "duration_minutes": 5}},
    {"text": "a", "poll": {"options": ["a", "b" * 26], "duration_minutes": 5}},
    {"text": "a", "poll": {"options": ["a", "b"], "duration_minutes": 10081}},
    {"text": "a", "reply_settings": "following"},
    {"text": "a", "reply_settings": "nobody"},
    {"text": "a", "made_with_ai": True},
    {"text": "a", "made_with_ai": "yes"},
]


@with_description
@pytest.mark.parametrize("body", _POSTS, ids=json.dumps)
def test_the_sandbox_takes_what_x_describes_and_nothing_else(description: Any, body: dict[str, Any]) -> None:
    schema = description["paths"]["/2/tweets"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    checker = jsonschema.Draft202012Validator({**schema, "components": description["components"]})
    assert (mistake(body, NEW_POST) is None) == checker.is_valid(body)
