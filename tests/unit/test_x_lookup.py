"""Whether what X shows is what we sent."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Draft, Medium
from bridge.publish.x.lookup import find_again, same_text, shown_texts
from bridge.sandbox import words


def entity(short: Any, full: Any) -> dict[str, Any]:
    return {"url": short, "expanded_url": full}


@pytest.mark.parametrize(
    ("theirs", "urls", "same"),
    [
        ("hello https://t.co/pic", [], True),
        ("hello https://t.co/pic", [entity("https://t.co/pic", "https://x.com/ana/status/1/photo/1")], True),
        ("hello", [], True),
        ("hello https://t.co/a", [entity("https://t.co/a", "https://example.com/x")], False),
        ("hello you https://t.co/pic", [], False),
    ],
)
def test_behind_the_text_of_a_picture_stands_its_link(theirs: str, urls: list[dict[str, Any]], same: bool) -> None:
    assert same_text("hello", theirs, urls, media=True) is same
    assert same_text("hello", theirs, urls) is (theirs == "hello")


@pytest.mark.parametrize(
    ("ours", "theirs", "urls"),
    [
        ("hello", "hello", []),
        ("a & b <c> &amp;", "a &amp; b &lt;c&gt; &amp;amp;", []),
        ("e\u0301", "\u00e9", []),
        (" a\r\nb  c ", "a\nb c", []),
        ("see example.com/x, ok", "see https://t.co/abc, ok", [entity("https://t.co/abc", "http://example.com/x")]),
        ("https://Example.com", "https://t.co/a", [entity("https://t.co/a", "https://example.com/")]),
        (
            "http://a.com/1 http://a.com/2",
            "https://t.co/a https://t.co/ab",
            [entity("https://t.co/a", "http://a.com/1"), entity("https://t.co/ab", "http://a.com/2")],
        ),
        ("http://a.com/?x=1&y=2", "https://t.co/a", [entity("https://t.co/a", "http://a.com/?x=1&y=2")]),
    ],
)
def test_the_same(ours: str, theirs: str, urls: list[dict[str, Any]]) -> None:
    assert same_text(ours, theirs, urls)


@pytest.mark.parametrize(
    ("ours", "theirs", "urls"),
    [
        ("hello", "hello!", []),
        ("hello", "Hello", []),
        ("http://a.com/A", "https://t.co/a", [entity("https://t.co/a", "http://a.com/a")]),
        ("http://a.com/1", "https://t.co/a", []),
        ("hello", "@ana hello", []),
        ("a b", "ab", []),
    ],
)
def test_not_the_same(ours: str, theirs: str, urls: list[dict[str, Any]]) -> None:
    assert not same_text(ours, theirs, urls)


def test_a_reply_may_come_back_with_handles_before_it() -> None:
    assert same_text("hello", "@ana @acme_1 hello", reply=True)
    assert same_text("@ana hello", "@ana hello", reply=True)
    assert not same_text("hello", "@ana hello there", reply=True)


@pytest.mark.parametrize("urls", [[None], [{}], [entity(1, 2)], [entity("", "x")], [entity("https://t.co/a", None)]])
def test_odd_entities_are_passed_over(urls: list[Any]) -> None:
    assert same_text("hello", "hello", urls)


PIECES = st.sampled_from(
    [
        "a",
        " ",
        "&",
        "<",
        ">",
        "&amp;",
        "example.com",
        "https://example.org/a_(b)",
        "\u3042",
        "\U0001f600",
        ".",
        "\n",
        "@ana",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_the_stand_in_makes_of_a_text_is_the_same_text(text: str) -> None:
    if "example" in text and not all(
        word in ("example.com", "https://example.org/a_(b)") for word in text.split() if "example" in word
    ):
        return  # where a link ends in the midst of a word, the stand-in reads on a little
    counter = iter(range(100))
    shown = words.shown(text, lambda full: f"https://t.co/{next(counter):010d}")
    assert same_text(text, shown.text, shown.urls)


def test_long_and_odd_posts() -> None:
    assert shown_texts({"text": "a", "entities": 5, "note_tweet": {"text": "ab", "entities": {"urls": [{}]}}}) == [
        ("a", []),
        ("ab", [{}]),
    ]
    assert shown_texts({"text": None, "note_tweet": "x"}) == []


def test_a_heap_of_links_takes_no_time() -> None:
    text = " ".join(f"https://t.co/{number:010d}" for number in range(1000))
    urls = [entity(f"https://t.co/{number:010d}", f"http://a.com/{number}") for number in range(1000)]
    began = time.process_time()
    assert same_text(" ".join(f"http://a.com/{number}" for number in range(1000)), text, urls)
    assert time.process_time() - began < 1.0


# ---------------------------------------------------------------- pictures without text


def pictured(post_id: str, *uploads: str, text: str = "https://t.co/pic", **more: Any) -> dict[str, Any]:
    keys = {"attachments": {"media_keys": [f"3_{upload}" for upload in uploads]}} if uploads else {}
    return {"id": post_id, "text": text} | keys | more


CAT, DOG = (Medium("mxc://a/b", "image/png", remote_id=number) for number in ("11", "22"))
ALONE = Draft("", media=(CAT,))


@pytest.mark.parametrize(
    ("posts", "found"),
    [
        ([pictured("1", "11")], "1"),
        ([pictured("1", "33"), pictured("2", "11")], "2"),
        ([pictured("1", "33")], None),
        ([pictured("1", "11", "22")], None),
        ([pictured("1", "11", text="hello https://t.co/pic")], None),
        ([pictured("1", "11"), pictured("2", "11")], "1"),
        ([pictured("1")], "1"),
        ([pictured("1"), pictured("2")], None),
        ([pictured("1"), pictured("2", "11")], "2"),
        ([pictured("1", text="https://t.co/a", entities={"urls": [entity("https://t.co/a", "https://a.com")]})], None),
        ([pictured("1", attachments={"media_keys": [7]})], "1"),
        ([pictured("1", attachments="odd")], "1"),
        ([pictured("1", text="")], "1"),
        ([], None),
    ],
)
def test_pictures_alone_are_told_apart_by_their_keys(posts: list[dict[str, Any]], found: str | None) -> None:
    match = find_again(ALONE, posts)
    assert (None if match is None else match["id"]) == found


def test_a_reply_of_a_picture_alone_has_handles_before() -> None:
    reply = Draft("", "77", (CAT, DOG))
    post = pictured("1", "11", "22", text="@ana @ben https://t.co/pic")
    assert find_again(reply, [post]) == post
    assert find_again(Draft("", media=(CAT, DOG)), [post]) is None


def test_words_are_enough_where_there_are_any() -> None:
    draft = Draft("hello", media=(CAT,))
    assert find_again(draft, [pictured("1", "33", text="hello https://t.co/pic")]) is not None
