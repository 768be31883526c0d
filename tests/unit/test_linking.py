"""What people say about linking: every sentence of the contract that is decided in a transaction."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pytest

from bridge.bot import linking
from bridge.bot.asked import Asked, Facts, House
from bridge.errors import UsageError
from bridge.interfaces import Privacy, Tx
from bridge.model import (
    Account,
    Action,
    Draft,
    Identity,
    LinkState,
    Message,
    PendingLink,
    Post,
    PostState,
    Role,
    Room,
    Sealed,
    Speech,
)
from bridge.store import Database
from bridge.vault import Vault, pin_purpose
from tests.fakes.publisher import FakePublisher

ANA = Identity("matrix", "@ana:example.org")
BEN = Identity("matrix", "@ben:example.org")
DM = Room("matrix", "!dm-ana")
BENS = Room("matrix", "!dm-ben")
PRESS = Room("matrix", "!press")
NOW = 1_800_000_000.0
PIN = "1234567"

ALONE = Facts(privacy=Privacy.PRIVATE, may_redact=True)
WATCHED = Facts(privacy=Privacy.SHARED, may_redact=True)


@dataclass(frozen=True)
class Said:
    """A row of the answers, as the test looks at it."""

    room: str
    speech: Speech
    body: str
    target: str | None


class Desk:
    """A store and a house; ``say`` runs a command as the bot does."""

    def __init__(self, store: Database, path: Path) -> None:
        self.store = store
        self.path = path
        self.vault = Vault([b"k" * 32])
        self.now = NOW
        self.count = 0
        self.house = House(
            publishers={"x": FakePublisher()},
            vault=self.vault,
            admins=frozenset(),
            prefix="!",
            stale_after=600.0,
            posts_per_day=50,
            commands=linking.COMMANDS,
            verbs=MappingProxyType({c.name: c for c in linking.COMMANDS}),
        )

    def asked(self, verb: str, text: str, who: Identity, room: Room, facts: Facts, account: str | None) -> Asked:
        self.count += 1
        direct = room in (DM, BENS)
        message = Message(f"$said-{self.count}", room, who, text, self.now, direct=direct, thread="$t")
        return Asked(message, verb, account, text, facts, self.now)

    async def say(
        self,
        verb: str,
        text: str = "",
        *,
        who: Identity = ANA,
        room: Room = DM,
        facts: Facts = ALONE,
        account: str | None = None,
    ) -> str:
        """The id of the message. Raises UsageError, as the bot would show it."""
        asked = self.asked(verb, text, who, room, facts, account)
        await self.store.transact(lambda tx: self.house.verbs[verb].work(tx, asked, self.house))
        return asked.message.id

    async def digits(
        self, text: str = PIN, *, who: Identity = ANA, room: Room = DM, facts: Facts = ALONE
    ) -> tuple[bool, str]:
        """Whether it meant something, and the id of the message."""
        asked = self.asked("pin", text, who, room, facts, None)
        return await self.store.transact(lambda tx: linking.pin_said(tx, asked, self.house)), asked.message.id

    async def waiting(self, who: Identity = ANA, room: Room = DM, after: float = 0.0) -> PendingLink:
        """A link whose address was given ``after`` seconds from now."""

        def work(tx: Tx) -> PendingLink:
            link = tx.links.add(who, "x", room, "$link", None, room, self.now)
            link = replace(link, state=LinkState.WAITING, request=Sealed(b"r"), due_at=self.now + after + 900)
            tx.links.save(link)
            return link

        return await self.store.transact(work)

    async def link(self, number: int = 1) -> PendingLink:
        found = await self.store.transact(lambda tx: tx.links.get(number))
        assert found is not None
        return found

    def said(self) -> list[Said]:
        with sqlite3.connect(self.path) as raw:
            rows = raw.execute("SELECT room, speech, body, target FROM answer ORDER BY id").fetchall()
        raw.close()
        return [Said(room, Speech(speech), body, target) for room, speech, body, target in rows]

    def words(self) -> str:
        return "\n".join(said.body for said in self.said() if said.speech is Speech.TEXT)

    def redacted(self) -> list[str | None]:
        return [said.target for said in self.said() if said.speech is Speech.REDACTION]

    async def account(self, handle: str, *who: Identity, role: Role = Role.OWNER) -> Account:
        def work(tx: Tx) -> Account:
            account = tx.accounts.put("x", str(abs(hash(handle)) % 10**9), handle)
            tx.accounts.seal(account.id, Sealed(b"pair of " + handle.encode()))
            for number, identity in enumerate(who):
                tx.accounts.grant(account.id, identity, role, NOW + number)
            return account

        return await self.store.transact(work)

    async def post(self, account: Account, state: PostState, text: str = "hello", who: Identity = ANA) -> Post:
        def work(tx: Tx) -> Post:
            post = tx.posts.add(
                Action.POST,
                account.id,
                who,
                PRESS,
                f"$post-{text}",
                None,
                Draft(text),
                state=PostState.QUEUED,
                now=NOW,
                fresh_at=NOW,
                due_at=NOW,
            )
            post = replace(post, state=state)
            tx.posts.save(post)
            return post

        return await self.store.transact(work)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    path = tmp_path / "kantter.db"
    store = await Database.open(path)
    yield Desk(store, path)
    await store.close()


async def get(desk: Desk, work: Callable[[Tx], object]) -> object:
    return await desk.store.transact(work)


# ---------------------------------------------------------------- link


async def test_link_in_a_private_dm_starts_there(desk: Desk) -> None:
    message = await desk.say("link")
    link = await desk.link()
    assert (link.state, link.room, link.origin, link.message_id) == (LinkState.ASKED, DM, DM, message)
    assert (link.identity, link.publisher, link.thread) == (ANA, "x", "$t")


async def test_link_in_a_room_leaves_the_dm_to_the_linker_and_says_nothing_yet(desk: Desk) -> None:
    await desk.say("link", room=PRESS, facts=WATCHED)
    link = await desk.link()
    assert (link.state, link.room, link.origin) == (LinkState.ASKED, None, PRESS)
    assert desk.said() == []


@pytest.mark.parametrize(
    ("privacy", "reason"), [(Privacy.UNENCRYPTED, "not encrypted"), (Privacy.SHARED, "Others are in this room")]
)
async def test_link_in_a_dm_that_is_not_private_is_refused_with_the_reason(
    desk: Desk, privacy: Privacy, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        await desk.say("link", facts=Facts(privacy=privacy))
    assert await get(desk, lambda tx: tx.links.pending(ANA)) is None


async def test_a_person_gets_five_links_an_hour_and_is_told_when_the_next_is_free(desk: Desk) -> None:
    for _ in range(5):
        await desk.say("link")
        desk.now += 60
    with pytest.raises(UsageError, match=r"5 addresses.* in 55 min"):
        await desk.say("link")
    await desk.say("link", who=BEN, room=BENS)  # another person's own five
    desk.now = NOW + 3601
    await desk.say("link")


async def test_a_new_link_ends_the_one_before_and_its_pin(desk: Desk) -> None:
    old = await desk.waiting()
    await desk.say("link")
    assert (await desk.link(old.id)).state is LinkState.ENDED
    assert (await desk.link(old.id)).request is None


# ---------------------------------------------------------------- the PIN


async def test_a_bare_pin_in_the_dm_is_sealed_and_its_message_removed(desk: Desk) -> None:
    link = await desk.waiting()
    meant, message = await desk.digits()
    proving = await desk.link(link.id)
    assert meant
    assert proving.state is LinkState.PROVING
    assert proving.pin is not None
    assert desk.vault.open(proving.pin, purpose=pin_purpose(link.id)) == PIN.encode()
    assert proving.due_at <= desk.now
    assert desk.redacted() == [message]
    assert desk.words() == ""


async def test_the_verb_pin_does_the_same(desk: Desk) -> None:
    link = await desk.waiting()
    message = await desk.say("pin", f" {PIN}\n")
    assert (await desk.link(link.id)).state is LinkState.PROVING
    assert desk.redacted() == [message]


async def test_where_the_bot_may_not_remove_the_pin_it_asks_for_it(desk: Desk) -> None:
    await desk.waiting()
    await desk.digits(facts=Facts(privacy=Privacy.PRIVATE, may_redact=False))
    assert desk.redacted() == []
    assert "delete your message" in desk.words()


async def test_the_pin_is_nowhere_in_the_database_in_plain(desk: Desk) -> None:
    await desk.waiting()
    await desk.digits()
    for file in desk.path.parent.iterdir():
        assert PIN.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("room", [PRESS, Room("matrix", "!other-dm")])
async def test_a_pin_said_anywhere_else_throws_the_attempt_away_and_tells_why(desk: Desk, room: Room) -> None:
    link = await desk.waiting()
    meant, message = await desk.digits(room=room, facts=WATCHED)
    over = await desk.link(link.id)
    assert meant
    assert (over.state, over.request, over.pin) == (LinkState.ENDED, None, None)
    assert desk.redacted() == [message]
    (told,) = [said for said in desk.said() if said.speech is Speech.TEXT]
    assert told.room == room.id
    assert "thrown this attempt" in told.body
    assert "!link" in told.body


async def test_a_pin_said_elsewhere_is_asked_to_be_deleted_where_the_bot_may_not(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.say("pin", PIN, room=PRESS, facts=Facts(trouble="I could not check."))
    assert (await desk.link(link.id)).state is LinkState.ENDED
    assert "delete your message" in desk.words()


async def test_a_pin_said_elsewhere_while_it_is_traded_throws_the_attempt_away_too(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.digits()
    await desk.digits(room=PRESS, facts=WATCHED)
    assert (await desk.link(link.id)).state is LinkState.ENDED


@pytest.mark.parametrize("room", [PRESS, DM])
async def test_a_pin_said_by_another_is_nothing(desk: Desk, room: Room) -> None:
    link = await desk.waiting()
    meant, _ = await desk.digits(who=BEN, room=room, facts=WATCHED)
    if room is PRESS:
        await desk.say("pin", PIN, who=BEN, room=PRESS, facts=WATCHED)
    assert not meant
    assert desk.said() == []
    assert await desk.link(link.id) == link


async def test_two_people_who_link_at_once_never_mix(desk: Desk) -> None:
    one, two = await desk.waiting(), await desk.waiting(BEN, BENS)
    await desk.digits("1111111")
    await desk.digits("2222222", who=BEN, room=BENS)
    for link, pin in ((one, b"1111111"), (two, b"2222222")):
        sealed = (await desk.link(link.id)).pin
        assert sealed is not None
        assert desk.vault.open(sealed, purpose=pin_purpose(link.id)) == pin


@pytest.mark.parametrize(
    ("privacy", "reason"), [(Privacy.UNENCRYPTED, "not encrypted"), (Privacy.SHARED, "Others are in this room")]
)
async def test_a_dm_that_is_no_longer_private_throws_the_attempt_away(
    desk: Desk, privacy: Privacy, reason: str
) -> None:
    link = await desk.waiting()
    await desk.digits(facts=Facts(privacy=privacy, may_redact=True))
    assert (await desk.link(link.id)).state is LinkState.ENDED
    assert reason in desk.words()


async def test_where_privacy_cannot_be_looked_at_the_pin_is_not_used_and_may_be_said_again(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.digits(facts=Facts(trouble="I could not check who is here."))
    assert (await desk.link(link.id)).state is LinkState.WAITING
    assert "could not check who is here" in desk.words()
    assert "again" in desk.words()


async def test_a_pin_within_fifteen_minutes_is_taken_and_a_later_one_is_told_what_to_do(desk: Desk) -> None:
    link = await desk.waiting()
    desk.now += 901
    await desk.digits()
    assert (await desk.link(link.id)).state is LinkState.ENDED
    assert "too late" in desk.words()
    assert "!link" in desk.words()
    again = await desk.waiting()
    desk.now += 899
    await desk.digits()
    assert (await desk.link(again.id)).state is LinkState.PROVING


async def test_an_address_without_a_time_of_its_own_is_valid_from_the_start_of_the_link(desk: Desk) -> None:
    link = await desk.waiting()
    await get(desk, lambda tx: tx.links.save(replace(link, due_at=0.0)))
    desk.now += 901
    await desk.digits()
    assert (await desk.link(link.id)).state is LinkState.ENDED


@pytest.mark.parametrize("text", ["", "123456", "12345678", "1234567 8", "١٢٣٤٥٦٧", "1234\x00567", "9" * 10_000])
async def test_what_is_no_pin_leaves_the_link_waiting(desk: Desk, text: str) -> None:
    link = await desk.waiting()
    await desk.say("pin", text)
    assert (await desk.link(link.id)).state is LinkState.WAITING
    assert "7 digits" in desk.words()


async def test_a_second_pin_while_the_first_is_traded_is_removed_and_not_used(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.digits("1111111")
    before = await desk.link(link.id)
    _, message = await desk.digits("2222222")
    assert await desk.link(link.id) == before
    assert message in desk.redacted()


async def test_digits_are_nothing_to_somebody_who_never_linked(desk: Desk) -> None:
    meant, _ = await desk.digits()
    assert not meant
    assert desk.said() == []


async def test_digits_after_the_link_ended_are_answered_in_the_dm_only(desk: Desk) -> None:
    await desk.waiting()
    await desk.say("cancel")
    meant, _ = await desk.digits()
    assert meant
    assert "No link is waiting" in desk.words()
    meant, _ = await desk.digits(room=PRESS, facts=WATCHED)
    assert not meant


async def test_pin_without_a_link_says_so_in_the_dm_and_nothing_in_a_room(desk: Desk) -> None:
    with pytest.raises(UsageError, match="No link is waiting"):
        await desk.say("pin", PIN)
    await desk.say("pin", PIN, room=PRESS, facts=WATCHED)
    assert desk.said() == []


async def test_a_pin_for_an_older_address_is_told_to_wait_for_the_new_one(desk: Desk) -> None:
    await desk.waiting()
    await desk.say("link")
    meant, _ = await desk.digits()
    assert meant
    assert "new address is on its way" in desk.words()


# ---------------------------------------------------------------- cancel


async def test_cancel_drops_the_link(desk: Desk) -> None:
    link = await desk.waiting()
    await desk.say("cancel")
    over = await desk.link(link.id)
    assert (over.state, over.request) == (LinkState.ENDED, None)
    assert "Dropped" in desk.words()


async def test_cancel_without_a_link_says_so(desk: Desk) -> None:
    with pytest.raises(UsageError, match="No link is waiting"):
        await desk.say("cancel")


# ---------------------------------------------------------------- unlink


async def test_the_last_one_to_unlink_has_the_pair_forgotten_and_revoked(desk: Desk) -> None:
    acme = await desk.account("acme", ANA)
    await desk.say("unlink")
    assert await get(desk, lambda tx: tx.accounts.role(acme.id, ANA)) is None
    assert await get(desk, lambda tx: tx.accounts.sealed(acme.id)) is None
    (revocation,) = await desk.store.transact(lambda tx: tx.links.revocations(NOW))
    assert (revocation.account_id, revocation.sealed) == (acme.id, b"pair of acme")
    assert "Unlinked @acme" in desk.words()


async def test_while_others_are_linked_the_pair_stays(desk: Desk) -> None:
    acme = await desk.account("acme", ANA, BEN)
    await desk.say("unlink", "@acme")
    assert await get(desk, lambda tx: tx.accounts.role(acme.id, BEN)) is Role.OWNER
    assert await get(desk, lambda tx: tx.accounts.sealed(acme.id)) == b"pair of acme"
    assert await get(desk, lambda tx: tx.links.revocations(NOW)) == []


async def test_with_several_accounts_and_none_named_they_are_listed_and_nothing_happens(desk: Desk) -> None:
    await desk.account("acme", ANA)
    await desk.account("beta", ANA)
    with pytest.raises(UsageError, match=r"@acme, @beta.*!unlink @acme"):
        await desk.say("unlink")
    assert len(await desk.store.transact(lambda tx: tx.accounts.usable_by(ANA))) == 2


@pytest.mark.parametrize(("account", "text"), [("BETA", ""), (None, "@beta"), (None, "beta ")])
async def test_the_account_can_be_named_in_both_ways(desk: Desk, account: str | None, text: str) -> None:
    await desk.account("acme", ANA)
    await desk.account("beta", ANA)
    await desk.say("unlink", text, account=account)
    (left,) = await desk.store.transact(lambda tx: tx.accounts.usable_by(ANA))
    assert left[0].handle == "acme"


async def test_an_account_of_others_cannot_be_unlinked_and_is_not_betrayed(desk: Desk) -> None:
    await desk.account("acme", BEN)
    with pytest.raises(UsageError) as real:
        await desk.say("unlink", "@acme")
    with pytest.raises(UsageError) as made_up:
        await desk.say("unlink", "@nobody")
    assert str(real.value).replace("acme", "") == str(made_up.value).replace("nobody", "")
    with pytest.raises(UsageError, match="no linked account"):
        await desk.say("unlink")


async def test_what_waits_on_that_account_fails_and_is_answered_with_its_first_words(desk: Desk) -> None:
    acme, beta = await desk.account("acme", ANA, BEN), await desk.account("beta", ANA)
    queued = await desk.post(acme, PostState.QUEUED, "queued words")
    held = await desk.post(acme, PostState.HELD, "held words")
    others = [
        await desk.post(acme, PostState.QUEUED, "of ben", BEN),
        await desk.post(acme, PostState.SENDING, "on its way"),
        await desk.post(acme, PostState.UNKNOWN, "who knows"),
        await desk.post(beta, PostState.QUEUED, "elsewhere"),
    ]
    await desk.say("unlink", account="acme")
    for post in (queued, held):
        failed = await desk.store.transact(lambda tx, post=post: tx.posts.get(post.id))  # type: ignore[misc]  # bound on the line
        assert failed is not None
        assert (failed.state, failed.reason) == (PostState.FAILED, "unlinked")
        replies = [said for said in desk.said() if said.target == post.message_id]
        assert [said.speech for said in replies] == [Speech.REACTION, Speech.TEXT]
        assert post.draft.text in replies[1].body
        assert "Not posted" in replies[1].body
    for post in others:
        assert await get(desk, lambda tx, post=post: tx.posts.get(post.id)) == post  # type: ignore[misc]  # bound on the line
    assert "2 waiting posts" in desk.words()


async def test_the_wish_to_undo_a_post_that_now_fails_is_settled_too(desk: Desk) -> None:
    acme = await desk.account("acme", ANA)
    post = await desk.post(acme, PostState.QUEUED)

    def undo(tx: Tx) -> Post:
        return tx.posts.add(
            Action.DELETE,
            acme.id,
            ANA,
            PRESS,
            "$undo",
            None,
            Draft(""),
            state=PostState.QUEUED,
            now=NOW,
            fresh_at=NOW,
            due_at=float("inf"),
            undoes=post.id,
        )

    wish = await desk.store.transact(undo)
    await desk.say("unlink")
    settled = await desk.store.transact(lambda tx: tx.posts.get(wish.id))
    assert settled is not None
    assert settled.state is PostState.FAILED
    assert "nothing to delete" in desk.words()


async def test_the_default_that_is_unlinked_is_no_default_any_more(desk: Desk) -> None:
    acme = await desk.account("acme", ANA)
    await get(desk, lambda tx: tx.accounts.set_default(ANA, acme.id))
    await desk.say("unlink")
    assert await get(desk, lambda tx: tx.accounts.default(ANA)) is None


def test_every_verb_has_a_row_that_the_help_can_print() -> None:
    verbs = {c.name: c for c in linking.COMMANDS}
    assert set(verbs) == {"link", "pin", "cancel", "unlink"}
    assert all(command.help and command.usage and not command.publishes for command in linking.COMMANDS)
