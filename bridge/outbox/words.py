"""The sentences of the outbox. Pure: rows and times in, words out.

An answer about a post that did not go out quotes its first words and says `not posted` or `unknown`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from bridge import alttext, pricing
from bridge.model import Account, Action, Post, PostState, Question
from bridge.pricing import Prices
from bridge.telltale import HIDDEN, first_words, pictures

_MOST_SHOWN = 10
_LATE = 60.0
"""Seconds after its time from which on a post is called late."""
_NOT = {Action.POST: "not posted", Action.REPOST: "not reposted", Action.DELETE: "not deleted"}
NOT_LOOKED = "the account's posts could not be read"
"""Why nobody can say whether an UNKNOWN row is out; it is kept as the row's reason."""
_TICK, _CROSS = "or ✅ here", "or ❌ here"  # right behind what they stand for: beside other offers, nobody has to guess


def subject(post: Post) -> str:
    """What a row is, for a sentence about it."""
    if post.action is Action.REPOST:
        return f"The repost of {post.target}"
    if post.action is Action.DELETE:
        return f"The undoing ({post.label})"
    said = called(post)
    return said if post.thread_root is None else f"part {post.part} of your thread, {said},"


def called(post: Post) -> str:
    """Its first words; of pictures alone, what those are called."""
    if post.draft.media and not post.draft.text:
        return pictures(post.draft)
    said = first_words(post.draft.text)
    return said if said == HIDDEN else f"“{said}”"


def capital(text: str) -> str:
    """``text`` as a sentence begins."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """``text`` with a full stop, where it has no end."""
    return text if text.endswith((".", "!", "?")) else text + "."


def age(seconds: float) -> str:
    """A length of time as people say it: ``45 s``, ``12 min``, ``3 h``, ``2 days``."""
    for unit, size, most in (("s", 1.0, 90.0), ("min", 60.0, 5400.0), ("h", 3600.0, 129600.0)):
        if seconds < most:
            return f"{max(round(seconds / size), 0)} {unit}"
    return f"{round(seconds / 86400)} days"


def clock_time(at: float, now: float) -> str:
    """A time to come, never too early a minute: ``18:30 UTC``, with its day when it is not within 20 hours."""
    when = datetime.fromtimestamp(min(at + 59.0, 4e9), UTC)
    return f"{when:%H:%M} UTC" if at - now < 72000 else f"{when:%d %B, %H:%M} UTC"


# ---------------------------------------------------------------- how it ended


def posted(post: Post, account: Account, url: str, prefix: str, price: str = "") -> str:
    """``price``: what is to be said about it, where it is not the usual one."""
    done = "Posted" if post.action is Action.POST else "Reposted"
    price = f" · {price}" if price else ""
    shown = f" with {pictures(post.draft)}" if post.draft.media else ""
    return f"{done} as {account.at}{shown}: {url}{_alts(post)}{price}{_late(post)} · undo: {prefix}undo {post.label}"


def _late(post: Post) -> str:
    """How long after the time that its author named it went out, where that matters."""
    if post.scheduled_for is None or post.claimed_at is None or post.claimed_at - post.scheduled_for < _LATE:
        return ""
    return f" · {age(post.claimed_at - post.scheduled_for)} late"


def _alts(post: Post) -> str:
    """What the pictures are for those who do not see them."""
    pictures = [one for one in post.draft.media if not one.mime.startswith("video/")]
    if not pictures:
        return ""
    alts = [f"“{first_words(one.alt)}”" if one.alt else "none" for one in pictures]
    return f" · alt text: {', '.join(alts)}"


def posted_somewhere(post: Post, account: Account) -> str:
    return (
        f"{subject(post)} went out as {account.at} at the first attempt: the publisher refuses it as a duplicate. "
        "I could not find its address; look at the account."
    )


def deleted(account: Account, target: str, said: str, *, reposted: bool) -> str:
    """``said``: its first words, which were public; empty where nobody knows them."""
    said = f" {said}" if said else ""
    return (
        f"Took back {account.at}'s repost of {target}."
        if reposted
        else f"Deleted {account.at}'s post{said} ({target})."
    )


def failed(post: Post, account: Account, why: str, *, doubtful: bool = False) -> str:
    what = f"The post {post.target}" if post.action is Action.REPOST else capital(subject(post))
    was = "Not deleted" if post.action is Action.DELETE else f"{what} was {_NOT[post.action]}"
    words = f"{was} as {account.at}: {sentence(why)}"
    return words + " (Whether my earlier attempt went out is still unknown.)" if doubtful else words


def duplicate(url: str, *, part: bool) -> str:
    """``part``: of a thread, whose question says how its words are changed."""
    where = f" ({url})" if url else ""
    return f"it has a post with this text already{where}" + ("" if part else ". Change the words and say it again")


def no_right(post: Post, account: Account) -> str:
    return f"{post.author.name} may not post as {account.at} any more. An owner of the account can change that"


def no_right_to_delete(account: Account) -> str:
    return f"you may not delete posts of {account.at} any more. Ask an approver or owner"


def needs_approval(account: Account) -> str:
    return f"{account.at} asks for an approval of every post now. Say it again, and I show it to the approvers"


def approval_gone() -> str:
    return "its approval does not hold any more"


def approval_gone_amid(post: Post, prefix: str) -> str:
    """Of a thread that has begun to go out."""
    return f"{approval_gone()}; an approver or owner can let it go on: {prefix}send {post.label}"


def slot_missed(post: Post, version: int, prefix: str) -> str:
    """Of a draft whose time came without an approval. ``version``: of its newest preview."""
    name = post.label if version == 1 else f"{post.label}.{version}"
    return (
        f"{capital(called(post))} of {post.author.name} was to go out now, and is not approved yet: not posted. "
        f"An approver lets it go out late: {prefix}approve {name} · another time: {prefix}edit {post.label} WHEN · "
        f"forget it: {prefix}drop {post.label}"
    )


def draft_again(post: Post, name: str, prefix: str) -> str:
    """``name``: of what it holds now, as people type it to approve that."""
    return (
        f"{subject(post)} was not posted: {approval_gone()} (an approver left, or more of them are asked for). It "
        f"waits for an approval as a draft again: {prefix}show {post.label} · {prefix}approve {name} · forget it: "
        f"{prefix}drop {post.label}"
    )


def frozen(account: Account) -> str:
    return f"{account.at} is frozen: nothing goes out until an owner or approver lifts that"


def link_broken(why: str, prefix: str) -> str:
    return f"its link is dead ({why.rstrip('.')}). Write {prefix}link to me in private, then say it again"


def nothing_to_delete(target: Post) -> str:
    return f"{target.label} did not go out: not posted, so there is nothing to delete."


def no_address(target: Post, account: Account) -> str:
    return f"I do not know the address of {target.label}: not deleted. Delete it at {account.at} by hand, please."


def maybe_out(target: Post, account: Account, prefix: str, *, looked: bool) -> str:
    reason = "" if looked else NOT_LOOKED
    nothing = " So there is nothing to delete." if looked else ""
    return (
        f"{_unsure(f'{subject(target)} ({target.label})', account.at, reason)}{nothing} Should it show up: "
        f"{prefix}undo its address, or delete it by hand."
    )


def undone_in_time(target: Post) -> str:
    return f"Undone before it went out: {target.label}, {subject(target)}, not posted."


def effect_unknown(post: Post, account: Account, why: str) -> str:
    return (
        f"unknown: {subject(post)} for {account.at} was tried several times without a clear answer "
        f"({why.rstrip('.')}). Look at the account, and say it again if it is not done: that is harmless."
    )


# ---------------------------------------------------------------- while it is not known


def looking(post: Post, account: Account) -> str:
    return (
        f"unknown: no clear answer came whether {subject(post)} went out as {account.at}. I am looking whether it did, "
        "and tell you within about a minute. Do not send it again."
    )


def proven(post: Post, account: Account) -> str:
    return (
        f"The publisher says that {account.at} has {subject(post)} already: my earlier attempt went out. "
        "I am looking for its address."
    )


# ---------------------------------------------------------------- while it waits


def waits(posts: Sequence[Post], why: str, prefix: str) -> str:
    """Why one or several posts of one person wait."""
    if len(posts) == 1:
        yet = _NOT[posts[0].action]
        return (
            f"{sentence(why)} {capital(subject(posts[0]))} waits: {yet} yet. To stop it: {prefix}undo {posts[0].label}"
        )
    shown = [f"{subject(post)} ({post.label})" for post in posts[:_MOST_SHOWN]]
    if len(posts) > _MOST_SHOWN:
        shown.append(f"… and {len(posts) - _MOST_SHOWN} more")
    return f"{sentence(why)} {len(posts)} of yours wait, not posted yet:\n" + "\n".join(shown)


def resting(account: Account, until: float, now: float) -> str:
    return f"The publisher lets {account.at} do this again at {clock_time(until, now)}"


def unreachable(account: Account) -> str:
    return f"The publisher of {account.at} cannot be reached now; I keep trying"


def uploads(post: Post, account: Account) -> str:
    """Why a post waits whose pictures take their time."""
    is_video = any(one.mime.startswith("video/") for one in post.draft.media)
    return f"The {'video' if is_video else 'picture'} for {account.at} is still being uploaded"


def broken(account: Account, prefix: str) -> str:
    return f"{account.at} must be linked again: write {prefix}link to me in private"


PAUSED = "Posting is paused until the operator has acted; nothing is lost"


def paused_for_admins(reason: str, prefix: str) -> str:
    return (
        f"Posting is paused: {sentence(reason)} Nothing is lost: all posts wait, not posted yet. "
        f"When you have mended it, write {prefix}resume here (or start Kantter again)."
    )


# ---------------------------------------------------------------- questions


def ask_stale(posts: Sequence[Post], question: Question, now: float, prefix: str, prices: Prices) -> str:
    """Whether posts that grew old shall still go out."""
    if len(posts) == 1:
        post = posts[0]
        offers = [f"forget it: {prefix}drop {post.label} {_CROSS}"]
        if alttext.NEVER_WITHOUT not in post.reason:
            when = " at its time" if _has_time(post) else ""
            offers.insert(0, f"post it{when} all the same: {prefix}send {post.label} {_TICK}")
        if describe := _describe(post, prefix):
            offers.insert(0, describe)
        return f"{_grew_old(post, now)}: not posted.{_price(post, prices)} {capital(' · '.join(offers))}"
    label = question.label
    return (
        f"{len(posts)} of yours {_why(posts)}: not posted.\n{_list(posts, now, prefix, prices)}\n"
        f"Post them all the same: {prefix}send {label} {_TICK} · forget them: {prefix}drop {label} {_CROSS} · "
        f"a single one: {prefix}send {posts[0].label}"
    )


def _price(post: Post, prices: Prices) -> str:
    """The sentence about what it costs, where that is not the usual price and was not said as the reason to ask."""
    said = pricing.said(post.cost, prices)
    return f" {sentence(capital(said))}" if said and said not in post.reason else ""


def _has_time(post: Post) -> bool:
    """Whether it is asked about before the time that its author named: what has come to it ages from then."""
    return post.scheduled_for is not None and post.fresh_at != post.scheduled_for


def _why(posts: Sequence[Post]) -> str:
    if any(post.reason for post in posts):
        return "wait for your word, since something about them should be looked at or they are old"
    return "grew old before they could go out"


def _describe(post: Post, prefix: str) -> str:
    """What can be done about a post that waits because a picture of it has no alt text, or has it in the text; empty
    for any other.
    """
    if alttext.WITHIN in post.reason:
        goes = ", and it goes out" if alttext.is_all(post.reason) else ""
        return f"Make that the alt text{goes}: {prefix}alt {post.label}"
    said = alttext.missing([post.draft])
    if not said or said not in post.reason:
        return ""
    place = " NUMBER" if len(post.draft.media) > 1 else ""
    goes = ", and it goes out" if alttext.is_all(post.reason) and not place else ""
    return f"Give it one{goes}: {prefix}alt {post.label}{place} WHAT IT SHOWS"


def _grew_old(post: Post, now: float) -> str:
    if post.reason:  # it is not old: something about it was found that its author should look at
        return f"Look twice before {subject(post)} goes out: {sentence(post.reason)} It waits"
    if post.scheduled_for is not None and post.fresh_at == post.scheduled_for:
        return f"{subject(post)} was to go out {age(now - post.fresh_at)} ago"
    return f"{subject(post)} is {age(now - post.fresh_at)} old by now"


def ask_unsure(posts: Sequence[Post], question: Question, now: float, prefix: str, prices: Prices) -> str:
    """What to do about posts that were not seen though they may have gone out."""
    if len(posts) == 1:
        post = posts[0]
        return (
            f"{_unsure(subject(post), 'the account', post.reason)}{_price(post, prices)} Post it again: {prefix}send "
            f"{post.label} {_TICK} · leave it: {prefix}drop {post.label} {_CROSS}"
        )
    label, unseen = question.label, any(post.reason == NOT_LOOKED for post in posts)
    what = (
        f"whether {len(posts)} of yours are out, nobody can say. I could not look for all of them: please look yourself"
        if unseen
        else f"{len(posts)} of yours were probably not posted, which nobody can prove; I do not see them among the "
        "account's posts"
    )
    return (
        f"unknown: {what}.\n{_list(posts, now, prefix, prices)}\n"
        f"Post them again: {prefix}send {label} {_TICK} · leave them: {prefix}drop {label} {_CROSS} · "
        f"a single one: {prefix}send {posts[0].label}"
    )


def _unsure(what: str, where: str, reason: str) -> str:
    """Of what may be out: whether that is likely. ``reason``: NOT_LOOKED, or that it was not seen ``where``."""
    if reason == NOT_LOOKED:
        return f"unknown: whether {what} is out, nobody can say. I could not look: please look at {where} yourself."
    return (
        f"unknown: {what} was probably not posted, which nobody can prove; I do not see it among the posts of {where}."
    )


def _list(posts: Sequence[Post], now: float, prefix: str, prices: Prices) -> str:
    lines = list[str]()
    for post in posts[:_MOST_SHOWN]:
        describe = _describe(post, prefix)
        why = post.reason or age(now - post.fresh_at)
        price = pricing.said(post.cost, prices)
        told = [said for said in (price if price not in post.reason else "", describe) if said]
        lines.append(" · ".join((f"{post.label}: {subject(post)}, {why}", *told)))
    if len(posts) > _MOST_SHOWN:
        lines.append(f"… and {len(posts) - _MOST_SHOWN} more")
    return "\n".join(lines)


# ---------------------------------------------------------------- threads


def thread_posted(
    rows: Sequence[Post], out: int, account: Account, urls: Sequence[str], prefix: str, price: str = ""
) -> str:
    parts = f"{out} parts" if out == len(rows) else f"{out} of {len(rows)} parts"
    shown = f" with {pictures(rows[0].draft)} on the first" if rows[0].draft.media else ""
    where = (f": {urls[0]}" if urls else "") + (f" · {price}" if price else "")
    return f"Posted as {account.at} in {parts}{shown}{where} · undo: {prefix}undo {rows[0].label}"


def thread_failed(rows: Sequence[Post], account: Account, why: str) -> str:
    said = called(rows[0])
    return f"{said} and the rest of the thread were not posted as {account.at}: {sentence(why)} Nothing of it is out."


def thread_stopped(post: Post, rows: Sequence[Post], account: Account, why: str) -> str:
    fate = "unknown: whether" if post.state is PostState.UNKNOWN else ""
    said = f"part {post.part} of {len(rows)}, {called(post)},"
    if fate:
        return f"{fate} {said} went out as {account.at} nobody can say ({why.rstrip('.')}), so the thread stopped."
    return f"The thread stopped: {said} was not posted as {account.at}: {sentence(why)}"


def thread_unsure(post: Post, rows: Sequence[Post], account: Account) -> str:
    what = f"part {post.part} of {len(rows)}, {called(post)},"
    return f"{_unsure(what, account.at, post.reason)} So the thread stopped."


def thread_stale(post: Post, rows: Sequence[Post], account: Account, seconds: float) -> str:
    said = called(rows[0])
    if post.reason:
        return f"Look twice before the thread {said} of {len(rows)} parts goes out: {sentence(post.reason)} Not posted."
    if post.part == 1:
        return f"The thread {said} of {len(rows)} parts for {account.at} is {age(seconds)} old by now: not posted."
    return f"The thread {said} has waited {age(seconds)} for its part {post.part}: not posted."


def thread_dropped(rows: Sequence[Post], rest: Sequence[Post], urls: Sequence[str]) -> str:
    out = f" {len(urls)} of {len(rows)} are out: {' '.join(urls)}" if urls else ""
    many = f"{len(rest)} parts" if len(rest) != 1 else "last part"
    return f"Not posted either: the {many} behind the dropped one, from {subject(rest[0]).rstrip(',')} on.{out}"


def thread_question(
    said: str, question: Question, rows: Sequence[Post], out: int, urls: Sequence[str], prefix: str, mend: str = "",
    price: str = "",
) -> str:  # fmt: skip
    """``said``, then where the thread stands and what its author can do. ``mend``: the part whose words they may change
    now; ``price``: of what still goes out, where that is not the usual one.
    """
    lines, undo, label = [said], "", question.label
    go = "Post it at its time all the same" if _has_time(rows[0]) else "Post it all the same"
    leave = "forget it"
    if rows[0].state is not PostState.HELD:
        unsure = next((row for row in rows if row.state is PostState.UNKNOWN), None)
        go, leave = "Go on" if unsure is None else f"Post part {unsure.part} again and go on", "leave it so"
    if out:
        are = "is" if out == 1 else "are"
        lines.append(f"{out} of {len(rows)} parts {are} out: {' '.join(urls)}")
        undo = f" · delete what is out: {prefix}undo {rows[0].label}"
    if mend:
        undo += f" · change its words first: {prefix}edit {mend} TEXT"
    if price and price not in rows[0].reason:
        lines.append(sentence(capital(price)))
    if describe := _describe(rows[0], prefix):
        lines.append(describe)
    leave = f"{leave}: {prefix}drop {label} {_CROSS}{undo}"
    may_go = alttext.NEVER_WITHOUT not in rows[0].reason
    lines.append(f"{go}: {prefix}send {label} {_TICK} · {leave}" if may_go else capital(leave))
    return "\n".join(lines)


def thread_deleted(gone: Sequence[Post], account: Account) -> str:
    ids = ", ".join(str(post.remote_id) for post in gone)
    return (
        f"Deleted {account.at}'s thread, {called(gone[0])}: {len(gone)} posts ({ids})."
        if len(gone) > 1
        else deleted(account, ids, called(gone[0]), reposted=False)
    )
