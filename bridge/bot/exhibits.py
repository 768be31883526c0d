"""The pictures of a draft, shown where its approvers are: what a room gets to see, and what it is told where not.

What is shown is a copy of what would be published: cleaned and scaled, so that no room learns what its sender did not
mean to publish, such as where it was taken. It knows rows of answers and whether rooms are encrypted, and no file.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bridge.interfaces import Tx
from bridge.model import Medium, Post, PostState, Room, Speech

_NOWHERE = "-"
"""The room of a picture that no message shows any more; no room's id."""
_OVER = (PostState.POSTED, PostState.FAILED, PostState.UNKNOWN)


def unseen(tx: Tx, post: Post) -> bool:
    """Whether a picture of the post (or of its thread) is still to be looked at."""
    return not all(one.looked_at for one in _media(tx, post))


def nameless(tx: Tx, post: Post) -> str:
    """Why nobody can approve it: it has a picture that could be any file; empty when there is none."""
    unknown = [one for one in _media(tx, post) if not one.sha256]
    if not unknown:
        return ""
    if any(one.unshown for one in unknown):
        return "A picture of it could not be had, so nobody knows what would go out. Send the picture anew."
    return "I have not seen its picture yet, so nobody knows what would go out. I go on trying to get it."


def _media(tx: Tx, post: Post) -> Iterator[Medium]:
    parts = [] if post.thread_root is None else tx.posts.thread(post.thread_root)
    return (medium for part in parts or [post] for medium in part.draft.media)


def show(tx: Tx, post: Post, room: Room, thread: str | None) -> None:
    """Show there what is not there already and may be shown there. ``post``: of a thread, its first part."""
    for medium in _media(tx, post):
        copy = None if _is_there(post, medium, room) else _fitting(tx, medium, room)
        if copy is not None and not _is_shown(tx, post, medium, room):
            tx.answers.add(room, Speech.MEDIA, copy.name, thread=thread, post_id=post.id, medium=copy)


def _is_there(post: Post, medium: Medium, room: Room) -> bool:
    return room == Room(post.room.network, medium.room or post.room.id)


def _is_shown(tx: Tx, post: Post, medium: Medium, room: Room) -> bool:
    """Whether the bot has shown it there, and it was not taken away since."""
    said = [one for one in tx.answers.of_post(post.id, Speech.MEDIA) if one.room == room]
    gone = {one.target_answer for one in tx.answers.of_post(post.id, Speech.REDACTION)} if said else set()
    return any(one.medium in medium.copies and one.id not in gone for one in said)


def _fitting(tx: Tx, medium: Medium, room: Room) -> Medium | None:
    """Its copy for that room: encrypted where the room is, and never where it is not."""
    encrypted = bool(medium.copies) and tx.shares.is_encrypted(room)
    fitting = [copy for copy in medium.copies if encrypted or not copy.key]
    return max(fitting, key=lambda copy: bool(copy.key), default=None)


def untold(tx: Tx, post: Post, medium: Medium, room: Room) -> str:
    """The sentence about a picture of a draft that people in ``room`` cannot see; empty when they can. ``post``: of a
    thread, its first part.
    """
    if medium.unshown:
        return medium.unshown
    if not post.content or post.state in _OVER or _is_there(post, medium, room):
        return ""
    if not medium.copies:
        return "It is not shown here: I could not get it yet."
    if _is_shown(tx, post, medium, room):
        return ""
    if _fitting(tx, medium, room) is None:
        return "It is not shown here: it comes from an encrypted room, and this one is not encrypted."
    return "It is not shown here."


def removed(tx: Tx, post: Post, message_id: str, room: Room) -> None:
    """That message with a picture of the post was taken away: the bot does not show it there either."""
    _save(tx, post, message_id, room, lambda medium: replace(medium, unshown="Its message was removed."))


def replaced(tx: Tx, post: Post, message_id: str, room: Room) -> None:
    """That message may show another picture by now, which the post does not follow: the bot shows the one it has."""
    _save(tx, post, message_id, room, lambda medium: replace(medium, room=_NOWHERE))


def _save(tx: Tx, post: Post, message_id: str, room: Room, changed: Callable[[Medium], Medium]) -> None:
    for part in [post] if post.thread_root is None else tx.posts.thread(post.thread_root):
        media = tuple(
            changed(one) if one.message_id == message_id and _is_there(post, one, room) else one
            for one in part.draft.media
        )
        tx.posts.save(replace(part, draft=replace(part.draft, media=media)))


def take_away(tx: Tx, post: Post, room: Room | None = None) -> None:
    """Nothing of the post's pictures is to be seen any more (in that room) but where its author put them."""
    tx.answers.unsay(post.id, Speech.MEDIA, room)
