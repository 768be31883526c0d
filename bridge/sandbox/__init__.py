"""A stand-in for X on loopback, for the demo and the tests. The product does not import it."""

from bridge.sandbox.faults import Fault, Kind
from bridge.sandbox.server import Sandbox

__all__ = ["Fault", "Kind", "Sandbox"]
