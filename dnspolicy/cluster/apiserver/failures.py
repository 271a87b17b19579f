"""What can go wrong between this server and the API server."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.printable import printable

MAX_TEXT = 500
_TOO_OLD = 410


class Reason(StrEnum):
    """Why the index did not hear what it wanted; the `reason` of the error counter."""

    CREDENTIALS = "credentials"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    EXPIRED = "expired"
    BUSY = "busy"
    STATUS = "status"
    BAD_REPLY = "bad_reply"
    BAD_OBJECT = "bad_object"
    TOO_LARGE = "too_large"
    FAULT = "fault"


_REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    408: Reason.TIMEOUT,
    _TOO_OLD: Reason.EXPIRED,
    429: Reason.BUSY,
    504: Reason.TIMEOUT,
}


class ApiFailure(DnsPolicyError):
    """A request or a watch failed. `code` is the HTTP status or 0; `retry_after` in seconds, as the server wished.

    `halfway`: the server had agreed to a watch, and said so later in an event.
    """

    def __init__(
        self, reason: Reason, text: str, code: int = 0, retry_after: float = 0.0, halfway: bool = False
    ) -> None:
        super().__init__(printable(text, MAX_TEXT))
        self.halfway = halfway
        self.reason = reason
        self.code = code
        self.retry_after = retry_after


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None


class Status(msgspec.Struct, rename="camel"):
    """Kubernetes' own account of a failure (apimachinery meta/v1)."""

    kind: str = ""
    message: str | None = None
    reason: str | None = None
    code: int | None = None
    details: _Details | None = None


def failure(code: int, body: bytes | msgspec.Raw, retry_after: str | None = None) -> ApiFailure:
    """A refusal by HTTP status or by an ERROR event (`code` 0: the body has it)."""
    try:
        status = msgspec.json.decode(body, type=Status)
    except (msgspec.MsgspecError, ValueError):
        status = Status()
    halfway = not code
    code = code or status.code or 0
    reason = _REASONS.get(code, Reason.STATUS)
    text = status.message or status.reason or f"HTTP status {code}"
    return ApiFailure(reason, f"{reason.value.replace('_', ' ')}: {text}", code, _pause(status, retry_after), halfway)


def _pause(status: Status, header: str | None) -> float:
    """Seconds; a date in the header is as good as nothing said, since API servers send numbers."""
    if header is not None and header.strip().isdecimal():
        return float(header)
    details = status.details
    return max(0.0, details.retry_after_seconds or 0.0) if details is not None else 0.0
