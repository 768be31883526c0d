"""What every Store promises about sealed values: all are shown, each with what it is bound to, and are kept anew."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.interfaces import Store, Tx
from bridge.model import Credentials, LinkState, Medium, Sealed, SealedValue, Speech
from bridge.vault import (
    BODY_MARK,
    BODY_PURPOSE,
    Vault,
    account_purpose,
    file_purpose,
    note_purpose,
    pin_purpose,
    request_purpose,
)
from tests.contract.rows import ANA, NOW, PRESS
from tests.contract.test_store_media import add

OLD, NEW = b"o" * 32, b"n" * 32
BEFORE = Vault([OLD])
PAIR = Credentials("token", "secret")
SOURCE = "mxc://a/"


def text(sealed: Sealed) -> str:
    return base64.b64encode(sealed).decode("ascii")


def fill(tx: Tx, vault: Vault = BEFORE) -> int:
    """One value of each kind at least, and plain ones beside them; how many are sealed."""
    account = tx.accounts.put("x", "1", "acme")
    tx.accounts.put("x", "2", "not_linked")
    pair = vault.seal_credentials(PAIR, purpose=account_purpose("x", "1"))
    tx.accounts.seal(account.id, pair)
    tx.links.revoke(account.id, pair, NOW)
    link = tx.links.add(ANA, "x", PRESS, "$m", None, PRESS, NOW)
    request = vault.seal_credentials(PAIR, purpose=request_purpose(link.id))
    pin = vault.seal(b"1234567", purpose=pin_purpose(link.id))
    tx.links.save(replace(link, state=LinkState.PROVING, request=request, pin=pin))
    for key in ("login", "pickle_key", "cross_signing"):
        tx.notes.put("matrix", key, vault.seal(key.encode(), purpose=note_purpose("matrix", key)))
    tx.notes.put("matrix", "bookmark", b"s1_2_3")
    body = vault.seal(b"https://x.com/oauth", purpose=BODY_PURPOSE)
    tx.answers.add(PRESS, Speech.TEXT, BODY_MARK + text(body))
    other = text(Vault([b"?" * 32]).seal(b"p", purpose=BODY_PURPOSE))
    for plain in ("hello", f"{BODY_MARK} with a kiss", f"it is {BODY_MARK}{other}"):
        tx.answers.add(PRESS, Speech.TEXT, plain)
    media = tuple(
        Medium(f"{SOURCE}{n}", "image/png", key=text(vault.seal(b"%d" % n, purpose=file_purpose(f"{SOURCE}{n}"))))
        for n in range(6)
    )
    plain_copy = Medium("mxc://plain-copy", "a/b")
    shown = replace(media[0], copies=(media[3], plain_copy))
    bare = Medium("mxc://plain", "a/b", copies=(plain_copy, media[4]))
    post = add(tx)
    tx.posts.save(replace(post, draft=replace(post.draft, media=(shown, media[1], bare, media[2]))))
    add(tx, "$plain")
    tx.answers.add(PRESS, Speech.MEDIA, "cat.png", medium=media[5], post_id=post.id)
    tx.answers.add(PRESS, Speech.MEDIA, "dog.png", medium=plain_copy, post_id=post.id)
    return 14


def everything(tx: Tx, most: int = 1000) -> list[SealedValue]:
    found: list[SealedValue] = []
    while page := tx.sealed.after(found[-1] if found else None, most):
        found += page
    return found


@pytest.mark.parametrize("most", [1, 2, 3, 1000])
async def test_each_value_is_shown_once_and_opens_for_what_it_is_bound_to(store: Store, most: int) -> None:
    count = await store.transact(fill)
    values = await store.transact(lambda tx: everything(tx, most))
    assert len(values) == count == len({(value.kind, value.key) for value in values})
    for value in values:
        BEFORE.open(value.sealed, purpose=value.purpose)


async def test_what_is_kept_anew_is_what_its_owner_reads(store: Store) -> None:
    vault, only_new = Vault([NEW, OLD]), Vault([NEW])

    def work(tx: Tx) -> None:
        fill(tx)
        for value in everything(tx):
            tx.sealed.put(
                replace(
                    value, sealed=vault.seal(vault.open(value.sealed, purpose=value.purpose), purpose=value.purpose)
                )
            )

    await store.transact(work)
    account = await store.transact(lambda tx: tx.accounts.find("x", "1"))
    assert account is not None

    async def got(read: Callable[[Tx], bytes | None], purpose: str) -> bytes:
        sealed = await store.transact(read)
        assert sealed is not None
        return only_new.open(Sealed(sealed), purpose=purpose)

    pair = await store.transact(lambda tx: tx.accounts.sealed(account.id))
    assert pair is not None
    assert only_new.open_credentials(pair, purpose=account_purpose("x", "1")) == PAIR
    (revocation,) = await store.transact(lambda tx: tx.links.revocations(NOW))
    assert only_new.open_credentials(revocation.sealed, purpose=account_purpose("x", "1")) == PAIR
    link = await store.transact(lambda tx: tx.links.pending(ANA))
    assert link is not None
    assert await got(lambda tx: link.pin, pin_purpose(link.id)) == b"1234567"
    assert link.request is not None
    assert only_new.open_credentials(link.request, purpose=request_purpose(link.id)) == PAIR
    for key in ("login", "pickle_key", "cross_signing"):
        purpose = note_purpose("matrix", key)
        assert await got(lambda tx, key=key: tx.notes.get("matrix", key), purpose) == key.encode()  # type: ignore[misc]
    assert await store.transact(lambda tx: tx.notes.get("matrix", "bookmark")) == b"s1_2_3"
    (_, answers), *_ = await store.transact(lambda tx: tx.answers.claim(NOW, (), 10))
    sealed, kiss = answers[0].body, answers[2].body
    assert only_new.open(Sealed(base64.b64decode(sealed[len(BODY_MARK) :])), purpose=BODY_PURPOSE).startswith(b"https")
    assert kiss == f"{BODY_MARK} with a kiss"
    post = await store.transact(lambda tx: tx.posts.get(1))
    shown = await store.transact(lambda tx: tx.answers.of_post(1, Speech.MEDIA))
    assert post is not None
    keys = [
        one.key and only_new.open(Sealed(base64.b64decode(one.key)), purpose=file_purpose(one.source))
        for medium in (*post.draft.media, *(answer.medium for answer in shown if answer.medium is not None))
        for one in (medium, *medium.copies)
    ]
    assert keys == [b"0", b"3", "", b"1", "", "", b"4", b"2", b"5", ""]
