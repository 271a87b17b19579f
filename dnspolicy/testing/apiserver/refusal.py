"""Requests that are refused, with the Status object that says why."""

from __future__ import annotations

from typing import Any

from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.testing.apiserver.resources import Manifest, Resource

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class Refusal(DnsPolicyError):
    """A request that gets no objects. `retry_after` is in seconds."""

    def __init__(
        self, code: int, message: str, retry_after: int | None = None, token: str = "", **details: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self._token = token
        self._details = details

    def status(self) -> Manifest:
        """The `Status` of apimachinery's meta/v1."""
        details = self._details | ({} if self.retry_after is None else {"retryAfterSeconds": self.retry_after})
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self._token} if self._token else {},
            "status": "Failure",
            "message": self.message,
            "reason": _REASONS.get(self.code, "Unknown"),
            **({"details": details} if details else {}),
            "code": self.code,
        }

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def bad_request(message: str) -> Refusal:
    return Refusal(400, message)


def invalid(message: str) -> Refusal:
    return Refusal(422, message)


def gone(asked: int, oldest: int, token: str = "") -> Refusal:
    """A resource version that was compacted."""
    return Refusal(410, f"resource version {asked} is too old, the history begins at {oldest}", token=token)


def too_new(asked: int, newest: int) -> Refusal:
    """A resource version that this server has not reached."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Refusal(504, f"resource version {asked} is not reached yet, now at {newest}", 1, causes=[cause])


def forbidden(user: str, verb: str, resource: Resource, namespace: str) -> Refusal:
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    text = f'{resource.plural} is forbidden: User "{user}" cannot {verb} resource "{resource.plural}"'
    details: dict[str, Any] = {"kind": resource.plural} | ({"group": resource.group} if resource.group else {})
    return Refusal(403, f'{text} in API group "{resource.group}" {where}', **details)
