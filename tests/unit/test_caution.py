"""Warnings before a post: what is found, what is left alone, and that no text is slow or breaks them."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bot import caution
from bridge.interfaces import Tx
from bridge.model import Account, Action, Draft, Identity, Post, PostState, Role, Room
from bridge.store import Database
from bridge.telltale import looks_like

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.0
DAY = 86400.0

A40 = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6kM9n"  # made up, as all below
KEY, TOKEN, PASSWORD, RANDOM, PHONE, ADDRESS = (
    "a private key",
    "an access token",
    "a password",
    "a key or a token",
    "a phone number",
    "a password in an address",
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("-----BEGIN PRIVATE KEY-----\nMIIE", KEY),
        ("oops -----BEGIN OPENSSH PRIVATE KEY-----", KEY),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", KEY),
        ("AGE-SECRET-KEY-1QQQQ", KEY),
        ("PuTTY-User-Key-File-3: ssh-ed25519", KEY),
        ("use AKIAIOSFODNN7EXAMPLE for it", TOKEN),
        ("ghp_" + "a1B2" * 9, TOKEN),
        ("github_pat_" + "a1B2_" * 12, TOKEN),
        ("glpat-aB3dE6gH9jK2mN5pQ8sT", TOKEN),
        ("xoxb" + "-123456789012-abcdefABCDEF", TOKEN),
        ("sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4", TOKEN),
        ("(sk_live" + "_aB3dE6gH9jK2mN5p)", TOKEN),
        ("AIza" + "aB3dE" * 7, TOKEN),
        ("syt_YW5h_aB3dE6gH9jK2mN5pQ8sT_1vW4yZ", TOKEN),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.aB3dE6gH9jK2", TOKEN),
        (f"1234567890-{A40}", TOKEN),
        ("https://hooks.slack.com/services/T00000000/B000/XXXX", TOKEN),
        ("https://discord.com/api/webhooks/123456789012345678/abc", TOKEN),
        ("Authorization: Bearer aB3dE6gH9jK2mN5pQ8sT1vW4", TOKEN),
        ("postgres://ana:hunter2@db.example.org/x", ADDRESS),
        ("https://ana:hunter2@example.org", ADDRESS),
        ("password: hunter2", PASSWORD),
        ("Password = swordfish", PASSWORD),
        ("the wifi password is guest2024!", PASSWORD),
        ("DB_PASSWORD=tr0ub4dor&3", PASSWORD),
        ('"api_key": "a1b2c3d4e5"', PASSWORD),
        ("client secret => x9y8z7w6", PASSWORD),
        ("token=abc123def", PASSWORD),
        ("Passwort: Sommer2024", PASSWORD),
        (f"{A40}aB3dE6", RANDOM),
        ("here: q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", RANDOM),
        ("+1 555 234 5678", PHONE),
        ("Ring me: +49 (0)171 1234567", PHONE),
        ("+358401234567", PHONE),
        ("call 555-234-5678 today", PHONE),
        ("(555) 234-5678", PHONE),
        ("06 12 34 56 78", PHONE),
        ("0171/1234567", PHONE),
        ("020 7946 0958", PHONE),
        ("text me at 5552345678", PHONE),
        ("tel. 2345678", PHONE),
    ],
)
def test_what_is_found(text: str, what: str) -> None:
    assert what in looks_like(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, world! We are live: https://example.org/blog/2024/11/our-new-release-is-out-and-it-is-great-20241124",
        "Password: a short story by Ana",
        "The password is dead. Long live passkeys!",
        "The password is 8 characters long at least",
        "the most common password is 123456",
        "Your password is the key to everything.",
        "Change your password: https://example.org/reset1",
        "Secret: work hard, be kind",
        "The secret: 2024's best recipes",
        "The secret is: #Growth2024",
        "Our token: $ACME1 goes live",
        "Token = money?",
        "A new token is here: @acme_2024",
        "forgot your password? reset it",
        "-----BEGIN PUBLIC KEY-----",
        "How to read BEGIN PRIVATE KEY files",
        "fixed in 3f2a9c4b1d5e6f708192a3b4c5d6e7f8091a2b3c",  # a commit
        "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "send coins to 7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU",  # base58
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 or bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "#ThisIsAVeryLongHashtagOfTheYear2024WithManyWordsInIt2025",
        "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerk",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "https://example.org/" + A40 + A40,
        "On 2024-11-24 at 19:30 we reached 1,000,000 users (+100,000,000 views)",
        "24.11.2024 10:30, 01.02.2024 - 03.04.2024",
        "ISBN 978-3-16-148410-0, DOI 10.1000/182, IP 192.168.100.200",
        "2019-2024: revenue +12000000, up 300.400%",
        "score 102-98, odds 10/11, ratio 16:9, version 10.11.12.1314",
        "call 2024 a good year; text 100 friends",
        "Order 1234567890 shipped; ref 00123456789",
        "https://example.org/p/555-234-5678",
        "phone sales: 1,200,000 in 2024",
        "<Buffer 08 07 06 05 04 03 02 01>, lotto 05 06 07 08 09 10",
        "fixed in 0706565097",
        "git clone ssh://git@example.org:2222/acme.git",
        "Mail: ana@example.org, meet at 10:30@office",
        "bearer of bad news, that is what internationalization2 is",
        "the sk-learn tutorial and sk-image too",
        "🇫🇮🎉 päivä 日本語 \u202e abc",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert looks_like(text) == []


@pytest.mark.parametrize(
    "piece",
    [
        "a", "A1", "+1 ", "0", "06 ", "password", "password: ", "password=", "secret is ", "eyJ", "eyJa.",
        "-----BEGIN ",
        "://a:", "a://b:c", "555-234-", "call me at ", "tel ", "bearer ", "bearer a", "sk-", "aB3/", "1-", "(", " ",
        "\0", "\u202e", "\ud800", "=", "12.12.", "T\u0301", "@", "a.com/", "xoxb-", "api_key'", "\n", "+1(", "syt_",
    ],
)  # fmt: skip
def test_no_heap_of_anything_is_slow(piece: str) -> None:
    text = piece * (25_000 // len(piece))
    began = time.process_time()
    looks_like(text)
    assert time.process_time() - began < 0.5


@given(st.text(st.characters(), max_size=400) | st.text("+0156 .-()/:=password is@a", max_size=400))
def test_no_text_breaks_it_and_nothing_found_is_repeated(text: str) -> None:
    assert set(looks_like(text)) <= {KEY, TOKEN, PASSWORD, RANDOM, PHONE, ADDRESS}


# ---------------------------------------------------------------- what was said before


def post(tx: Tx, account: Account, text: str, ago: float, state: PostState, author: Identity = ANA) -> Post:
    made = NOW - ago
    draft, what = Draft(text), Action.POST
    row = tx.posts.add(
        what, account.id, author, PRESS, "$1", None, draft, state=state, now=made, fresh_at=made, due_at=made
    )
    if state is PostState.POSTED:
        tx.posts.save(replace(row, remote_id=str(row.id)))
    return row


async def test_the_same_text_again_and_from_a_second_own_account(tmp_path: Path) -> None:
    store = await Database.open(tmp_path / "kantter.db")

    def work(tx: Tx) -> None:
        acme, press, theirs = (tx.accounts.put("x", n, h) for n, h in (("1", "acme"), ("2", "press"), ("3", "theirs")))
        for account in (acme, press):
            tx.accounts.grant(account.id, ANA, Role.OWNER, NOW)
        tx.accounts.grant(theirs.id, BEN, Role.OWNER, NOW)

        def said(account: Account, text: str, but: int | None = None) -> list[str]:
            return caution.about(tx, ANA, account, [Draft(text)], NOW, but=but)

        post(tx, acme, "hello", 2 * DAY, PostState.POSTED)
        post(tx, acme, "old", 31 * DAY, PostState.POSTED)
        post(tx, theirs, "private", DAY, PostState.POSTED)
        row = post(tx, acme, "soon", 60, PostState.QUEUED)
        post(tx, acme, "failed", 60, PostState.FAILED)
        assert said(acme, "hello\n") == [
            "It is the same text as before: @acme posted it 2 days ago (k1). X refuses or hides repetitions."
        ]
        assert said(press, "hello") == ["It is the same text as from another account. X forbids that."]
        assert said(acme, "soon") == [
            "It is the same text as before: @acme has it waiting or on its way (k4). X refuses or hides repetitions."
        ]
        assert said(acme, "soon", but=row.id) == []
        for text in ("old", "private", "failed", "new", "", "  "):
            assert said(acme, text) == [], text
        two = said(acme, "password: hunter2, call 555-234-5678")
        assert two == ["It looks as if a password and a phone number were in it."]
        parts = caution.about(tx, ANA, acme, [Draft("hello"), Draft("+358401234567"), Draft("hello")], NOW)
        assert len(parts) == 2

    await store.transact(work)
    await store.close()
