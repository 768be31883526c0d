"""X as a Publisher: which address each wish goes to, and what its answer means.

The signing is in ``signing``, the sending in ``wire``, X's refusals in ``refusals``, its shapes in ``shapes``, its
rules for pictures in ``media``. Every call here is one request (a second one only to find out why X said 401), within
one deadline, never sent again; but for uploads, which are many (``uploads``).
"""

from collections.abc import Collection
from pathlib import Path

import aiohttp
import structlog

from bridge import text
from bridge.config import XSettings
from bridge.errors import (
    LinkBroken,
    LinkRefused,
    OperatorMustAct,
    OutcomeUnknown,
    PublishError,
    Rejected,
    Throttled,
    UsageError,
)
from bridge.interfaces import Clock
from bridge.model import Account, Credentials, Draft, Linked, LinkStart, Medium, Receipt
from bridge.publish.x import media, shapes
from bridge.publish.x.lookup import find_again
from bridge.publish.x.refusals import dead_key, is_unauthorized, problem, refusal, rest
from bridge.publish.x.signing import Signer
from bridge.publish.x.uploads import Uploads
from bridge.publish.x.wire import Reply, Wire, deadline_from_now

log = structlog.get_logger(__name__)

LONGEST = 280
LONGEST_PREMIUM = 25_000
_CLOCKS_AGREE = 60.0
"""Seconds. Closer than this, a refusal is not about the time."""
_CLOCKS_APART = 300.0
"""Seconds that X lets pass: so far apart can its clock and ours be without a word."""
_ASK_AGAIN = 30.0
_SLACK = 2.0
"""Seconds that a post may be older than it should be: X's Date header has whole ones only."""


class XPublisher:
    """See ``bridge.interfaces.Publisher``. ``repr`` shows nothing secret."""

    name = "x"

    def __init__(self, settings: XSettings, *, clock: Clock) -> None:
        self._api = settings.api_url.rstrip("/")
        self._web = settings.web_url.rstrip("/")
        self._signer = Signer(settings.consumer_key, settings.consumer_secret)
        self._wire = Wire()
        self._uploads = Uploads(self._call)
        self._clock = clock
        self._ahead = 0.0  # how many seconds X's clock is ahead of ours, as far as it mattered
        self._corrected = False  # whether that was learnt and no success has borne it out yet

    def __repr__(self) -> str:
        return f"<XPublisher at {self._api}>"

    # ------------------------------------------------------------ pure

    def check(self, draft: Draft, *, premium: bool) -> None:
        """See Publisher."""
        text.check(draft.text, self.longest(premium=premium), pictured=bool(draft.media))
        if draft.reply_to is not None and not shapes.is_id(draft.reply_to):
            raise UsageError("What to reply to is no post at X: an address of a post, or its number, is expected.")
        media.check(draft.media)

    def longest(self, *, premium: bool) -> int:
        """See Publisher."""
        return LONGEST_PREMIUM if premium else LONGEST

    def post_url(self, handle: str, remote_id: str) -> str:
        """See Publisher."""
        return f"{self._web}/{handle}/status/{remote_id}"

    def find_id(self, text: str) -> str | None:
        """See Publisher. Takes x.com and twitter.com, with www. and mobile., and the ``i/web/status`` form."""
        return shapes.id_in(text, self._web)

    # ------------------------------------------------------------ linking

    async def begin_link(self) -> LinkStart:
        """See Publisher."""
        reply, at = await self._ask_request_token(deadline_from_now())
        if is_unauthorized(reply):
            self._raise_if_clock(reply, at)
            raise dead_key(reply)
        request = shapes.request_token(reply.text()) if self._succeeded(reply) and reply.whole else None
        if request is None:
            raise OutcomeUnknown("X's answer to the wish to link makes no sense. Try again later.")
        return LinkStart(request, self._signer.authorize_url(f"{self._api}/oauth/authorize", request.token))

    async def finish_link(self, request: Credentials, pin: str) -> Linked:
        """See Publisher."""
        deadline = deadline_from_now()
        url, at = f"{self._api}/oauth/access_token", self._now_at_x()
        header = self._signer.as_request(request, pin, url, at=at)
        reply = await self._wire.exchange("POST", url, header, deadline=deadline)
        if 200 <= reply.status < 300:
            found = shapes.linked(reply.text()) if reply.whole else None
            if found is None:
                raise OutcomeUnknown("X's answer to the PIN makes no sense. The PIN may be used up: start anew.")
            return found
        said = reply.text().lower() if reply.status < 500 else ""
        if "oauth_verifier" in said:
            raise LinkRefused("The PIN is wrong, or was used already.")
        if "reverse auth credentials" in said:
            raise LinkRefused("The PIN came too late, or its address was used already.")
        if is_unauthorized(reply):
            error = await self._why_unauthorized(reply, at, deadline)
            raise LinkRefused("X did not take the PIN.") if isinstance(error, LinkBroken) else error
        error = refusal(reply, self._clock(), self._ahead)
        raise LinkRefused("X refused to link the account.") if isinstance(error, Rejected) else error

    async def revoke(self, credentials: Credentials) -> None:
        """See Publisher."""
        deadline = deadline_from_now()
        reply, at = await self._send("POST", "/1.1/oauth/invalidate_token.json", credentials, deadline=deadline)
        if is_unauthorized(reply):
            self._raise_if_clock(reply, at)
        else:
            self._succeeded(reply)

    # ------------------------------------------------------------ pictures

    def largest(self, mime: str) -> int:
        """See Publisher."""
        return media.LARGEST.get(mime, 0)

    def check_medium(self, medium: Medium) -> None:
        """See Publisher."""
        media.check_one(medium)

    async def upload(self, credentials: Credentials, file: Path, mime: str, alt: str) -> str:
        """See Publisher."""
        return await self._uploads.bring(credentials, file, mime, alt)

    # ------------------------------------------------------------ posting

    async def post(self, credentials: Credentials, draft: Draft) -> Receipt:
        """See Publisher."""
        try:
            body = shapes.post_body(draft)
        except ValueError:
            raise Rejected(
                "This cannot be posted: it is no valid text, replies to no post, or lacks its picture."
            ) from None
        reply = await self._call("POST", "/2/tweets", credentials, body)
        remote_id = shapes.new_id(reply.json())
        if remote_id is None:
            raise OutcomeUnknown("X said yes, but its answer does not name the post.")
        return Receipt(remote_id, self._rest(reply))

    async def repost(self, credentials: Credentials, account: Account, remote_id: str) -> Receipt:
        """See Publisher."""
        path = f"/2/users/{_id(account.remote_id)}/retweets"
        body = shapes.repost_body(_id(remote_id))
        try:
            reply = await self._call("POST", path, credentials, body)
        except _Already:
            return Receipt(remote_id)
        if shapes.data(reply.json()).get("retweeted") is not True:
            raise OutcomeUnknown("X said yes, but its answer does not say that the post is reposted.")
        return Receipt(remote_id, self._rest(reply))

    async def delete(self, credentials: Credentials, remote_id: str) -> None:
        """See Publisher."""
        reply = await self._call("DELETE", f"/2/tweets/{_id(remote_id)}", credentials, absent=True)
        if reply.status != 404 and shapes.data(reply.json()).get("deleted") is not True:
            raise OutcomeUnknown("X said yes, but its answer does not say that the post is deleted.")

    async def unrepost(self, credentials: Credentials, account: Account, remote_id: str) -> None:
        """See Publisher."""
        path = f"/2/users/{_id(account.remote_id)}/retweets/{_id(remote_id)}"
        reply = await self._call("DELETE", path, credentials, absent=True)
        if reply.status != 404 and shapes.data(reply.json()).get("retweeted") is not False:
            raise OutcomeUnknown("X said yes, but its answer does not say that the repost is gone.")

    async def find(
        self, credentials: Credentials, account: Account, draft: Draft, *, since: float, known: Collection[str]
    ) -> Receipt | None:
        """See Publisher. The times of posts are X's: they are held against its Date header. The oldest match counts."""
        earliest = since + self._ahead - _CLOCKS_APART
        query = shapes.timeline_query(earliest, long_texts=len(draft.text) > LONGEST, media=bool(draft.media))
        reply = await self._call("GET", f"/2/users/{_id(account.remote_id)}/tweets?{query}", credentials)
        listed = shapes.posts(reply.json())
        if listed is None:
            raise OutcomeUnknown("X's list of the account's posts makes no sense.")
        earliest = since + self._ahead_by(reply) - _SLACK
        late = [
            post
            for post in sorted(listed, key=lambda post: int(post["id"]))
            if post["id"] not in known and (made := shapes.made_at(post)) is not None and made >= earliest
        ]
        found = find_again(draft, late)
        return None if found is None else Receipt(found["id"])

    async def close(self) -> None:
        """See Publisher."""
        await self._wire.close()

    # ------------------------------------------------------------ one exchange

    async def _call(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: bytes | aiohttp.FormData | None = None,
        *,
        absent: bool = False,
        deadline: float | None = None,
    ) -> Reply:
        """One exchange for an account; give its success (with ``absent``, a 404 is one). Raises PublishError."""
        deadline = deadline or deadline_from_now()
        reply, at = await self._send(method, path, credentials, body, deadline=deadline)
        if is_unauthorized(reply):
            raise await self._why_unauthorized(reply, at, deadline)
        if not (absent and reply.status == 404):
            self._succeeded(reply)
        return reply

    async def _send(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: bytes | aiohttp.FormData | None = None,
        *,
        deadline: float,
    ) -> tuple[Reply, float]:
        """The answer, and the time that the request was signed with. A multipart form is no part of the signature
        (RFC 5849, section 3.4.1.3.1).
        """
        url, at = self._api + path, self._now_at_x()
        signed = body if isinstance(body, bytes) else None
        header = self._signer.as_account(credentials, method, url, at=at, body=signed)
        return await self._wire.exchange(method, url, header, body, deadline=deadline), at

    async def _ask_request_token(self, deadline: float) -> tuple[Reply, float]:
        url, at = f"{self._api}/oauth/request_token", self._now_at_x()
        header = self._signer.as_app(url, at=at)
        return await self._wire.exchange("POST", url, header, deadline=deadline), at

    def _succeeded(self, reply: Reply) -> bool:
        """True for a success; raises what X's refusal means otherwise."""
        if 200 <= reply.status < 300:
            self._corrected = False
            return True
        error = refusal(reply, self._clock(), self._ahead)
        if reply.status == 403 and isinstance(error, Rejected) and _is_repost_already(reply):
            raise _Already(str(error))
        raise error

    def _rest(self, reply: Reply) -> float | None:
        return rest(reply, self._clock(), self._ahead)

    # ------------------------------------------------------------ the three meanings of 401

    def _now_at_x(self) -> float:
        return self._clock() + self._ahead

    def _ahead_by(self, reply: Reply) -> float:
        """How many seconds X's clock is ahead of ours by this reply."""
        date = reply.date()
        return self._ahead if date is None else date - self._clock()

    async def _why_unauthorized(self, reply: Reply, at: float, deadline: float) -> PublishError:
        """A wrong clock, a dead consumer key (then the app alone is refused too), or else a dead token.
        ``at``: the time that the refused request was signed with.
        """
        self._raise_if_clock(reply, at)
        try:
            asked, _ = await self._ask_request_token(deadline)
        except PublishError:
            asked = None
        if asked is not None and is_unauthorized(asked):
            return dead_key(asked)
        if asked is not None and 200 <= asked.status < 300:
            return LinkBroken("X no longer takes this account's link: it was revoked there, or the app was changed.")
        if asked is not None and asked.status in (402, 403):
            error = refusal(asked, self._clock(), self._ahead)
            if isinstance(error, OperatorMustAct) and not {415, 417} & problem(asked).codes:
                return error
            return LinkBroken("X no longer takes this account's link: it was revoked there, or the app was changed.")
        return Throttled("X refused the signature, and did not tell why.", retry_at=self._clock() + _ASK_AGAIN)

    def _raise_if_clock(self, reply: Reply, at: float) -> None:
        """Raise when a 401 is about the time: ``at`` is far from what X's Date header says. Learn by how much.

        Requests that were under way while it was learnt come here too: for them there is nothing more to learn.
        """
        date, now = reply.date(), self._clock()
        if date is not None and abs(date - at) > _CLOCKS_AGREE:
            learnt = abs(date - self._now_at_x()) <= _CLOCKS_AGREE
            if not learnt and not self._corrected:
                self._ahead, self._corrected = date - now, True
                log.warning("the clock is off; times for X are put right", ahead=round(self._ahead))
                learnt = True
            if learnt:
                raise Throttled("This machine's clock is off; its time for X is put right now.", retry_at=now)
        if 135 in problem(reply).codes:
            raise OperatorMustAct(
                "X says that this machine's clock is wrong. Nothing was posted. The bot's operator must set the clock."
            )


class _Already(Rejected):
    """What was asked for is so already."""


def _is_repost_already(reply: Reply) -> bool:
    said = problem(reply)
    return 327 in said.codes or "already retweeted" in said.said or "already reposted" in said.said


def _id(text: str) -> str:
    """An id that is going into an address. What is none never leaves."""
    if not shapes.is_id(text):
        raise Rejected("X knows no such post: a number of at most 19 digits is expected.")
    return text
