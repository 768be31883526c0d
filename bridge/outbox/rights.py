"""Whether a row may go out by what its author and its approvers may do now, at the moment of sending.

It knows roles, policies, budgets, and whether approvals stand. What an approval is, the store knows.
"""

from dataclasses import replace

from bridge import alttext
from bridge.interfaces import Ready
from bridge.model import Policy, Post, PostState
from bridge.outbox import previews, telling, words
from bridge.outbox.settling import dead_end
from bridge.outbox.turn import ENDLESS, Turn
from bridge.pricing import OUT, over, spent, within_budget


def let_out(turn: Turn, ready: Ready) -> bool:
    """True when it may go out. If not, it is settled, or waits as a draft again; its author hears why."""
    account, post, policy = ready.account, ready.post, ready.policy
    if not _by_right(turn, ready) or not _described(turn, post, policy):
        return False
    if not policy.budget or within_budget(turn.tx, post, turn.now):
        return True
    gone = spent(turn.tx, account.id, turn.now, OUT)
    dead_end(turn, post, over(account, post.cost, gone, policy.budget, turn.house.prefix))
    return False


def _by_right(turn: Turn, ready: Ready) -> bool:
    tx, account, post, role, policy = turn.tx, ready.account, ready.post, ready.role, ready.policy
    first = post if post.thread_root in (None, post.id) else tx.posts.get(post.thread_root or 0) or post
    if role is None or not (role.may_post or first.content):
        dead_end(turn, post, words.no_right(post, account))
        return False
    if not first.content:  # nobody was asked for an approval
        if not policy.asks(role):
            return True
        dead_end(turn, post, words.needs_approval(account))
        return False
    if tx.decisions.stands(post, policy.approvals):
        return True
    if post.part > 1:
        dead_end(turn, post, words.approval_gone_amid(post, turn.house.prefix))
    elif post.claimed_at is not None:
        dead_end(turn, post, words.approval_gone())
    else:
        _back_to_draft(turn, post)
    return False


def _described(turn: Turn, post: Post, policy: Policy) -> bool:
    """Whether its pictures have the alt texts that the policy asks for by now; if not, its author is asked for them."""
    tx = turn.tx
    if not post.draft.media or not alttext.forbidden(policy, [post.draft]):
        return True
    why = f"{alttext.missing([post.draft])} {alttext.NEVER_WITHOUT}"
    if post.part > 1 or post.claimed_at is not None:  # too late for another alt text
        dead_end(turn, post, why)
        return False
    rows = [post] if post.thread_root is None else tx.posts.thread(post.thread_root)
    for row in rows:
        if row.state is PostState.QUEUED:
            tx.posts.save(replace(row, state=PostState.HELD, question_id=None, reason=why))
    turn.unasked = True
    return False


def _back_to_draft(turn: Turn, post: Post) -> None:
    """Its approval does not hold any more (an approver left, or the policy asks for more): it waits for one again."""
    tx = turn.tx
    rows = [post] if post.thread_root is None else tx.posts.thread(post.thread_root)
    for row in rows:
        if row.state is PostState.QUEUED:
            tx.posts.save(replace(row, state=PostState.DRAFT, due_at=ENDLESS, reason=words.approval_gone()))
    tx.decisions.ring()  # it may have been approved before its pictures were looked at
    telling.take_away(tx, [post], telling.WAITS)
    version = max((preview.version for preview in tx.decisions.previews(rows[0].id)), default=1)
    name = post.label if version == 1 else f"{post.label}.{version}"
    said = words.draft_again(post, name, turn.house.prefix)
    previews.close(tx, post, said, over=False)
    telling.say(tx, post, said)
