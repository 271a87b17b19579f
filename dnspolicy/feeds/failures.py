"""What can go wrong between this server and where data comes from."""

from __future__ import annotations

from enum import StrEnum

from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.printable import printable

MAX_TEXT = 500
FAULT_PAUSE = 10.0
"""Seconds after a fault of ours before what failed is tried again."""
REFUSED_SECONDS = 300.0
"""After so long what was refused is had and tried once more: what stood in its way may have been something else."""


class Reason(StrEnum):
    """Why there is no new document; the `reason` of the failure counter."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS = "tls"
    CREDENTIALS = "credentials"
    REFUSED = "refused"
    STATUS = "status"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    BAD_REPLY = "bad_reply"
    BAD_DOCUMENT = "bad_document"
    MISSING = "missing"
    STALE = "stale"
    FAULT = "fault"


class FeedFailure(DnsPolicyError):
    """A document could not be had or cannot be used. `retry_after` in seconds, as the server wished."""

    def __init__(self, reason: Reason, text: str, retry_after: float = 0.0) -> None:
        super().__init__(printable(text, MAX_TEXT))
        self.reason = reason
        self.retry_after = retry_after


def fault(text: str) -> FeedFailure:
    """Nobody knows whether what came is good; the same may do another time."""
    return FeedFailure(Reason.FAULT, text)


def bad_document(text: str) -> FeedFailure:
    """What came is not what was to come."""
    return FeedFailure(Reason.BAD_DOCUMENT, text)
