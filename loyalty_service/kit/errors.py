"""Refusals: every "no" of the service has a kind, a stable code and the values behind it."""

from typing import Any, ClassVar


class Refusal(Exception):
    """A request that is answered with "no" and changes nothing.

    Args:
        detail: one sentence for a person, saying what to do where that is known.
        path: where in the request, as ``lines[2].quantity``; None when it is about the whole.
        values: the values behind it (``asked``, ``available``, ``limit``, ...), JSON-ready.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str, *, path: str | None = None, **values: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path
        self.values = values


class Invalid(Refusal):
    """Well-formed, but it breaks a rule (422)."""

    code = "invalid"


class Malformed(Invalid):
    """Cannot be read as what the route takes (400)."""

    code = "malformed"


class Denied(Refusal):
    """The caller may not do this (403)."""

    code = "denied"


class Unauthenticated(Denied):
    """The caller did not prove who they are (401)."""

    code = "unauthenticated"


class NotFound(Refusal):
    """The thing named does not exist (404)."""

    code = "not_found"


class Conflict(Refusal):
    """The state of things does not allow it now (409)."""

    code = "conflict"
