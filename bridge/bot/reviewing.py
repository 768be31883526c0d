"""What waits is looked at again when a policy, a role or a room has changed: a draft that has enough approvals now goes
out, what has too few waits again, and previews say how it stands.

It knows states and who approved. What has begun to go out is the outbox's business.
"""

from bridge.bot import holding, previewing, waiting
from bridge.bot.asked import House
from bridge.bot.notices import notify
from bridge.interfaces import Tx
from bridge.model import Action, Identity, Policy, Post, PostState, Verdict

_WAITING = (PostState.DRAFT, PostState.SCHEDULED, PostState.QUEUED)


def look_again(tx: Tx, account_id: int, house: House, now: float, before: Policy | None = None) -> list[str]:
    """Do so for all that waits on the account. Gives a sentence about each that goes another way now, or that does not
    though its author needs no approval any more (they did by the policy ``before``).
    """
    policy = tx.policies.of(account_id)
    found = [post for state in _WAITING for post in tx.posts.in_state(state, account_id)]
    firsts = sorted((p for p in found if p.part <= 1 and p.action is not Action.DELETE), key=lambda post: post.id)
    said = [_look(tx, post, policy, house, now) or _stays(tx, post, policy, before, house) for post in firsts]
    return [one for one in said if one]


def _stays(tx: Tx, post: Post, policy: Policy, before: Policy | None, house: House) -> str:
    """Nobody knows whether its author would rather have it approved."""
    role = tx.accounts.role(post.account_id, post.author)
    needed = before is not None and role is not None and before.asks(role) and not policy.asks(role)
    if post.state is not PostState.DRAFT or not needed:
        return ""
    what = previewing.name(post.id, previewing.version(tx, post))
    return (
        f"{what} stays a draft; {post.author.name}, who needs no approval now, can send it: {house.prefix}send {what}"
    )


def _look(tx: Tx, post: Post, policy: Policy, house: House, now: float) -> str:
    if any(part.claimed_at is not None for part in previewing.parts_of(tx, post)):
        return ""
    role, what = tx.accounts.role(post.account_id, post.author), previewing.name(post.id, previewing.version(tx, post))
    _forget_gone(tx, post, now)
    stands = bool(post.content) and tx.decisions.stands(post, policy.approvals)
    if post.state is PostState.DRAFT:
        if stands and role is not None and not waiting.unfit(tx, post, house, now):
            waiting.let_go(tx, post, house, now, least=waiting.LOOK)  # nobody said yes just now
            _log(tx, post, "approve", "enough approvals now", now)
            gone = tx.posts.get(post.id) or post
            how = holding.how(tx, gone, house, now)
            if gone.state is PostState.SCHEDULED:
                how = f"at its time. To stop it: {house.prefix}undo {post.label}"
            return f"{what} has enough approvals now: it goes out {how}"
        previewing.refresh(tx, post, house)
    elif post.content and not stands:
        waiting.back(tx, post, house, now)
        _log(tx, post, "withdraw", "waits again", now)
        waiting.tell(tx, post.room, post.author, post, f"{what} has too few approvals now: not posted, it waits again.")
        return f"{what} has too few approvals now: it waits again."
    elif not post.content and role is not None and policy.asks(role):
        waiting.submit(tx, post, house, now)
        _log(tx, post, "draft", "waits for approval", now)
        return f"{what} waits for approval now."
    return ""


def _forget_gone(tx: Tx, post: Post, now: float) -> None:
    """An approval of somebody who may not approve any more is over: it does not come back with their role."""
    for decision in tx.decisions.of(post.id):
        role = tx.accounts.role(post.account_id, decision.identity)
        if decision.verdict is Verdict.APPROVE and decision.event_id and (role is None or not role.may_approve):
            tx.decisions.withdraw(decision.identity.network, decision.event_id, decision.identity)
            _log(tx, post, "withdraw", "no approver any more", now, decision.identity)
            over = f"Your approval of {post.label} is over: you are no approver of its account any more"
            over += ", and it does not come back with that role."
            notify(tx, [decision.identity], over, key=f"{decision.event_id}-{post.id}-over")


def _log(tx: Tx, post: Post, verb: str, outcome: str, now: float, whose: Identity | None = None) -> None:
    detail = previewing.brief(post, previewing.version(tx, post))
    tx.log.add(
        whose, verb, room=post.room, account_id=post.account_id, post_id=post.id, detail=detail, outcome=outcome, at=now
    )
