"""A stand-in for X on loopback, for the demo and the tests. The product does not import it."""
