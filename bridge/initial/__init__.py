"""``kantter init``: from a few questions to a config with which ``kantter run`` works.

``questions`` asks, and tries each answer when it is given; ``answers`` writes what came of it, all of it at the end.
"""

from bridge.initial.answers import Answers, write
from bridge.initial.questions import Desk, interview

__all__ = ["Answers", "Desk", "interview", "write"]
