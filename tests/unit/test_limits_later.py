"""The daily cap and the budget count when a post goes out, also when it was made long before."""

from bridge import pricing
from bridge.interfaces import Tx
from bridge.model import PostState
from tests.unit.bot_scene import CAP, Scene
from tests.unit.drafting_scene import POLLY, team

DAY = 86400.0


async def test_what_was_held_for_days_counts_on_the_day_on_which_it_is_sent(scene: Scene) -> None:
    await team(scene, links="ask")
    for number in range(CAP + 30):
        await scene.say(POLLY, f"!tweet {number} https://a.example.com/x")
    name = await scene.question(POLLY, await scene.posts())
    scene.later(2 * DAY)
    assert f"Sending {CAP} posts." in await scene.ask(POLLY, f"!send {name}")
    assert f"The limit is {CAP} posts in 24 hours" in await scene.ask(POLLY, f"!send {name}")
    assert "You have reached the limit" in await scene.ask(POLLY, "!tweet one more")
    scene.later(DAY + 1.0)
    assert "Sending 30 posts." in await scene.ask(POLLY, f"!send {name}")


async def test_drafts_of_last_month_count_against_the_budget_of_this_one(scene: Scene) -> None:
    account = await team(scene, budget=20_000)
    for text in ("one", "two"):
        await scene.say(POLLY, f"!draft {text}")
    scene.later(40 * DAY)
    for post in await scene.posts():
        await scene.say(POLLY, f"!send {post.label}")

    def fits(tx: Tx) -> list[bool]:
        """As the outbox sends them, one after the other."""
        found = []
        for post in tx.posts.in_state(PostState.QUEUED, account.id):
            found.append(pricing.within_budget(tx, post, scene.now))
            if found[-1]:
                tx.posts.claim([post.id], scene.now)
        return found

    assert await scene.store.transact(fits) == [True, False]
    assert await scene.store.transact(lambda tx: pricing.spent(tx, account.id, scene.now)) == 15_000
