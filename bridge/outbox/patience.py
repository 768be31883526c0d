"""How long the posts of an account wait for the pictures of one of them.

Posts go out in order. But an upload can take minutes, or fail for long: then those behind go first, and the post goes
when its pictures are there. It knows rows and times, and nothing of files.
"""

from dataclasses import replace

from bridge.model import Post, PostState
from bridge.outbox import telling, uploading, words
from bridge.outbox.errand import Errand
from bridge.outbox.turn import Turn, Upload

LONGEST = 15.0
"""Seconds that an upload holds the account's later posts, from the first try on; as an unknown post does."""
_TOLD = 9.0
"""Seconds after which its author hears that it is not posted yet."""
_MOST = 8
_MOST_OF_ACCOUNT = 2
"""Uploads at once."""


def tend(turn: Turn) -> None:
    """Forget and give up the uploads of posts that need none any more; tell people about those that take long. Have
    turns when something about them changes by itself.
    """
    for post_id, upload in list(turn.uploads.items()):
        post = turn.tx.posts.get(post_id)
        if post is None or post.state is not PostState.QUEUED or uploading.missing(post, turn.now) is None:
            del turn.uploads[post_id]
            turn.given_up.append(post_id)
            continue
        age = turn.mono - upload.began
        if age >= _TOLD and not post.reason:
            _tell(turn, post)
        turn.wake = min([turn.wake, *(upload.began + seconds for seconds in (_TOLD, LONGEST) if seconds > age)])
        if post.due_at > turn.now:
            turn.wake_at(post.due_at)


def _tell(turn: Turn, post: Post) -> None:
    why = words.uploads(post, turn.account(post.account_id))
    turn.tx.posts.save(replace(post, reason=why))
    telling.say(turn.tx, post, words.waits([post], why, turn.house.prefix))


def begin(turn: Turn, errand: Errand) -> None:
    """Have the picture brought up, or let its post wait until there is room for one more upload."""
    post_id, account_id = errand.post.id, errand.account.id
    known = turn.uploads.get(post_id)
    may = _may_begin(turn, account_id)
    turn.uploads[post_id] = Upload(account_id, turn.mono if known is None else known.began, may)
    if may:
        turn.free -= 1
        turn.errands.append(errand)
    turn.wake = min(turn.wake, turn.mono + _TOLD)


def _may_begin(turn: Turn, account_id: int) -> bool:
    on_their_way = [upload.account_id for upload in turn.uploads.values() if upload.under_way]
    return len(on_their_way) < _MOST and on_their_way.count(account_id) < _MOST_OF_ACCOUNT


def _hangs(turn: Turn, post: Post) -> bool:
    """Whether nothing can be done for the post now, for the sake of its pictures."""
    upload = turn.uploads.get(post.id)
    return upload is not None and (upload.under_way or post.due_at > turn.now or not _may_begin(turn, post.account_id))


def _is_young(turn: Turn, post: Post) -> bool:
    return turn.mono - turn.uploads[post.id].began < LONGEST


def lets_others_pass(turn: Turn, post: Post) -> bool:
    """Whether the account's other posts go first now."""
    return _hangs(turn, post) and not _is_young(turn, post)


def makes_others_wait(turn: Turn, post: Post) -> bool:
    """Whether the account's later posts wait for this one, of which nothing can be done now."""
    return _hangs(turn, post) and _is_young(turn, post)
