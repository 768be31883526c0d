"""The outbox: brings posts out, each of them once, in the order of its account, and says how it ended.

``loop`` runs it; ``turn`` is what one transaction sees; ``choosing`` claims, ``settling`` records what came of it,
``asking`` and ``telling`` speak to people, ``pausing`` to the operator, ``errand`` talks to the publisher. It knows the
three seams and no adapter.
"""

from bridge.outbox.loop import Outbox

__all__ = ["Outbox"]
