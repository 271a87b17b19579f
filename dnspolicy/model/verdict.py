"""What a policy decided."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.model.name import Name


class Action(StrEnum):
    ALLOW = "allow"
    BLOCK = "block"
    REWRITE = "rewrite"
    REDIRECT = "redirect"


class BlockAs(StrEnum):
    """How a block looks to the client."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    REFUSED = "refused"
    DROP = "drop"
    SINKHOLE = "sinkhole"


class Mode(StrEnum):
    ENFORCE = "enforce"
    SHADOW = "shadow"


class Phase(StrEnum):
    QUERY = "query"
    RESPONSE = "response"


class Origin(StrEnum):
    """Where a verdict comes from: a rule, the default for no decision, or the failure table."""

    POLICY = "policy"
    DEFAULT = "default"
    FAILURE = "failure"


class AuditLevel(StrEnum):
    NONE = "none"
    METADATA = "metadata"
    FULL = "full"


class Would(msgspec.Struct, frozen=True):
    """What a rule in shadow, or the candidate policy of that `revision`, would have done."""

    action: Action
    rule: str
    reason: str
    candidate: bool = False
    revision: str = ""


class Beside:
    """What a candidate policy would have done with the same question. Found out when the answer has left.

    `known`: it is done, whatever came of it; `would` is None then if it does the same. `failed_at` is monotonic time
    (seconds) of an attempt that came to nothing.
    """

    __slots__ = ("failed_at", "known", "would")

    def __init__(self) -> None:
        self.known = False
        self.would: Would | None = None
        self.failed_at: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """One decision with everything its action needs.

    block: `block_as`, with `addresses` for a sinkhole. rewrite: `name`. redirect: exactly one of `addresses`
    (canonical text), `cname`, `upstreams` (`IP` or `IP:PORT`), `endpoints` (addresses of the service's own
    endpoints, in the order to be answered).
    `ttl` (seconds) caps the answer's TTLs and how long the decision may be remembered. `ede` is an RFC 8914 code.
    `holds` is how many seconds the engine lets it be remembered; None as long as revision and input stay the same.
    `revision` is the policy's content hash. `shadow` lists what rules in shadow would have done; a verdict with
    mode `shadow` is itself not enforced.
    """

    action: Action
    rule: str
    reason: str
    block_as: BlockAs = BlockAs.NXDOMAIN
    name: Name | None = None
    addresses: tuple[str, ...] = ()
    cname: Name | None = None
    upstreams: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    ttl: int | None = None
    holds: float | None = None
    ede: int | None = None
    audit: AuditLevel | None = None
    mode: Mode = Mode.ENFORCE
    origin: Origin = Origin.POLICY
    revision: str = ""
    shadow: tuple[Would, ...] = ()
    trigger: str = ""
    """What made a response-phase or chain verdict: `cname:NAME`, `address:IP`, `owner:NS/NAME`; else empty."""
    beside: Beside | None = None
    """What the candidate policy says; None when there is no candidate."""

    def lifetime(self, timeless: bool) -> float | None:
        """How many seconds it may be remembered; None as long as revision and input stay the same.

        `timeless`: the policy reads neither clock nor randomness. One that does says by `ttl` how long it means it.
        """
        if self.holds is not None:
            return self.holds
        return None if timeless else float(self.ttl or 0)
