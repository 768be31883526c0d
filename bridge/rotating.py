"""``kantter key rotate``: a new key for the vault, and every sealed value sealed anew with it.

The new key is on the disk, before the old ones, when the first value is sealed with it; and an old key goes only when
each value was opened without it. So whenever this is cut off, the key file opens everything, and the next call goes on.
What was sealed does not change: no token, and not the key of the Matrix crypto store.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bridge import app
from bridge.config import Settings
from bridge.errors import ConfigError, StoreError
from bridge.interfaces import Store, Tx
from bridge.model import SealedValue
from bridge.vault import Vault, VaultError, add_key, forget_keys, sweep_keys

PAGE = 200
"""Values in one transaction."""

Step = Callable[[int], None]
"""Told after each transaction how many values are done."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How many sealed values there are, how many of them open with an older key than the first one, and a line for each
    that does not open at all.
    """

    total: int
    older: int
    shut: tuple[str, ...]


async def survey(store: Store, vault: Vault) -> Survey:
    """Open every sealed value. Kantter may be running."""
    total, older, shut = 0, 0, list[str]()
    page = await store.transact(lambda tx: tx.sealed.after(None, PAGE))
    while page:
        for value in page:
            total += 1
            try:
                vault.open(value.sealed, purpose=value.purpose)
            except VaultError as error:
                shut.append(f"{value.purpose} ({value.kind} {value.key[0]}): {error}")
            else:
                older += not vault.is_newest(value.sealed)
        page = await store.transact(partial(_after, page[-1]))
    return Survey(total, older, tuple(shut))


def _after(last: SealedValue, tx: Tx) -> list[SealedValue]:
    return tx.sealed.after(last, PAGE)


async def seal_anew(store: Store, vault: Vault, step: Step) -> None:
    """Seal with the first key whatever is sealed with another one and opens."""
    done, last = 0, None
    while page := await store.transact(partial(_seal_page, vault, last)):
        values, sealed = page
        done, last = done + sealed, values[-1]
        step(done)


def _seal_page(vault: Vault, last: SealedValue | None, tx: Tx) -> tuple[list[SealedValue], int] | None:
    values, sealed = tx.sealed.after(last, PAGE), 0
    for value in values:
        if vault.is_newest(value.sealed):
            continue
        try:
            plain = vault.open(value.sealed, purpose=value.purpose)
        except VaultError:  # told by the survey
            continue
        tx.sealed.put(replace(value, sealed=vault.seal(plain, purpose=value.purpose)))
        sealed += 1
    return (values, sealed) if values else None


async def rotate(settings: Settings, *, forget: bool, show: Callable[[str], None], step: Callable[[int], Step]) -> bool:
    """Make a new key, or with ``forget`` none, seal everything with the first key, and with ``forget`` take the others
    out of the key file. An earlier rotation that was cut off is finished instead of begun anew.

    ``step`` is given how many values there are to seal. Gives whether everything opens with the first key alone.
    Raises ConfigError; then nothing is lost, and the same call again goes on.
    """
    path = settings.vault.key_file
    async with app.take_over(settings) as store:
        sweep_keys(path)
        vault = Vault.from_file(path)
        before = await survey(store, vault)
        if before.older:
            show("an earlier rotation was not finished: it goes on, with the key that stands first")
        elif not forget:
            add_key(path)
            vault = Vault.from_file(path)
            show(f"a new key stands first in {path}; the old ones stay behind it")
            before = await survey(store, vault)
        if before.older:
            await _seal_all(store, vault, step(before.older), path=str(path))
        after = await survey(store, vault)
        if after.older or after.shut:
            show(f"{len(after.shut)} of {after.total} sealed values do not open, so no key is forgotten:")
            for line in after.shut:
                show(f"  {line}")
            return False
        show(f"all {after.total} sealed values open with the first key alone")
        if forget and vault.keys > 1:
            forget_keys(path)
            show(f"{path} holds that key only. Older copies of the data still need the older keys: keep those together")
        elif forget:
            show("there is no other key to forget")
        return True


async def _seal_all(store: Store, vault: Vault, step: Step, *, path: str) -> None:
    try:
        await seal_anew(store, vault, step)
    except StoreError as error:
        raise ConfigError(
            f"{error}. Nothing is lost: what is not sealed anew opens with the older keys, which are still in {path}."
            " Mend that, and run the same again"
        ) from error
