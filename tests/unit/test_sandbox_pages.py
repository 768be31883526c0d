"""The sandbox's pages and its control addresses: what a browser gets, and what hostile text cannot do there."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge.sandbox import Fault, Kind
from bridge.sandbox.control import HEADER
from bridge.sandbox.timeline import ago
from tests.unit.sandbox_guest import Guest, Reply, guest

CALLBACK = "https://bot.example.org/oauth/callback?a=1"

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    'javascript:alert(1)//example.org https://example.org/"onmouseover=alert(1)',
    "https://example.org/'><svg/onload=alert(1)>",
    "$title $$ ${body} %s {0}",
    "</p></article><form action=https://evil.example>",
    "\x00 \u202e desrever \u2066",
    "@acme<b>@ana</b> &lt;script&gt;",
    "a" * 10_000,
    "\n" * 10_000,
]


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def values(self, tag: str, name: str) -> list[str]:
        return [given[name] or "" for kind, given in self.seen if kind == tag and name in given]


def page(reply: Reply) -> str:
    """A page's HTML, after a look at the headers that each one must have."""
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    return reply.body.decode()


class Browser:
    """A person on the consent page."""

    def __init__(self, x: Guest, address: str) -> None:
        self._x = x
        self._address = address
        self.cookie = ""
        self.fields: dict[str, str] = {}

    async def open(self) -> Reply:
        reply = await self._x.plain("GET", self._address + "&force_login=true")
        if reply.status == 200:
            self._keep(reply)
        return reply

    def _keep(self, reply: Reply) -> None:
        cookie = reply.headers["set-cookie"]
        assert ("HttpOnly" in cookie, "SameSite=Strict" in cookie) == (True, True)
        self.cookie = cookie.partition(";")[0]
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page(reply))
        self.fields = dict(hidden)

    async def say(self, decision: str, **more: str) -> Reply:
        form = {**self.fields, "decision": decision, "account": "", "new_handle": "", **more}
        return await self._x.plain("POST", "/oauth/authorize", data=form, headers={"Cookie": self.cookie})


async def test_approving_shows_a_pin_that_works() -> None:
    async with guest() as x:
        request, address = await x.begin()
        browser = Browser(x, address)
        asked = page(await browser.open())
        assert ("Kantter" in asked, Tags(asked).values("input", "value")[2:6]) == (
            True,
            ["ana", "acme", "acme_labs", ""],
        )
        shown = page(await browser.say("approve", account="acme"))
        pin = re.search(r'<code id="pin" class="pin">(\d{7})</code>', shown)
        assert pin is not None
        assert "@acme" in shown
        assert (await x.trade(request, pin[1])).form()["screen_name"] == "acme"
        assert (await browser.open()).status == 410


async def test_a_decision_is_made_once() -> None:
    async with guest() as x:
        _, address = await x.begin()
        browser = Browser(x, address)
        await browser.open()
        assert (await browser.say("approve", account="acme")).status == 200
        assert (await browser.say("approve", account="ana")).status == 410


async def test_a_new_account_is_made_on_the_way() -> None:
    async with guest() as x:
        request, address = await x.begin()
        browser = Browser(x, address)
        await browser.open()
        shown = page(await browser.say("approve", new_handle="@Newcomer"))
        pin = re.search(r"(\d{7})</code>", shown)
        assert pin is not None
        assert (await x.trade(request, pin[1])).form()["screen_name"] == "Newcomer"


@pytest.mark.parametrize("typed", ["", "a b", "x" * 16, "<script>", "é", "../x"])
async def test_a_bad_handle_is_asked_for_again(typed: str) -> None:
    async with guest() as x:
        _, address = await x.begin()
        browser = Browser(x, address)
        await browser.open()
        again = await browser.say("approve", new_handle=typed)
        assert (again.status, 'role="alert"' in page(again)) == (400, True)
        assert (await browser.say("approve", account="acme")).status == 200


async def test_an_account_and_a_handle_at_once_are_asked_about() -> None:
    async with guest() as x:
        _, address = await x.begin()
        browser = Browser(x, address)
        await browser.open()
        assert (await browser.say("approve", account="acme", new_handle="other")).status == 400
        assert "other" not in x.sandbox.world.users


async def test_saying_no_voids_the_link() -> None:
    async with guest() as x:
        request, address = await x.begin()
        browser = Browser(x, address)
        await browser.open()
        assert "You said no" in page(await browser.say("deny"))
        assert (await browser.open()).status == 410
        assert (await x.trade(request, "1234567")).status == 401


async def test_nobody_else_can_approve() -> None:
    async with guest() as x:
        _, address = await x.begin()
        victim, evil = Browser(x, address), Browser(x, (await x.begin())[1])
        await victim.open()
        await evil.open()
        token = victim.fields["oauth_token"]
        for cookie, proof in (("", ""), (victim.cookie, ""), ("", victim.fields["proof"]), (victim.cookie, "é")):
            forged = Browser(x, address)
            forged.cookie, forged.fields = cookie, {"oauth_token": token, "proof": proof}
            assert (await forged.say("approve", account="acme")).status == 403
        evil.fields["oauth_token"] = token
        assert (await evil.say("approve", account="acme")).status == 403
        assert (await victim.say("approve", account="acme")).status == 200


async def test_a_callback_gets_the_verifier_or_the_no() -> None:
    async with guest(callbacks=[CALLBACK]) as x:
        request, address = await x.begin(CALLBACK)
        browser = Browser(x, address)
        assert (
            "form-action 'self' https://bot.example.org;" in (await browser.open()).headers["content-security-policy"]
        )
        sent = await browser.say("approve", account="acme")
        query = parse_qs(urlsplit(sent.headers["location"]).query)
        assert (sent.status, sent.headers["location"].startswith(CALLBACK)) == (303, True)
        assert query["oauth_token"] == [request[0]]
        assert (await x.trade(request, query["oauth_verifier"][0])).status == 200
        request, address = await x.begin(CALLBACK)
        browser = Browser(x, address)
        await browser.open()
        sent = await browser.say("deny")
        assert parse_qs(urlsplit(sent.headers["location"]).query) == {"a": ["1"], "denied": [request[0]]}


@pytest.mark.parametrize("query", ["", "?oauth_token=", "?oauth_token=nope", "?oauth_token=%00%ff<script>"])
async def test_a_link_that_is_none(query: str) -> None:
    async with guest() as x:
        reply = await x.plain("GET", f"/oauth/authorize{query}")
        assert (reply.status, "<script>" in page(reply)) == (410, False)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_stays_text(text: str) -> None:
    async with guest() as x:
        world = x.sandbox.world
        world.user("acme").name = text[:200]
        post = world.add_post("acme", text, x.sandbox.clock())
        for path in ("/", "/acme", f"/acme/status/{post.id}", (await x.begin())[1]):
            tags = Tags(page(await x.plain("GET", path)))
            assert {tag for tag, _ in tags.seen}.isdisjoint({"svg", "b" if path == "/" else "svg", "iframe"})
            assert not any(name.startswith("on") for _, given in tags.seen for name in given)
            assert set(tags.values("script", "src")) <= {"/sandbox/live.js", "/sandbox/consent.js"}
            assert all(src == "/sandbox/icon.svg" for src in tags.values("img", "src"))
            assert set(tags.values("form", "action")) <= {"/oauth/authorize"}
            assert all(href.startswith(("/", "http://", "https://")) for href in tags.values("a", "href"))


async def test_a_lone_surrogate_breaks_no_page() -> None:
    async with guest() as x:
        x.sandbox.world.add_post("acme", "a\ud800b", x.sandbox.clock())
        assert "a?b" in page(await x.plain("GET", "/"))


async def test_the_timeline_shows_what_is_there() -> None:
    async with guest() as x:
        world, now, pair = x.sandbox.world, x.sandbox.clock(), await x.link("acme")
        assert "Nothing posted yet" in page(await x.plain("GET", "/"))
        theirs = world.add_post("ana", "a question for @acme", now - 90)
        mine = (await x.post(pair, "an answer", reply={"in_reply_to_tweet_id": theirs.id})).data["id"]
        home = page(await x.plain("GET", "/"))
        assert home.index("an answer") < home.index("a question for")
        assert "Replying to" in home
        body = {"tweet_id": theirs.id}
        await x.call("POST", f"/2/users/{world.user('acme').id}/retweets", pair, json=body)
        assert "reposted" in page(await x.plain("GET", "/acme"))
        one = page(await x.plain("GET", f"/acme/status/{mine}"))
        assert ("an answer" in one, "data-live" in one) == (True, True)
        await x.call("DELETE", f"/2/tweets/{mine}", pair)
        gone = await x.plain("GET", f"/acme/status/{mine}")
        assert (gone.status, "does not exist" in page(gone)) == (404, True)
        assert "an answer" not in page(await x.plain("GET", "/"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nobody", 404),
        ("GET", "/acme/status/<script>", 404),
        ("GET", "/sandbox/../pages.py", 404),
        ("GET", "/sandbox/frame.html", 404),
        ("GET", "/a/b/c/d", 404),
        ("POST", "/", 404),
        ("GET", "/2/nothing", 404),
        ("PUT", "/2/tweets", 404),
        ("GET", "/oauth/authenticate", 404),
        ("GET", "/sandbox/style.css", 200),
        ("GET", "/sandbox/live.js", 200),
        ("GET", "/sandbox/icon.svg", 200),
        ("HEAD", "/", 200),
    ],
)
async def test_other_addresses(method: str, path: str, status: int) -> None:
    async with guest() as x:
        assert (await x.plain(method, path)).status == status


async def test_pages_do_not_fill_the_log() -> None:
    async with guest() as x:
        await x.plain("GET", "/")
        assert len(x.sandbox.log) == 0


@pytest.mark.parametrize(
    ("passed", "shown"), [(-5, "now"), (0.4, "now"), (42, "42 s"), (300, "5 min"), (7300, "2 h"), (90_000, "8 Sep")]
)
def test_how_long_ago(passed: float, shown: str) -> None:
    assert ago(1_000_000_000 - passed, 1_000_000_000) == shown


# ------------------------------------------------------------ control


async def test_another_process_can_steer_it() -> None:
    async with guest() as x:
        token = {HEADER: x.sandbox.control_token}
        pair = await x.link("acme")
        fault = {"kind": "answer", "answer": "502-html", "taken": True, "account": "acme"}
        assert (await x.plain("POST", "/sandbox/faults", json=fault, headers=token)).status == 200
        assert (await x.post(pair, "hello")).status == 502
        posts = (await x.plain("GET", "/sandbox/posts", headers=token)).data
        assert [(post["handle"], post["text"]) for post in posts] == [("acme", "hello")]
        log = (await x.plain("GET", "/sandbox/log", headers=token)).data
        assert (log[-1]["path"], log[-1]["taken"], log[-1]["note"]) == ("/2/tweets", True, "fault: answer")
        x.sandbox.faults.add(Fault(Kind.CUT))
        assert (await x.plain("DELETE", "/sandbox/faults", headers=token)).status == 200
        assert len(x.sandbox.faults) == 0
        request, address = await x.begin()
        asked = {"authorize_url": address, "handle": "ana"}
        pin = (await x.plain("POST", "/sandbox/approve", json=asked, headers=token)).data["pin"]
        assert (await x.trade(request, pin)).status == 200
        assert (await x.plain("POST", "/sandbox/approve", json=asked, headers=token)).status == 404
        await x.plain("POST", "/sandbox/world", json={"suspended": True}, headers=token)
        assert x.sandbox.world.suspended is True
        await x.plain("POST", "/sandbox/revoke", json={"handle": "acme"}, headers=token)
        assert x.sandbox.world.access(pair[0]) is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/faults", b"{"),
        ("/sandbox/faults", b"[]"),
        ("/sandbox/faults", b"{}"),
        ("/sandbox/faults", b'{"kind":"earthquake"}'),
        ("/sandbox/faults", b'{"kind":"cut","colour":"red"}'),
        ("/sandbox/faults", b'{"kind":"delay","seconds":NaN}'),
        ("/sandbox/faults", b'{"kind":"delay","seconds":-1}'),
        ("/sandbox/faults", b'{"kind":"cut","times":true}'),
        ("/sandbox/faults", b'{"kind":"answer","answer":"418"}'),
        ("/sandbox/world", b'{"users":{}}'),
        ("/sandbox/world", b'{"write":null}'),
        ("/sandbox/approve", b'{"handle":"acme"}'),
        ("/sandbox/revoke", b'{"handle":1}'),
        ("/sandbox/faults", b"[" * 100_000),
    ],
)
async def test_nonsense_is_refused(path: str, body: bytes) -> None:
    async with guest() as x:
        headers = {HEADER: x.sandbox.control_token}
        assert (await x.plain("POST", path, data=body, headers=headers)).status == 400
        assert len(x.sandbox.faults) == 0


@pytest.mark.parametrize("token", [None, "", "wrong", "\u00e9"])
async def test_steering_needs_the_token(token: str | None) -> None:
    async with guest() as x:
        headers = {} if token is None else {HEADER: token}
        for method, path in (("POST", "/sandbox/faults"), ("GET", "/sandbox/log"), ("GET", "/sandbox/posts")):
            assert (await x.plain(method, path, headers=headers)).status == 403
