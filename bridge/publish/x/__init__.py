"""X, by its API version 2 and OAuth 1.0a. Only ``XPublisher`` is for others."""

from bridge.publish.x.publisher import XPublisher

__all__ = ["XPublisher"]
