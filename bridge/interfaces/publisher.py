"""The seam to a place that posts go to."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from bridge.model import Account, Credentials, Draft, Linked, LinkStart, Medium, Receipt


class Publisher(Protocol):
    """A place that posts go to. Each call but ``upload`` is one exchange of 8 s at most, sent once, never retried
    inside.

    ``certain`` on a raised PublishError tells whether nothing was published for sure.
    """

    name: str

    def check(self, draft: Draft, *, premium: bool) -> None:
        """Hold the draft against the publisher's own rules. Pure. Raises UsageError in plain words."""
        ...

    def longest(self, *, premium: bool) -> int:
        """How long a text may be, as ``text.length`` counts it."""
        ...

    def post_url(self, handle: str, remote_id: str) -> str:
        """The web address of a post."""
        ...

    def find_id(self, text: str) -> str | None:
        """The post id in a web address of this publisher, or in a bare id; None when there is none."""
        ...

    async def begin_link(self) -> LinkStart:
        """First leg: a request token, and where to send the person. Raises PublishError."""
        ...

    async def finish_link(self, request: Credentials, pin: str) -> Linked:
        """Last leg: trade the PIN. Raises LinkRefused (wrong, used, expired), or another PublishError."""
        ...

    async def revoke(self, credentials: Credentials) -> None:
        """Make the pair worthless at the publisher. A pair that is dead already is no error. Raises PublishError."""
        ...

    def largest(self, mime: str) -> int:
        """How many bytes a picture or video of that type may have; 0 for a type that is not taken."""
        ...

    def check_medium(self, medium: Medium) -> None:
        """Hold one picture or video against the publisher's rules, as far as it is known; ``check`` does it for all
        of a draft. Pure. Raises UsageError.
        """
        ...

    async def upload(self, credentials: Credentials, file: Path, mime: str, alt: str) -> str:
        """Bring a picture or video and its alt text to the publisher, and give its id there; a post with that in
        ``draft.media`` shows it. Nothing is visible before, so that it may be given up and repeated. Several exchanges,
        each with its own deadline; a large video takes minutes. Raises PublishError.
        """
        ...

    async def post(self, credentials: Credentials, draft: Draft) -> Receipt:
        """Publish; every picture in ``draft.media`` was uploaded. Raises PublishError."""
        ...

    async def repost(self, credentials: Credentials, account: Account, remote_id: str) -> Receipt:
        """Repost; the receipt names the reposted post. Raises PublishError."""
        ...

    async def delete(self, credentials: Credentials, remote_id: str) -> None:
        """Delete an own post. One that is gone already is no error. Raises PublishError."""
        ...

    async def unrepost(self, credentials: Credentials, account: Account, remote_id: str) -> None:
        """Take a repost back. Raises PublishError."""
        ...

    async def find(
        self, credentials: Credentials, account: Account, draft: Draft, *, since: float, known: Collection[str]
    ) -> Receipt | None:
        """Look for ``draft`` in the account's own latest posts: made at or after ``since`` (Unix seconds, our clock),
        its id not in ``known``. None when it is not there (yet). Raises PublishError when it could not look.
        """
        ...

    async def close(self) -> None:
        """Let go of sockets."""
        ...
