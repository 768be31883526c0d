"""The outbox: what is to be published, once, in order, with an outcome that is known or said to be unknown."""
