"""Decisions about drafts: who may make them, when a draft goes out, and when it comes back.

A decision counts for exactly the content that was shown, and only from somebody who is an approver at that moment and
did not write it. When in doubt nothing goes out.
"""

from bridge.bot import holding, previewing, signs, waiting
from bridge.bot.asked import Asked, Command, House, Standing
from bridge.bot.waiting import Word
from bridge.bot.words import quote, span, without_words
from bridge.errors import UsageError
from bridge.interfaces import Tx
from bridge.model import (
    Identity,
    Post,
    PostState,
    Preview,
    Reaction,
    Redaction,
    Role,
    Room,
    Speech,
    Verdict,
)

_WAITING = (PostState.DRAFT, PostState.SCHEDULED, PostState.HELD, PostState.QUEUED)
_OUT = (PostState.SENDING, PostState.POSTED, PostState.UNKNOWN)


# ---------------------------------------------------------------- deciding


def obstacle(tx: Tx, post: Post, who: Identity, verdict: Verdict, house: House, now: float) -> str:
    """Why ``who`` cannot decide so about ``post`` now; empty when they can."""
    role, doing = tx.accounts.role(post.account_id, who), verdict.value
    if post.author == who and verdict is Verdict.APPROVE:
        own = role is not None and not tx.policies.of(post.account_id).asks(role)
        current = previewing.name(post.id, previewing.version(tx, post))
        hint = f" You may post it yourself: {house.prefix}send {current}" if own else ""
        return f"You wrote {post.label}, so somebody else has to approve it.{hint}"
    if role is None:
        return f"You may not {doing} {post.label}: you have no role on its account."
    if not role.may_approve:
        return f"You may not {doing} {post.label}: your role is {role.value}; it takes an approver or an owner."
    if verdict is Verdict.APPROVE and who in previewing.writers(tx, post):
        return f"You changed {post.label} to what it says now, so somebody else has to approve it."
    if post.state not in _WAITING or post.claimed_at is not None or not post.content:
        return f"{post.label} does not wait for approval: it is {_state(post)}."
    return "" if verdict is not Verdict.APPROVE else waiting.unfit(tx, post, house, now)


def _state(post: Post) -> str:
    if post.state is PostState.FAILED:
        return f"not posted ({without_words(post.reason)})" if post.reason else "not posted"
    words: dict[PostState, str] = {PostState.SENDING: "on its way", PostState.UNKNOWN: "perhaps out"}
    return words.get(post.state, str(post.state.value))


def _approve(tx: Tx, post: Post, word: Word, house: House) -> str:
    """Keep the approval; the last one that is needed lets the draft go. Gives the words about it."""
    again = any(decision.identity == word.who for decision in tx.decisions.standing(post))
    tx.decisions.add(post.id, word.who, Verdict.APPROVE, post.content, word.event_id, word.now)
    needs, has = tx.policies.of(post.account_id).approvals, len(tx.decisions.standing(post))
    goes = post.state is PostState.DRAFT and tx.decisions.stands(post, needs)
    waiting.record(tx, post, word, "approve", f"{has} of {needs}")
    what = _what(tx, post, word.room)
    if not goes:
        previewing.refresh(tx, post, house)
        back = f" To take that back: {house.prefix}unapprove {previewing.name(post.id, previewing.version(tx, post))}"
        still = (
            f"{has} of {needs}, it still waits.{back}" if post.state is PostState.DRAFT else "it had enough already."
        )
        return f"{'You had approved' if again else 'Approved'} {what}{' before' if again else ''}: {still}"
    waiting.let_go(tx, post, house, word.now)
    when = _when(tx, post, word.now, house)
    return f"Approved {what}: {when}" + ("" if when.endswith(f" {post.label}") else ".")  # a command has no full stop


def _when(tx: Tx, post: Post, now: float, house: House) -> str:
    account, at = tx.accounts.get(post.account_id), post.scheduled_for
    if at is not None and now - at > house.stale_after:
        return f"its time was {span(now - at)} ago, so I ask {post.author.name} whether it shall still go out"
    if account is not None and account.frozen:
        return f"it goes out when {account.at} is not frozen any more"
    if at is not None and at > now:
        return "it goes out at its time"
    late = "" if at is None else f"its time was {span(now - at)} ago, and "
    return f"{late}it goes out {holding.how(tx, tx.posts.get(post.id) or post, house, now)}"


def _reject(tx: Tx, post: Post, word: Word, house: House, reason: str) -> str:
    """The draft ends. Its author hears why."""
    why = f"rejected by {word.who.name}" + (f": {quote(reason, 200)}" if reason.strip() else "")
    tx.decisions.add(post.id, word.who, Verdict.REJECT, post.content, word.event_id, word.now, quote(reason, 200))
    waiting.record(tx, post, word, "reject", quote(reason, 60) if reason.strip() else "")
    what = previewing.brief(post, previewing.version(tx, post))
    waiting.end(tx, post, why, house)
    words = f"{word.who.name} rejected {what}" + (f": {quote(reason, 200)}" if reason.strip() else "")
    tx.answers.add(
        post.room, Speech.TEXT, f"{words}. Not posted.", target=post.message_id, thread=post.thread,
        mention=post.author, post_id=post.id,
    )  # fmt: skip
    return f"Rejected {_what(tx, post, word.room)}: not posted."


def _what(tx: Tx, post: Post, room: Room) -> str:
    """The draft in a sentence said in ``room``: the words of a DM stay there."""
    number = previewing.version(tx, post)
    if room in (post.room, tx.policies.of(post.account_id).room):
        return previewing.brief(post, number)
    return previewing.name(post.id, number)


# ---------------------------------------------------------------- the verbs


def approve(tx: Tx, asked: Asked, house: House) -> None:
    """Approve the content that is named."""
    waiting.one_only(asked, house)
    post, _ = _target(tx, asked, house)
    if problem := obstacle(tx, post, asked.sender, Verdict.APPROVE, house, asked.now):
        raise UsageError(problem)
    asked.reply(tx, _approve(tx, post, _by(asked), house), post_id=post.id)


def reject(tx: Tx, asked: Asked, house: House) -> None:
    """Reject the content that is named, with a reason or without."""
    post, reason = _target(tx, asked, house)
    if problem := obstacle(tx, post, asked.sender, Verdict.REJECT, house, asked.now):
        raise UsageError(problem)
    words = _reject(tx, post, _by(asked), house, reason)
    if asked.room != post.room or asked.sender != post.author:
        asked.reply(tx, words, post_id=post.id)


def _by(asked: Asked) -> Word:
    return Word(asked.sender, asked.message.id, asked.room, asked.now)


def _target(tx: Tx, asked: Asked, house: House, *, any_version: bool = False) -> tuple[Post, str]:
    """The draft that is named, and the rest of the text. A reply to a preview names what that shows."""
    waiting.no_account(asked, house)
    read = waiting.read_id(asked.text)
    if read is None:
        return _replied_to(tx, asked, house, any_version=any_version), asked.text
    post_id, number, rest = read
    post = waiting.visible(tx, post_id, asked.sender)
    if post is None:
        raise UsageError(f"I know no draft {quote(asked.text.split()[0])} that you may {asked.verb}.")
    newest = previewing.version(tx, post)
    waits = post.state in _WAITING  # of one that has ended, that is what to say
    if waits and not any_version and (number or 1) != newest:
        raise UsageError(waiting.changed(post, newest, asked.verb, house))
    return post, rest


def _replied_to(tx: Tx, asked: Asked, house: House, *, any_version: bool) -> Post:
    usage = f"{house.prefix}{house.verbs[asked.verb].usage}"
    if asked.message.reply_to is not None and (not asked.text.strip() or asked.verb == "reject"):
        found = _shown_by(tx, asked.room, asked.message.reply_to)
        if found is not None:
            post, preview = found
            newest = previewing.version(tx, post)
            if not any_version and preview.version != newest:
                raise UsageError(waiting.changed(post, newest, asked.verb, house))
            return post
    raise UsageError(f"Which one? {usage}. A draft's name stands in its preview.")


def _shown_by(tx: Tx, room: Room, event_id: str) -> tuple[Post, Preview] | None:
    """The post and the preview that the bot showed by that event in that room."""
    for answer in tx.answers.of_event(room.network, event_id):
        if answer.post_id is None or answer.room != room:
            continue
        post = tx.posts.get(answer.post_id)
        for preview in tx.decisions.previews(answer.post_id):
            if post is not None and preview.answer_id == answer.id:
                return post, preview
    return None


# ---------------------------------------------------------------- reactions


def ticked(tx: Tx, event: Reaction, house: House, now: float) -> bool:
    """A reaction: if it is a tick or a cross on a preview, it decides. False when it is on no preview."""
    found = _shown_by(tx, event.room, event.target)
    if found is None:
        return False
    post, preview = found
    if event.key in signs.TICKS or event.key in signs.CROSSES:
        _decide(tx, event, post, preview, house, now)
    return True


def _decide(tx: Tx, event: Reaction, post: Post, preview: Preview, house: House, now: float) -> None:
    newest = previewing.version(tx, post)
    if preview.content != post.content or preview.version != newest:
        role = tx.accounts.role(post.account_id, event.sender)
        if post.state is PostState.DRAFT and newest != preview.version and role is not None and role.may_approve:
            verb = "reject" if event.key in signs.CROSSES else "approve"
            waiting.say_once(tx, event, post, waiting.changed(post, newest, verb, house))
        return
    if not previewing.is_live(tx, post, preview):
        return  # it says itself that it is not shown there any more
    word = Word(event.sender, event.id, event.room, now)
    crossed = event.key in signs.CROSSES
    verdict = Verdict.REJECT if crossed else Verdict.APPROVE
    current = previewing.name(post.id, preview.version)
    if tx.policies.of(post.account_id).approve_by == "command":
        how = f"Write {house.prefix}approve {current} or {house.prefix}reject {current}"
        waiting.say_once(tx, event, post, f"Reactions do not count for this account. {how}")
    elif crossed and event.sender == post.author and post.state in _WAITING and post.claimed_at is None:
        waiting.drop(tx, post, event.sender, event.room, house, now)
    elif post.state is PostState.FAILED if crossed else post.state in _OUT:
        return  # it is over, or had approvals enough
    elif problem := obstacle(tx, post, event.sender, verdict, house, now):
        waiting.say_once(tx, event, post, problem)
    elif crossed:
        _reject(tx, post, word, house, "")
    elif now - event.sent_at > house.stale_after:
        old = f"Your {event.key} is {span(now - event.sent_at)} old, so it approved nothing."
        waiting.say_once(tx, event, post, f"{old} If you still want it: {house.prefix}approve {current}")
    else:
        _approve(tx, post, word, house)


def taken_back(tx: Tx, event: Redaction, house: House, now: float) -> bool:
    """Something was removed: if it was an approver's own reaction or command, their approval goes with it, and a draft
    that has not gone out waits again. False when it was no decision.
    """
    decision = tx.decisions.withdraw(event.room.network, event.target, event.sender)
    post = None if decision is None else tx.posts.get(decision.post_id)
    if decision is None or post is None:
        return False
    if decision.verdict is not Verdict.APPROVE or decision.content != post.content:
        return True
    words, late = _withdrawn(tx, post, Word(event.sender, event.id, event.room, now), house)
    if late:
        waiting.tell(tx, event.room, event.sender, post, words)
    return True


def unapprove(tx: Tx, asked: Asked, house: House) -> None:
    """Take one's own approval back."""
    waiting.one_only(asked, house)
    post, _ = _target(tx, asked, house, any_version=True)
    mine = [one for one in tx.decisions.standing(post) if one.identity == asked.sender and one.event_id is not None]
    if not mine:
        raise UsageError(f"There is no approval of yours on {post.label} that I could take back.")
    for decision in mine:
        tx.decisions.withdraw(asked.room.network, decision.event_id or "", asked.sender)
    asked.reply(tx, _withdrawn(tx, post, _by(asked), house)[0], post_id=post.id)


def _withdrawn(tx: Tx, post: Post, word: Word, house: House) -> tuple[str, bool]:
    """An approval was taken back: what has not gone out waits again. Gives the words about it, and whether it was too
    late.
    """
    if not all(part.state in _WAITING and part.claimed_at is None for part in previewing.parts_of(tx, post)):
        if post.state is PostState.FAILED:
            return f"{post.label} has ended already: it is {_state(post)}.", False
        waiting.record(tx, post, word, "withdraw", "too late")
        return f"Too late: {post.label} is {_state(post)} already · {house.prefix}undo {post.label}", True
    needs, what = tx.policies.of(post.account_id).approvals, _what(tx, post, word.room)
    if post.state is not PostState.DRAFT and not tx.decisions.stands(post, needs):
        post = waiting.back(tx, post, house, word.now)
        brief = previewing.brief(post, previewing.version(tx, post))
        waiting.tell(tx, post.room, post.author, post,
              f"{word.who.name} took the approval back: {brief}, waits again, not posted.")  # fmt: skip
    waits = post.state is PostState.DRAFT
    waiting.record(tx, post, word, "withdraw", "waits again" if waits else "still approved")
    previewing.refresh(tx, post, house)
    has = f"{len(tx.decisions.standing(post))} of {needs}"
    return f"Took your approval of {what} back: {has}, it {'waits' if waits else 'is still approved'}.", False


def _can_approve(standing: Standing) -> bool:
    return any(role in (Role.OWNER, Role.APPROVER) for _, role in standing.accounts)


COMMANDS = (
    Command(
        name="approve",
        usage="approve ID",
        example="approve k7",
        help="Let a draft of somebody else go out; ✅ on its preview does the same.",
        work=approve,
        visible=_can_approve,
    ),
    Command(
        name="unapprove",
        usage="unapprove ID",
        example="unapprove k7",
        help="Take your approval back before it goes out; so does taking your ✅ or your command away.",
        work=unapprove,
        visible=_can_approve,
    ),
    Command(
        name="reject",
        usage="reject ID [reason]",
        example="reject k7 the date is wrong",
        help="End a draft, and tell its author why; ❌ on its preview does the same.",
        work=reject,
        visible=_can_approve,
    ),
)
