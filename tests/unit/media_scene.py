"""Pictures that people send into a room beside their commands: what the tests of several pictures share."""

from dataclasses import replace

from bridge.model import Identity, Medium, Message, PostState, Unreadable
from tests.unit.bot_scene import COPY, PRESS, Scene

A, B, C, D, E = (
    Medium(f"mxc://example.org/{n}", "image/jpeg", 300_000, f"{n}.jpg", key="k", sha256="a-hash", copies=(COPY,))
    for n in "abcde"
)


class Talk:
    """What people say in PRESS beside commands; the network finds it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.count = 0

    def send(self, who: Identity, *media: Medium, text: str = "", thread: str | None = None) -> str:
        self.count += 1
        event_id = f"$p{self.count}"
        own = tuple(replace(one, message_id=event_id) for one in media)
        message = Message(event_id, PRESS, who, text, self.scene.now, thread=thread, media=own)
        self.scene.network.messages[event_id] = message
        return event_id

    def garble(self, who: Identity) -> None:
        self.count += 1
        event_id = f"$p{self.count}"
        self.scene.network.messages[event_id] = Unreadable(event_id, PRESS, who, self.scene.now, "no key")


async def names(scene: Scene) -> list[str]:
    return [one.name.removesuffix(".jpg") for one in (await scene.post()).draft.media]


async def states(scene: Scene) -> list[PostState]:
    return [post.state for post in await scene.posts()]
