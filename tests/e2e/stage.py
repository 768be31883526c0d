"""Everything around one Kantter: the stand-in for X, the people, and how a story begins.

It starts and ends them all. It knows the words that people type, and nothing of the product.
"""

import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bridge.sandbox import Sandbox
from bridge.sandbox.faults import Fault, Kind
from bridge.sandbox.log import Seen
from tests.e2e.chatter import URL, Chatter
from tests.e2e.process import Kantter
from tests.integration.matrix_scene import Scene
from tests.patience import until
from tests.synapse import Synapse

PASSWORD = "correct horse"
TWEETS = "/2/tweets"


@dataclass
class Stage:
    """One Kantter with its X and its people. ``close`` ends everything."""

    homeserver: Synapse
    folder: Path
    x: Sandbox
    kantter: Kantter
    scene: Scene
    people: list[Chatter] = field(default_factory=list)

    @classmethod
    async def set_up(
        cls, homeserver: Synapse, folder: Path, *options: str, numbers: dict[str, int] | None = None
    ) -> "Stage":
        """A bot account, a config and a key; nothing runs yet. ``numbers``: X's rate limits, by name."""
        scene = Scene(homeserver, folder)
        x = await Sandbox.start(numbers=numbers)
        user_id = await scene.register("kantter")
        kantter = Kantter(
            folder / "kantter",
            homeserver,
            x.url,
            x.consumer_key,
            x.consumer_secret,
            user=user_id[1:].partition(":")[0],
            password=PASSWORD,
            options=options,
        )
        kantter.configure()
        await kantter.make_key()
        return cls(homeserver, folder, x, kantter, scene)

    async def close(self) -> None:
        await self.kantter.kill()
        for person in self.people:
            await person.close()
        await self.scene.close()
        await self.x.stop()

    # ------------------------------------------------------------ people

    @property
    def bot(self) -> str:
        return self.kantter.user_id

    async def person(self, name: str = "ana", *, user_id: str = "") -> Chatter:
        """A new person who listens."""
        person = await Chatter(await self.scene.person(name, user_id=user_id)).listen()
        self.people.append(person)
        return person

    async def link(self, person: Chatter, handle: str, dm: str) -> str:
        """Link that account of X in an encrypted DM; the PIN."""
        asked = await person.say(dm, "!link")
        told = await person.until_heard(r"^https?://\S+$", room=dm, reply_to=asked)
        found = URL.search(told.text)
        assert found is not None
        pin = self.x.approve(found[0], handle)
        await person.say(dm, pin)
        await person.until_heard(f"Linked @{handle}", room=dm)
        return pin

    async def linked(self, handle: str = "ana", name: str = "") -> tuple[Chatter, str]:
        """A person who has linked that account, and their DM with the bot."""
        person = await self.person(name or handle)
        dm = await person.create(self.bot)
        await self.link(person, handle, dm)
        return person, dm

    async def at_any_price(self, owner: Chatter, dm: str, handle: str = "ana") -> None:
        """Let nothing wait for its price to be read: the test is about something else."""
        await owner.until_heard("links=allow", reply_to=await owner.say(dm, f"!policy @{handle} links=allow"))

    # ------------------------------------------------------------ X

    def begin_anew(self) -> None:
        """Another story with the same people: what was posted, requested and said so far is gone, and counts no more.
        Kantter remembers it, and asks about a text that it posted before: each story needs its own.
        """
        for post in self.x.world.all_posts():
            self.x.world.drop(post)
        self.x.faults.clear()
        self.x.log.clear()
        for person in self.people:
            person.notices.clear()

    def fault(self, kind: Kind, *, taken: bool = False, seconds: float = 0.0, **more: object) -> None:
        """Let something go wrong with the next post (or what ``more`` names)."""
        wanted = {"method": "POST", "path": TWEETS} | more
        self.x.faults.add(Fault(kind, taken=taken, seconds=seconds, **wanted))  # type: ignore[arg-type]  # a table of texts

    def hang(self, number: int, *, taken: bool, method: str = "POST", path: str = TWEETS) -> None:
        """Let the ``number``-th of the next such requests hang, long enough to be killed in."""
        for _ in range(number - 1):
            self.fault(Kind.DELAY, method=method, path=path)
        self.fault(Kind.DELAY, taken=taken, seconds=6.0 if taken else 3.0, method=method, path=path)

    def texts(self, handle: str = "ana") -> list[str]:
        """What stands on that account, oldest first."""
        return [post.text for post in self.x.world.user(handle).posts.values()]

    def chained(self, handle: str = "ana") -> bool:
        """Whether each post on the account replies to the one before it."""
        posts = list(self.x.world.user(handle).posts.values())
        return [post.reply_to for post in posts] == [None, *(post.id for post in posts[:-1])]

    def sent(self) -> list[Seen]:
        """The requests that would have posted."""
        return self.x.log.find("POST", TWEETS)

    def refused_as_twice(self) -> list[Seen]:
        """Requests that X refused; where all texts differ, that is what a second attempt of one post comes to."""
        return [seen for seen in self.sent() if seen.status == 403]

    async def until_on_x(self, *texts: str, handle: str = "ana", within: float = 15.0) -> None:
        """Wait until exactly these stand on the account, in this order. Raises AssertionError with what is there."""
        try:
            await until(lambda: self.texts(handle) == list(texts), within=within)
        except TimeoutError as error:
            log = self.kantter.log[-4000:]
            raise AssertionError(f"on X: {self.texts(handle)}, wanted: {list(texts)}; Kantter's log:\n{log}") from error

    def told(self, person: Chatter) -> list[str]:
        """The texts that this person was told to be posted, sorted; as often as told. Answers may share a message."""
        lines = [line for said in person.notices for line in said.text.splitlines() if line.startswith("Posted as @")]
        posts = [self.x.world.post(line.partition("/status/")[2].partition(" ")[0]) for line in lines]
        return sorted("" if post is None else post.text for post in posts)

    async def until_told(self, person: Chatter, *texts: str, within: float = 15.0) -> None:
        """Wait until this person was told of each of these once, and of nothing else. Raises AssertionError."""
        try:
            await person.until(lambda: self.told(person) == sorted(texts), within=within)
        except TimeoutError as error:
            said = "\n".join(f"  {said.text!r}" for said in person.notices[-20:])
            raise AssertionError(f"told: {self.told(person)}, wanted: {sorted(texts)}; heard:\n{said}") from error

    # ------------------------------------------------------------ inside

    def states(self) -> list[str]:
        """The states of all rows of the outbox, oldest first, as another process sees them."""
        path = f"file:{self.kantter.data / 'kantter.db'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as connection:
            return [row[0] for row in connection.execute("SELECT state FROM post ORDER BY id")]

    async def until_state(self, *states: str, within: float = 15.0) -> None:
        """Wait until the outbox holds rows in just these states. Raises AssertionError with what it holds."""
        try:
            await until(lambda: self.states() == list(states), within=within)
        except TimeoutError as error:
            log = self.kantter.log[-4000:]
            raise AssertionError(f"states: {self.states()}, wanted: {list(states)}; Kantter's log:\n{log}") from error


def parts(story: object) -> list[str]:
    """The five texts of that story's thread."""
    return [f"part {number} of story {story}" for number in range(1, 6)]


def thread(story: object) -> str:
    """The command for them."""
    return "!thread " + "\n---\n".join(parts(story))


def word() -> str:
    """A word that was never said."""
    return uuid.uuid4().hex[:12]
