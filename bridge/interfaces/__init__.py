"""The three seams of the house: ChatNetwork, Publisher, Store. Everything else hangs on this package.

It holds signatures and promises only. An adapter keeps its library to itself: what it takes and gives are the words of
``model``, what it raises is the tree of ``errors``. The suites in ``tests/contract`` hold each promise made here.

Read ``chat`` and ``publisher`` whole. Of the third seam read ``store``: how a transaction runs (``Store``) and what it
sees (``Tx``: one protocol a noun). The nouns, when you come to them:

    accounts    accounts and roles on them, pending links, what persons prefer
    teams       rooms and what they were given, offers and recoveries, policies
    posts       the rows of the outbox
    answers     what waits to be said, questions, decisions and previews
    log         who did what

Import all of it from here. Inside, each module imports from ``model`` alone, and ``store`` the nouns as well.
"""

from collections.abc import Callable

from bridge.interfaces.accounts import Accounts, Links, People
from bridge.interfaces.answers import Answers, Decisions
from bridge.interfaces.chat import ChatNetwork, Inbox, Privacy
from bridge.interfaces.log import Log
from bridge.interfaces.posts import Kinds, Posts, Ready
from bridge.interfaces.publisher import Publisher
from bridge.interfaces.store import Arrivals, Follower, Notes, SealedValues, Store, Topic, Tx
from bridge.interfaces.teams import Policies, Shares

__all__ = [
    "Accounts",
    "Answers",
    "Arrivals",
    "ChatNetwork",
    "Clock",
    "Decisions",
    "Follower",
    "Inbox",
    "Kinds",
    "Links",
    "Log",
    "Notes",
    "People",
    "Policies",
    "Posts",
    "Privacy",
    "Publisher",
    "Ready",
    "SealedValues",
    "Shares",
    "Store",
    "Topic",
    "Tx",
]

Clock = Callable[[], float]
"""Gives the time in Unix seconds. An argument everywhere, so that tests can set it."""
