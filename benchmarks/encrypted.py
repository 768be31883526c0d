"""CPU of one ``!tweet`` in an encrypted room on a real Synapse, answers and reactions included, beside a bare nio bot.

Each bot is a process of its own in a room of its own; its CPU time is read from /proc around a run of tweets, one at a
time. The person's client is this process, so nothing of it counts, and neither does Synapse.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from nio import ReactionEvent, RoomMessageNotice

from benchmarks.stand import Stand, stand
from bridge.interfaces import Tx
from bridge.model import Identity, Role
from bridge.store import Database
from bridge.vault import Vault, account_purpose, write_key_file
from tests.e2e.process import Kantter
from tests.integration.matrix_scene import Person, Scene
from tests.synapse import Synapse

TWEETS = 40
ROUNDS = 5
WITHIN = 60.0


class Answers:
    """Counts what a bot says and reacts, in the eyes of the person."""

    def __init__(self, person: Person, bot: str) -> None:
        self._person = person
        self._bot = bot
        self.count = 0
        person.client.add_event_callback(self._heard, (RoomMessageNotice, ReactionEvent))

    async def _heard(self, _room: object, event: RoomMessageNotice | ReactionEvent) -> None:
        self.count += event.sender == self._bot

    async def until(self, count: int) -> None:
        """Sync until that many have come."""
        async with asyncio.timeout(WITHIN):
            while self.count < count:
                await self._person.client.sync(timeout=5_000)


def cpu(pid: int) -> float:
    """CPU seconds that a process has used, with all its threads (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def spend(person: Person, room: str, answers: Answers, pid: int, tag: str) -> float:
    """CPU seconds of that process for one tweet: a reaction and a reply each."""
    begin = cpu(pid)
    for number in range(TWEETS):
        await person.say(room, f"!tweet encrypted {tag} {number}")
        await answers.until(answers.count + 2)
    return (cpu(pid) - begin) / TWEETS


async def linked(kantter: Kantter, x: Stand, person: str) -> None:
    """Link the stand's first account to that person, as `!link` would."""
    write_key_file(kantter.folder / "key")
    kantter.data.mkdir(mode=0o700)
    store = await Database.open(kantter.data / "kantter.db")
    vault = Vault.from_file(kantter.folder / "key")
    user_id, handle, pair = x.accounts[0]
    sealed = vault.seal_credentials(pair, purpose=account_purpose("x", user_id))

    def link(tx: Tx) -> None:
        account = tx.accounts.put("x", user_id, handle)
        tx.accounts.seal(account.id, sealed)
        tx.accounts.grant(account.id, Identity("matrix", person), Role.OWNER, 0.0)

    await store.transact(link)
    await store.close()


@asynccontextmanager
async def bare_bot(server: Synapse, user_id: str, folder: Path, x: Stand) -> AsyncIterator[int]:
    """The yardstick, running; its pid."""
    pair = x.accounts[1][2]
    words = [server.url, user_id, "correct horse", str(folder), x.url]
    words += [x.consumer_key, x.consumer_secret, pair.token, pair.secret]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare_bot", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN):
            await process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        await process.wait()


async def measure(x: Stand, folder: Path, server: Synapse) -> list[tuple[float, float]]:
    """(ours, bare) for each round, in CPU seconds a tweet; the first round warms up and is left out."""
    scene = Scene(server, folder / "scene")
    person = await scene.person()
    bot, bare = await scene.register("kantter"), await scene.register("bare")
    kantter = Kantter(
        folder=folder / "kantter",
        homeserver=server,
        x_url=x.url,
        consumer_key=x.consumer_key,
        consumer_secret=x.consumer_secret,
        user=bot[1:].partition(":")[0],
        password="correct horse",
        options=("posts_per_day = 100000",),
    )
    kantter.configure()
    await linked(kantter, x, person.user_id)
    rounds = []
    try:
        await kantter.start()
        async with bare_bot(server, bare, folder / "bare", x) as pid:
            rooms = [await person.create(bot), await person.create(bare)]
            await person.until_in(rooms[0], bot)
            await person.until_in(rooms[1], bare)
            answers = [Answers(person, bot), Answers(person, bare)]
            for number in range(ROUNDS + 1):
                mine = await spend(person, rooms[0], answers[0], kantter.pid, f"r{number}")
                rounds.append((mine, await spend(person, rooms[1], answers[1], pid, f"r{number}")))
    finally:
        await kantter.stop()
        await scene.close()
    return rounds[1:]


def report() -> list[tuple[str, str, str, str]]:
    """One row: what, ours, the yardstick's, the ratio."""
    with stand(2) as x, tempfile.TemporaryDirectory() as name:
        server = Synapse.start(Path(name) / "synapse")
        try:
            rounds = asyncio.run(measure(x, Path(name), server))
        finally:
            server.stop()
    return [
        (
            "(c) CPU of a !tweet in an encrypted room on Synapse, beside a bare nio bot (aim: at most 1.2)",
            f"{median(r[0] for r in rounds) * 1000:.1f} ms",
            f"{median(r[1] for r in rounds) * 1000:.1f} ms",
            f"{median(r[0] / r[1] for r in rounds):.2f}",
        )
    ]
