"""What X says: the shape of its answers, and the exact bodies of its refusals.

It knows words and numbers only: no accounts, no server. The sources are X's API description (problem objects) and
bodies that people quoted in public bug reports; each is used as it stands by the endpoints and, by name, as a fault on
demand.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"
HTML = "text/html"
TEXT = "text/plain"

TYPES = "https://api.x.com/2/problems/"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, before it goes on the wire."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def data(value: object, status: int = 200, **more: object) -> Answer:
    """A success: ``{"data": value}``, and ``more`` beside it."""
    return Answer(status, _dump({"data": value, **more}))


def problem(status: int, title: str, detail: str, kind: str = "about:blank", **more: object) -> Answer:
    """A refusal of the second API: a problem object (RFC 9457). ``kind``: its type, or the last part of X's address."""
    address = kind if ":" in kind else TYPES + kind
    return Answer(status, _dump({"title": title, "detail": detail, "type": address, "status": status, **more}), PROBLEM)


def forbidden(detail: str) -> Answer:
    """A 403 of the second API."""
    return problem(403, "Forbidden", detail)


def errors(status: int, code: int, message: str) -> Answer:
    """A refusal in the words of the first API: ``{"errors": [{"code", "message"}]}``."""
    return Answer(status, _dump({"errors": [{"code": code, "message": message}]}))


def invalid(message: str, **parameters: object) -> Answer:
    """A 400 that names what was wrong; ``parameters`` are those at fault."""
    named = {name: [str(value)] for name, value in parameters.items()}
    return problem(
        400,
        "Invalid Request",
        "One or more parameters to your request was invalid.",
        "invalid-request",
        errors=[{"parameters": named, "message": message}],
    )


def not_found(kind: str, parameter: str, value: str) -> Answer:
    """A 404 for a post or a user that is not there."""
    return problem(
        404,
        "Not Found Error",
        f"Could not find {kind} with {parameter}: [{value}].",
        "resource-not-found",
        resource_type=kind,
        resource_id=value,
        parameter=parameter,
        value=value,
    )


def text(status: int, words: str, content_type: str = TEXT) -> Answer:
    """An answer that is no JSON."""
    return Answer(status, words.encode(), content_type)


def _page(status: int, title: str) -> Answer:
    return text(status, f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>", HTML)


UNAUTHORIZED = problem(401, "Unauthorized", "Unauthorized")
COULD_NOT_AUTHENTICATE = errors(401, 32, "Could not authenticate you.")
INVALID_TOKEN = errors(401, 89, "Invalid or expired token.")
CLOCK = errors(401, 135, "Timestamp out of bounds.")
BAD_AUTHENTICATION = errors(400, 215, "Bad Authentication data.")
SUSPENDED = errors(401, 416, "Invalid / suspended application")
CALLBACK = errors(
    403, 415, "Callback URL not approved for this client application. Approved callback URLs can be adjusted in your"
    " application settings",
)  # fmt: skip
OOB_ONLY = errors(403, 417, "Desktop applications only support the oauth_callback value 'oob'")
WRONG_PIN = text(401, "Error processing your OAuth request: Invalid oauth_verifier parameter")
REQUEST_TOKEN_GONE = text(401, "Reverse auth credentials are invalid")

DUPLICATE = forbidden("You are not allowed to create a Tweet with duplicate content.")
TOO_LONG = forbidden("Your Tweet text is too long.")
READ_ONLY = forbidden(
    "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."
)
REPLY = forbidden(
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author"
    " of the post you are replying to."
)
REPLY_GONE = forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
QUOTE = forbidden("Quoting posts is not permitted for your current API plan.")
CASHTAGS = forbidden("Your post may not contain more than one cashtag.")
NOT_YOURS = forbidden("You are not authorized to delete this Tweet.")
NOT_ENROLLED = problem(
    403,
    "Client Forbidden",
    "When authenticating requests to the X API v2 endpoints, you must use keys and tokens from a developer App that is"
    " attached to a Project.",
    "client-forbidden",
    reason="client-not-enrolled",
    required_enrollment="Appropriate Level of API Access",
)
CREDITS = problem(
    402, "CreditsDepleted", "Your enrolled account does not have any credits to fulfill this request.", "credits"
)
TOO_MANY = problem(429, "Too Many Requests", "Too Many Requests")
USAGE_CAP = problem(
    429,
    "UsageCapExceeded",
    "Usage cap exceeded: Monthly product cap",
    "usage-capped",
    account_id="1",
    product_name="standard-basic",
    period="Monthly",
    scope="Product",
)

NO_SUCH_PAGE = problem(404, "Not Found", "Sorry, that page does not exist.")

CANNED: dict[str, Answer] = {
    "unauthorized": UNAUTHORIZED,
    "could-not-authenticate": COULD_NOT_AUTHENTICATE,
    "invalid-token": INVALID_TOKEN,
    "clock": CLOCK,
    "bad-authentication": BAD_AUTHENTICATION,
    "callback": CALLBACK,
    "oob-only": OOB_ONLY,
    "suspended": SUSPENDED,
    "credits-depleted": CREDITS,
    "duplicate": DUPLICATE,
    "too-long": TOO_LONG,
    "read-only": READ_ONLY,
    "reply": REPLY,
    "not-enrolled": NOT_ENROLLED,
    "rate-limit": TOO_MANY,
    "usage-cap": USAGE_CAP,
    "500": problem(500, "Internal Server Error", "Something is broken.", "internal-error"),
    "500-html": _page(500, "500 Internal Server Error"),
    "502-html": _page(502, "502 Bad Gateway"),
    "503": problem(503, "Service Unavailable", "Service Unavailable"),
    "503-html": _page(503, "503 Service Temporarily Unavailable"),
    "504-html": _page(504, "504 Gateway Time-out"),
}
"""The refusals that a fault can ask for by name."""


def decoded(answer: Answer) -> Any:
    """The JSON of an answer, for tests and for whoever looks inside."""
    return json.loads(answer.body)
