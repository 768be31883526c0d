"""One exchange with a publisher: what it is for, and how it is carried out.

It opens the token pair, calls the publisher once, and gives what came of it. It decides nothing about the row.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bridge.errors import LinkBroken, OperatorMustAct, OutcomeUnknown, PublishError
from bridge.fetching import Fetcher
from bridge.interfaces import ChatNetwork, Publisher
from bridge.model import Account, Action, Credentials, Medium, Post, Receipt, Sealed
from bridge.outbox import uploading
from bridge.outbox.turn import Search
from bridge.vault import Vault, VaultError, account_purpose

log = structlog.get_logger(__name__)

_LONGEST = 9.0
"""Seconds. A publisher promises 8; one that breaks its promise must not hold an account for ever."""
_CLOCK_MARGIN = 3.0
"""Seconds that the publisher's clock may be behind ours when we look for a post made after a claim."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A claimed row on its way to the publisher or, with ``search``, a look whether it went out.

    ``doubtful``: an earlier attempt of the row may have gone out. ``target``: the publisher's id that a DELETE or a
    REPOST is about; ``reposted`` tells that a DELETE takes back a repost. ``known``: ids that a look must not take for
    this row. ``upload``: the picture of the row, which is not claimed, that is to be brought there.
    """

    post: Post
    account: Account
    sealed: Sealed
    doubtful: bool = False
    target: str = ""
    reposted: bool = False
    search: Search | None = None
    known: frozenset[str] = frozenset()
    upload: Medium | None = None

    @property
    def attempts_row(self) -> bool:
        """Whether it does at the publisher what the row asks for: neither a look nor an upload."""
        return self.search is None and self.upload is None

    @property
    def holds_account(self) -> bool:
        """Whether nothing else may be sent for the account meanwhile."""
        return self.upload is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an errand. ``result`` is None for a look that did not find the post; of an upload, the receipt
    names the upload. ``seconds``: how long.
    """

    errand: Errand
    result: Receipt | PublishError | None
    seconds: float

    @property
    def went_out(self) -> bool:
        """Whether a post or repost is out."""
        publishes = self.errand.attempts_row and self.errand.post.action is not Action.DELETE
        return publishes and isinstance(self.result, Receipt)


class Courier:
    """Carries errands out."""

    def __init__(
        self,
        publishers: Mapping[str, Publisher],
        vault: Vault,
        networks: Mapping[str, ChatNetwork] | None = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        self._publishers = publishers
        self._networks = networks or {}
        self._fetcher = fetcher or Fetcher()
        self._vault = vault
        self._opened = False

    async def carry_out(self, errand: Errand) -> Outcome:
        """Talk to the publisher once, or bring it a picture. Raises nothing but CancelledError: every error is an
        outcome.
        """
        began = time.monotonic()
        left = False
        result: Receipt | PublishError | None
        try:
            credentials = self._open(errand)
            left = True
            async with asyncio.timeout(_LONGEST if errand.upload is None else uploading.LONGEST):
                result = await self._exchange(credentials, errand)
        except PublishError as error:
            result = error
        except TimeoutError:
            result = OutcomeUnknown("no answer came in time")
        except Exception as error:  # the one named place for bugs of an exchange: the row must settle
            reference = secrets.token_hex(2)
            log.exception("exchange broke", ref=reference, kind=type(error).__name__)
            words = f"something broke (ref {reference})"
            result = OutcomeUnknown(words) if left else OperatorMustAct(words)
        return Outcome(errand, result, time.monotonic() - began)

    async def _exchange(self, credentials: Credentials, errand: Errand) -> Receipt | None:
        publisher = self._publishers[errand.account.publisher]
        if errand.upload is None:
            return await _exchange(publisher, credentials, errand)
        network = self._networks.get(errand.post.room.network)
        async with self._fetcher.cleaned(network, publisher, errand.upload) as clean:
            return Receipt(await publisher.upload(credentials, clean.file, clean.medium.mime, clean.medium.alt))

    def _open(self, errand: Errand) -> Credentials:
        account = errand.account
        try:
            credentials = self._vault.open_credentials(
                errand.sealed, purpose=account_purpose(account.publisher, account.remote_id)
            )
        except VaultError as error:
            log.warning("token pair cannot be opened", account=account.id, reason=str(error))
            if self._opened:  # the key is right: this one row is damaged, which must not stop everybody
                raise LinkBroken("its stored token pair cannot be opened") from error
            raise OperatorMustAct(f"the token pair of {account.at} cannot be opened: {error}") from error
        self._opened = True
        return credentials


async def _exchange(publisher: Publisher, credentials: Credentials, errand: Errand) -> Receipt | None:
    post, account = errand.post, errand.account
    if errand.search is not None:
        since = (post.created_at if post.claimed_at is None else post.claimed_at) - _CLOCK_MARGIN
        return await publisher.find(credentials, account, post.draft, since=since, known=errand.known)
    if post.action is Action.POST:
        return await publisher.post(credentials, post.draft)
    if post.action is Action.REPOST:
        return await publisher.repost(credentials, account, errand.target)
    if errand.reposted:
        await publisher.unrepost(credentials, account, errand.target)
    else:
        await publisher.delete(credentials, errand.target)
    return Receipt(errand.target)
