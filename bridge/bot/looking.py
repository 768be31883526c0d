"""The looker: fetches the pictures of drafts before they are shown, learns what they really are, and puts a clean copy
of each where rooms can show it.

A draft is shown only after that, so that nobody can approve what they did not get to see, and that what was approved of
a file that is not encrypted is exactly its bytes. Where that takes long, the draft is shown without, and says so. What
was looked at and not recorded is looked at again after a crash: nothing of a copy is visible before it is said.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bridge import pictures
from bridge.bot import exhibits, previewing, waiting
from bridge.bot.asked import House
from bridge.bot.turns import broke, in_turns
from bridge.errors import ChatRefused, ChatUnreachable, OutcomeUnknown, Rejected, StoreError
from bridge.fetching import Clean, Fetcher, NeedsScaling
from bridge.interfaces import ChatNetwork, Clock, Publisher, Store, Topic, Tx
from bridge.model import Medium, PostState, label
from bridge.retry import pause
from bridge.telltale import first_words

log = structlog.get_logger(__name__)

_PATIENCE = 8.0
"""Seconds after which a draft is shown without its pictures."""
_LONGEST_PAUSE = 60.0
_LONGEST = 3600.0
"""Seconds for one picture. Each step has its own deadline; this is for what nobody thought of."""
_AT_ONCE = 2
"""Drafts."""


@dataclass(slots=True)
class _Case:
    """A draft with pictures to look at: since when it is known, how often it was tried, when it is tried next."""

    since: float
    tries: int = 0
    next_at: float = 0.0
    late: bool = False


class Looker:
    """Looks at the pictures of drafts until cancelled. One task runs it, and only once."""

    def __init__(
        self, store: Store, networks: Mapping[str, ChatNetwork], fetcher: Fetcher, house: House, clock: Clock
    ) -> None:
        self._store = store
        self._networks = networks
        self._fetcher = fetcher
        self._house = house
        self._clock = clock
        self._bell = store.bell(Topic.PICTURES)
        self._cases: dict[tuple[int, str], _Case] = {}
        self._busy: set[int] = set()

    async def run(self) -> None:
        """Look until cancelled. What was cut off is done again at the next start."""
        await in_turns(self._turn, self._bell, self._clock, trouble="drafts cannot be read", most=_LONGEST_PAUSE)

    async def _turn(self, group: asyncio.TaskGroup) -> float | None:
        """Begin what is to do, show what waited for too long, and give the time of the next turn if nothing rings."""
        now = self._clock()
        posts = await self._store.transact(lambda tx: tx.decisions.unseen())
        keys = [(post.id, post.content) for post in posts]  # one that was changed is a new case
        self._cases = {key: self._cases.get(key) or _Case(now) for key in keys}
        late = {key: case for key, case in self._cases.items() if not case.late and now >= case.since + _PATIENCE}
        if late:
            await self._store.transact(lambda tx: self._show_late(tx, [post_id for post_id, _ in late]))
        for case in late.values():
            case.late = True
        for (post_id, _), case in self._cases.items():
            if case.next_at <= now and post_id not in self._busy and len(self._busy) < _AT_ONCE:
                self._busy.add(post_id)
                group.create_task(self._do(post_id, case))
        times = [case.next_at for case in self._cases.values()]
        times += [case.since + _PATIENCE for case in self._cases.values() if not case.late]
        return min((time for time in times if time > now), default=None)

    def _show_late(self, tx: Tx, post_ids: Sequence[int]) -> None:
        for post in (tx.posts.get(post_id) for post_id in post_ids):
            if post is not None and post.state is PostState.DRAFT and not previewing.newest(tx, post):
                previewing.show(tx, post, self._house, anyway=True)

    async def _do(self, post_id: int, case: _Case) -> None:
        try:
            async with asyncio.timeout(_LONGEST):
                await self._look(post_id)
        except (OutcomeUnknown, ChatUnreachable, StoreError, TimeoutError) as error:
            log.info("a picture cannot be had now", post=label("k", post_id), tries=case.tries, reason=str(error))
        except Exception as error:  # noqa: BLE001  # the one place for bugs in looking: they must not stop the others
            broke("looking at pictures", error, post=label("k", post_id))
        finally:
            case.tries += 1
            case.next_at = self._clock() + pause(case.tries, most=_LONGEST_PAUSE)
            self._busy.discard(post_id)
            self._bell.set()

    # ------------------------------------------------------------ one draft

    async def _look(self, post_id: int) -> None:
        """Look at its pictures, one after the other; each is kept at once. Raises what a later try may do better."""
        for medium, publisher, network in await self._store.transact(lambda tx: self._unseen(tx, post_id)):
            seen = await self._seen(medium, publisher, network)
            await self._store.transact(partial(self._keep, post_id=post_id, seen=seen))

    def _unseen(self, tx: Tx, post_id: int) -> list[tuple[Medium, Publisher | None, ChatNetwork | None]]:
        post = tx.posts.get(post_id)
        account = None if post is None else tx.accounts.get(post.account_id)
        if post is None or account is None:
            return []
        publisher, network = self._house.publishers.get(account.publisher), self._networks.get(post.room.network)
        media = [one for part in previewing.parts_of(tx, post) for one in part.draft.media]
        return [(one, publisher, network) for one in media if not one.looked_at]

    async def _seen(self, medium: Medium, publisher: Publisher | None, network: ChatNetwork | None) -> Medium:
        """It with its copies, or with the sentence why there is none."""
        if publisher is None or network is None:
            return replace(medium, unshown=_sentence("cannot be had any more"))
        try:
            async with self._fetcher.cleaned(network, publisher, medium) as clean:
                known = replace(medium, sha256=clean.medium.sha256)
                return await _copied(known, clean, network)
        except NeedsScaling as error:
            if medium.scaled:
                return replace(medium, unshown=_sentence("it cannot be made small enough"))
            # Whoever sees the preview is told.
            return await self._seen(replace(medium, size=error.size, scaled=True), publisher, network)
        except Rejected as error:
            return replace(medium, unshown=_sentence(str(error)))

    def _keep(self, tx: Tx, *, post_id: int, seen: Medium) -> None:
        """Keep what is known of it now. The last one has the draft shown."""
        post = tx.posts.get(post_id)
        if post is None or post.state is not PostState.DRAFT:
            return
        for part in previewing.parts_of(tx, post):
            media = tuple(_with(one, seen) for one in part.draft.media)
            tx.posts.save(replace(part, draft=replace(part.draft, media=media)))
        post = tx.posts.get(post_id) or post
        if not exhibits.unseen(tx, post):
            waiting.submit(tx, post, self._house, self._clock(), previewing.writers(tx, post))


def _with(medium: Medium, seen: Medium) -> Medium:
    """It with what was seen of that file. What was uploaded before its bytes were known may be another file. And so is
    what another key makes of the same bytes: AES-CTR lets somebody choose what.
    """
    if medium.looked_at or (medium.source, medium.key, medium.iv) != (seen.source, seen.key, seen.iv):
        return medium
    known = replace(medium, size=seen.size, scaled=seen.scaled, copies=seen.copies, unshown=seen.unshown)
    return known if medium.sha256 else replace(known, sha256=seen.sha256, remote_id="", uploaded_at=0.0)


async def _copied(medium: Medium, clean: Clean, network: ChatNetwork) -> Medium:
    """It with copies of what would be published: an encrypted one, and a plain one of what is plain already. Raises
    ChatUnreachable, or OSError.
    """
    width, height = await asyncio.to_thread(pictures.dimensions, clean.file, clean.medium.mime)
    kind = "video" if clean.medium.mime.startswith("video/") else "picture"
    copy = Medium(
        "",
        clean.medium.mime,
        clean.medium.size,
        first_words(medium.name, 100) or kind,
        duration=clean.medium.duration,
        width=width,
        height=height,
    )
    try:
        sealed = await network.upload(clean.file, copy, encrypted=True)
        plain = () if medium.key else (await network.upload(clean.file, copy, encrypted=False),)
        return replace(medium, copies=(sealed, *plain))
    except ChatRefused as error:
        return replace(medium, unshown=_sentence(str(error)))


def _sentence(why: str) -> str:
    """For its preview, of a picture that cannot be shown."""
    return f"It cannot be shown: {why.removeprefix('its picture ').rstrip('.')}."
