"""Has token pairs that nobody uses any more forgotten by their publisher.

It knows pairs and publishers. Its one rule: a pair that is in use is never revoked, also when the publisher gave out
the same pair again while it waited here. The linker holds the same lock while it trades a PIN.
"""

import asyncio
from collections.abc import Mapping

import structlog

from bridge.errors import PublishError, Throttled
from bridge.interfaces import Clock, Publisher, Store, Tx
from bridge.model import Account, Credentials, Revocation
from bridge.retry import pause
from bridge.vault import Vault, VaultError, account_purpose

log = structlog.get_logger(__name__)

TRIES = 20
_FIRST, _LONGEST = 5.0, 3600.0


class Revoker:
    """Carries out revocations, one at a time for each publisher."""

    def __init__(
        self,
        store: Store,
        publishers: Mapping[str, Publisher],
        vault: Vault,
        clock: Clock,
        locks: Mapping[str, asyncio.Lock],
    ) -> None:
        self._store = store
        self._publishers = publishers
        self._vault = vault
        self._clock = clock
        self._locks = locks

    async def revoke(self, revocation: Revocation, account: Account) -> None:
        """Revoke the pair unless it is in use; when that fails, put it off. Raises StoreError."""
        async with self._locks[account.publisher]:
            try:
                pair = await self._store.transact(lambda tx: self._unused(tx, revocation, account))
                if pair is None:
                    return
                await self._publishers[account.publisher].revoke(pair)
            except (PublishError, VaultError) as error:
                await self._put_off(revocation, error)
            else:
                await self._store.transact(lambda tx: tx.links.revoked(revocation))
                log.info("a token was revoked", account=account.id)

    def _unused(self, tx: Tx, revocation: Revocation, account: Account) -> Credentials | None:
        """The pair to revoke; None when it is in use, or no longer to be revoked. Raises VaultError."""
        if all(waiting.id != revocation.id for waiting in tx.links.revocations(float("inf"))):
            return None
        purpose = account_purpose(account.publisher, account.remote_id)
        pair = self._vault.open_credentials(revocation.sealed, purpose=purpose)
        used = tx.accounts.sealed(account.id)
        if used is not None and self._vault.open_credentials(used, purpose=purpose) == pair:
            tx.links.revoked(revocation)
            return None
        return pair

    async def _put_off(self, revocation: Revocation, error: PublishError | VaultError) -> None:
        tries = revocation.tries + 1
        if tries >= TRIES:
            await self._store.transact(lambda tx: tx.links.revoked(revocation))
            log.error("a token was not revoked and is given up", account=revocation.account_id, error=str(error))
            return
        due = self._clock() + pause(tries, first=_FIRST, most=_LONGEST)
        if isinstance(error, Throttled):
            due = max(due, error.retry_at)
        await self._store.transact(lambda tx: tx.links.postpone(revocation, due))
        log.info("a token is not revoked yet", account=revocation.account_id, tries=tries, error=str(error))
