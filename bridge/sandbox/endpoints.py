"""What an endpoint is: a function from a checked request to an answer, and what the gate must check before it.

It knows no server: an endpoint touches nothing but the world it is given.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from enum import Enum
from typing import Any

from bridge.sandbox.answers import Answer, invalid
from bridge.sandbox.schema import Shape, mistake
from bridge.sandbox.verify import Claim
from bridge.sandbox.world import User, World


class Signer(Enum):
    """Whose secrets must have signed the request."""

    APP = "the app alone"
    REQUEST_TOKEN = "the app and a request token"  # noqa: S105 - a description, not a secret
    USER = "the app and an account's access token"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose signature held. ``user`` is the account that signed; None outside ``Signer.USER``."""

    claim: Claim
    now: float
    user: User | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""

    @property
    def signer(self) -> User:
        """The account that signed. For endpoints with ``Signer.USER`` only."""
        if self.user is None:
            raise TypeError("this endpoint is not signed by an account")
        return self.user


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of the table of endpoints. ``limit`` names its rate limit; ``writes``: a read-only app may not."""

    method: str
    path: str
    work: Callable[[World, Call], Answer]
    signer: Signer = Signer.USER
    limit: str | None = None
    writes: bool = False


def json_body(call: Call, shape: Shape) -> dict[str, Any] | Answer:
    """The JSON object in the body, or the refusal when it is none or has not this shape."""
    if not call.content_type.lower().startswith("application/json"):
        return invalid("Requires Content-Type: application/json", content_type=call.content_type)
    try:
        value = json.loads(call.body)
    except (ValueError, RecursionError):
        return invalid("Body is not valid JSON")
    wrong = mistake(value, shape)
    return invalid(wrong) if wrong else value


def form_body(call: Call, shape: Shape) -> dict[str, Any] | Answer:
    """The fields of a multipart body, or the refusal. Files are bytes, numbers become int, the rest is text."""
    if not call.content_type.lower().startswith("multipart/form-data"):
        return json_body(call, shape)
    head = f"Content-Type: {call.content_type}\r\n\r\n".encode()
    fields: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + call.body).iter_parts():
        name = str(part.get_param("name", "", header="content-disposition"))
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        if name == "media":
            fields[name] = content
        else:
            text = content.decode(errors="replace")
            fields[name] = int(text) if name in ("segment_index", "total_bytes") and text.isdecimal() else text
    wrong = mistake(fields, shape)
    return invalid(wrong) if wrong else fields


class Table:
    """Finds the endpoint of a request. A path that names no variable is found without trying any other."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[tuple[str, str], Endpoint] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        for endpoint in endpoints:
            if "{" in endpoint.path:
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.path)
                self._patterns.append((re.compile(pattern), endpoint))
            else:
                self._plain[endpoint.method, endpoint.path] = endpoint

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint and the variables in its path; None when there is none."""
        if (plain := self._plain.get((method, path))) is not None:
            return plain, {}
        for pattern, endpoint in self._patterns:
            if endpoint.method == method and (match := pattern.fullmatch(path)):
                return endpoint, match.groupdict()
        return None
