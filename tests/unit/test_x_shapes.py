"""What leaves for X, held against X's own API description, and what is taken from what comes back."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Draft, Medium
from bridge.publish.x import shapes

FILE = Path(os.environ.get("KANTTER_X_DATA", ""), "x-openapi.json")
with_description = pytest.mark.skipif(
    "KANTTER_X_DATA" not in os.environ, reason="KANTTER_X_DATA does not name the folder of X's API description"
)
WEB = "https://x.com"


@pytest.fixture(scope="module")
def description() -> Any:
    return json.loads(FILE.read_text("utf-8"))


def validate(description: Any, method: str, path: str, body: bytes) -> None:
    operation = description["paths"][path][method]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": description["components"]}
    jsonschema.validate(json.loads(body), whole, cls=jsonschema.Draft202012Validator)


@with_description
@pytest.mark.parametrize(
    "draft",
    [Draft("hello"), Draft("h\u00e9 \U0001f600\n\u202e"), Draft("x" * 25_000), Draft("hello", reply_to="1" * 19)],
)
def test_a_post_is_what_x_describes(description: Any, draft: Draft) -> None:
    body = shapes.post_body(draft)
    validate(description, "post", "/2/tweets", body)
    assert json.loads(body)["text"] == draft.text


@with_description
def test_a_post_with_pictures_is_what_x_describes(description: Any) -> None:
    media = tuple(Medium(f"mxc://example.org/{n}", "image/png", remote_id=f"{n}" * 19) for n in (1, 2, 3, 4))
    body = shapes.post_body(Draft("hello", media=media))
    validate(description, "post", "/2/tweets", body)
    assert json.loads(body)["media"] == {"media_ids": [one.remote_id for one in media]}


def test_a_picture_that_was_not_uploaded_cannot_be_posted() -> None:
    with pytest.raises(ValueError):
        shapes.post_body(Draft("hello", media=(Medium("mxc://example.org/1", "image/png"),)))


@with_description
@pytest.mark.parametrize("alt", ["A cat", "x" * 1000, "\u00e9\n\U0001f600"])
def test_an_alt_text_is_what_x_describes(description: Any, alt: str) -> None:
    body = shapes.alt_body("1" * 19, alt)
    validate(description, "post", "/2/media/metadata", body)
    assert json.loads(body)["metadata"]["alt_text"]["text"] == alt


@with_description
@pytest.mark.parametrize("mime", ["image/png", "image/gif"])
def test_an_upload_is_what_x_describes(description: Any, mime: str) -> None:
    operation = description["paths"]["/2/media/upload"]["post"]
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    whole = {**schema, "components": description["components"]}
    jsonschema.validate({"media": "...", **shapes.upload_fields(mime)}, whole, cls=jsonschema.Draft202012Validator)


@with_description
@pytest.mark.parametrize("mime", ["image/gif", "video/mp4", "video/quicktime"])
def test_a_large_upload_is_what_x_describes(description: Any, mime: str) -> None:
    body = shapes.initialize_body(mime, 512 << 20)
    validate(description, "post", "/2/media/upload/initialize", body)
    category = "tweet_gif" if mime == "image/gif" else "tweet_video"
    assert json.loads(body) == {"media_category": category, "media_type": mime, "total_bytes": 512 << 20}
    schema = description["paths"]["/2/media/upload/{id}/append"]["post"]["requestBody"]["content"]
    whole = {**schema["multipart/form-data"]["schema"], "components": description["components"]}
    jsonschema.validate({"media": "...", "segment_index": 999}, whole, cls=jsonschema.Draft202012Validator)
    assert "requestBody" not in description["paths"]["/2/media/upload/{id}/finalize"]["post"]


@pytest.mark.parametrize(
    ("answer", "state", "seconds", "reason"),
    [
        ({}, "pending", 1.0, ""),
        ({"data": {"id": "1"}}, "", 1.0, ""),
        ({"data": {"processing_info": {"state": "in_progress", "check_after_secs": 7}}}, "in_progress", 7.0, ""),
        ({"data": {"processing_info": {"state": 7, "check_after_secs": "x"}}}, "pending", 1.0, ""),
        ({"data": {"processing_info": {"state": "failed", "error": {"message": "bad"}}}}, "failed", 1.0, "bad"),
        ({"data": {"processing_info": {"state": "failed"}}, "errors": [{"detail": "bad"}]}, "failed", 1.0, "bad"),
        ({"data": {"processing_info": {"state": "failed", "check_after_secs": -1}}, "errors": [7]}, "failed", 1.0, ""),
        ({"data": {"processing_info": {"state": "pending", "check_after_secs": float("inf")}}}, "pending", 1.0, ""),
    ],
)
def test_how_far_x_is_with_an_upload(answer: dict[str, Any], state: str, seconds: float, reason: str) -> None:
    assert shapes.processing(answer) == shapes.Processing(state, seconds, reason)


@with_description
def test_a_repost_is_what_x_describes(description: Any) -> None:
    validate(description, "post", "/2/users/{id}/retweets", shapes.repost_body("1346889436626259968"))


@with_description
def test_the_description_would_notice(description: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(description, "post", "/2/tweets", b'{"text":"a","more":1}')
    with pytest.raises(jsonschema.ValidationError):
        validate(description, "post", "/2/users/{id}/retweets", b'{"tweet_id":"x"}')


@with_description
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("delete", "/2/tweets/{id}"),
        ("delete", "/2/users/{id}/retweets/{source_tweet_id}"),
        ("get", "/2/users/{id}/tweets"),
    ],
)
def test_these_addresses_are_there_and_take_no_body(description: Any, method: str, path: str) -> None:
    assert "requestBody" not in description["paths"][path][method]


@with_description
def test_the_timeline_is_asked_within_its_bounds(description: Any) -> None:
    listed = description["paths"]["/2/users/{id}/tweets"]["get"]["parameters"]
    known = {parameter["name"]: parameter for parameter in listed if "name" in parameter}
    asked = dict(pair.split("=") for pair in shapes.timeline_query(0.0, long_texts=False).split("&"))
    limits = known["max_results"]["schema"]
    assert limits["minimum"] <= int(asked["max_results"]) <= limits["maximum"]
    assert asked["exclude"] in known["exclude"]["schema"]["items"]["enum"]
    assert asked["start_time"] > "2010-11-06"


@pytest.mark.parametrize(
    "draft", [Draft("\ud800"), Draft("a", reply_to=""), Draft("a", reply_to="x"), Draft("a", reply_to="1" * 20)]
)
def test_what_cannot_be_said_does_not_leave(draft: Draft) -> None:
    with pytest.raises(ValueError):
        shapes.post_body(draft)


# ---------------------------------------------------------------- addresses of posts


@pytest.mark.parametrize(
    "text",
    [
        "https://x.com/ana/status/1234",
        " <https://x.com/ana/status/1234> ",
        "http://twitter.com/ana/status/1234",
        "https://www.x.com/ana/status/1234/",
        "https://mobile.twitter.com/ana/statuses/1234?s=20&t=abc",
        "https://x.com/i/web/status/1234#m",
        "https://x.com/i/status/1234",
        "https://x.com/ana/status/1234/photo/1",
        "HTTPS://X.COM/ana/status/1234",
        "x.com/ana/status/1234",
        "1234",
    ],
)
def test_an_address_of_a_post(text: str) -> None:
    assert shapes.id_in(text, WEB) == "1234"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k7",
        "1" * 20,
        "\u0661\u0662",
        "-1",
        "12 34",
        "https://x.com/ana",
        "https://x.com/ana/status/",
        "https://x.com/ana/status/12x",
        "https://x.com/ana/status/1234/likes",
        "https://evil.example/ana/status/1234",
        "https://x.com.evil.example/ana/status/1234",
        "https://evil.example/x.com/ana/status/1234",
        "https://x.com@evil.example/ana/status/1234",
        "https://ana@x.com/ana/status/1234",
        "https://x.com:8080/ana/status/1234",
        "https://x.com:bad/ana/status/1234",
        "https://[x.com/ana/status/1234",
        "ftp://x.com/ana/status/1234",
        "javascript://x.com/ana/status/1234",
        "https://x.com/ana/../status/1234",
        "https://x.com/ana/status/1234\n5",
        "see https://x.com/ana/status/1234",
        "https://x.com/" + "a" * 5000 + "/status/1234",
    ],
)
def test_no_address_of_a_post(text: str) -> None:
    assert shapes.id_in(text, WEB) is None


def test_an_address_at_the_stand_in() -> None:
    assert shapes.id_in("http://127.0.0.1:8000/ana/status/1234", "http://127.0.0.1:8000") == "1234"
    assert shapes.id_in("http://127.0.0.1:8001/ana/status/1234", "http://127.0.0.1:8000") is None


@given(st.text(st.characters(codec=None), max_size=80) | st.from_regex(r"https?://x\.com/.*"))
def test_any_text_is_survived(text: str) -> None:
    found = shapes.id_in(text, WEB)
    assert found is None or shapes.is_id(found)


# ---------------------------------------------------------------- answers


@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text() | st.lists(st.integers())))
def test_any_answer_is_survived(answer: dict[str, Any]) -> None:
    assert shapes.new_id({"data": answer}) is None or shapes.is_id(str(answer.get("id")))
    shapes.posts({"data": [answer]})
    shapes.posts(answer)


@given(st.text(max_size=100))
def test_any_form_is_survived(form: str) -> None:
    assert shapes.linked(form) is None
    assert shapes.request_token(form) is None


def test_when_a_post_was_made() -> None:
    assert shapes.made_at({"id": "1346889436626259968"}) == pytest.approx(1_609_958_440, abs=1)
    assert shapes.made_at({"id": "20", "created_at": "2006-03-21T20:50:14.000Z"}) == 1_142_974_214.0
    assert shapes.made_at({"id": "20"}) is None
    assert shapes.made_at({"id": "20", "created_at": 5}) is None
