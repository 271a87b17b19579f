"""The `opa` engine: puts each question to the first OPA that is well."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET

from dnspolicy.engines.opa.connection import Kind, Lost
from dnspolicy.engines.opa.documents import Documents, mark_in
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.failures import failure, paused
from dnspolicy.engines.opa.holding import Holding, revision_of
from dnspolicy.engines.opa.http import Reply
from dnspolicy.engines.opa.replies import read_reply
from dnspolicy.engines.rego import Loaded
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.policy.footprint import EVERYTHING, Footprint
from dnspolicy.policy.input import PolicyInput, encode

UNKNOWN = "unknown"
"""The revision while no OPA was reached."""


class OpaEngine:
    """Asks the `doors` in their order. A verdict is remembered for `hold` seconds at most, unless it is certain that
    nothing can change without a decision telling. Doors that lack the `documents` they are to have are left out.

    `changed` is called when revision or footprint are others, `wake` when somebody should look at what OPA has.
    """

    name = "opa"

    def __init__(
        self,
        doors: Sequence[Door],
        hold: float,
        documents: Documents,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.doors = tuple(doors)
        self._documents = documents
        self.changed: Callable[[], None] = _nobody
        self.wake: Callable[[], None] = _nobody
        self.ours: Loaded | None = None
        self._hold = hold
        self._now = monotonic
        self._revision = UNKNOWN
        self._footprint = EVERYTHING
        self._agreed: Holding | None = None

    @property
    def revision(self) -> str:
        """A hash of its policies and of what OPA says about its bundles, its version and documents put there."""
        return self._revision

    @property
    def footprint(self) -> Footprint:
        """What the policies can read if OPA has those we hold, else everything."""
        return self._footprint

    def not_ready(self) -> str | None:
        """Which documents are missing where, when no OPA has what it is to have."""
        missing = [(door, self._documents.withheld(door.held)) for door in self.doors]
        if not all(why for _, why in missing):
            return None
        return "; ".join(f"OPA at {door.address.text}: {why}" for door, why in missing)

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict, or None when the entrypoint is undefined. `deadline` is monotonic time.

        Raises EngineTimeout, EngineBadReply and EngineUnavailable.
        """
        if self._now() >= deadline:
            raise EngineTimeout("no time was left for OPA")
        try:
            body = b'{"input":%b}' % encode(question)
        except UnicodeError as failure:
            raise EngineBadReply(f"the input cannot be written as JSON: {printable(str(failure))}") from None
        door, marks, reply = await self._ask(body, deadline)
        try:
            return self._verdict(door, marks, reply)
        except EngineBadReply:
            door.bad_reply()
            raise

    async def _ask(self, body: bytes, deadline: float) -> tuple[Door, tuple[str, str], Reply]:
        """The reply of the first door that gives one, and which marks of documents it may say.

        Addresses are not in the errors, which clients get to see.
        """
        problem: EngineError | None = None
        for door in self.doors:
            if why := self._documents.withheld(door.held):
                problem = failure(Lost(Kind.REFUSED, why))
                continue
            if not door.breaker.admits(self._now()):
                door.skipped()
                continue
            try:
                marks = door.held.mark, self._documents.mark
                return door, marks, await door.decide(body, deadline)
            except Lost as lost:
                problem = failure(lost)
                if not isinstance(problem, EngineUnavailable):
                    raise problem from None
        raise problem if problem is not None else paused(self.doors, self._now())

    def _verdict(self, door: Door, marks: tuple[str, str], reply: Reply) -> Verdict | None:
        said = read_reply(reply)
        provenance = bytes(said.provenance)
        if not door.sure or door.holding is None or door.holding.provenance != provenance:
            self._check_mark(door, marks, provenance)
            self._surprised(door, provenance)
        if said.result is UNSET:
            return None
        held = door.holding
        revision = self._revision if held is not None and held is self._agreed else revision_of(provenance)
        verdict = decode(bytes(said.result), revision)
        holds = self._holds(door, verdict)
        return verdict if holds is None else msgspec.structs.replace(verdict, holds=holds)

    def _check_mark(self, door: Door, marks: tuple[str, str], provenance: bytes) -> None:
        """Raises EngineUnavailable for a decision that was made without the documents that were put there."""
        documents, held = self._documents, door.held
        if not documents.given:
            return
        mark = mark_in(provenance, documents.name)
        if mark in marks or mark in (held.mark, documents.mark):
            return
        held.says(mark)
        door.sure = False
        self.wake()
        if why := documents.withheld(held):
            raise EngineUnavailable(f"OPA: {why}")

    def _surprised(self, door: Door, provenance: bytes) -> None:
        """A decision of a door of which nothing is known for sure, or that says something new of where it is from."""
        door.seen = provenance
        self.wake()
        agreed = self._agreed
        if agreed is None or agreed.provenance == provenance:
            return
        door.sure = False
        door.holding = None
        self._agreed = None
        self._take(revision_of(provenance), Footprint(self._footprint.paths, timeless=False))

    def _holds(self, door: Door, verdict: Verdict) -> float | None:
        """Seconds that a verdict may be remembered; None leaves it to the footprint."""
        agreed = self._agreed
        if self._footprint.timeless:
            return None
        if agreed is None or not door.sure:
            return 0.0
        if agreed.matches and self.ours is not None:
            if agreed.owned:
                return None
            return self._hold if self.ours.footprint.timeless else min(self._hold, verdict.ttl or 0)
        return self._hold if verdict.ttl is None else min(self._hold, verdict.ttl)

    def settle(self) -> None:
        """Conclude from what the doors have what is in force."""
        found = [door.holding for door in self.doors if door.sure and door.holding is not None]
        if not found:
            self._take(self._revision, Footprint(self._footprint.paths, timeless=False))
            return
        revisions = sorted({holding.revision for holding in found})
        if len(revisions) > 1:
            self._agreed = None
            self._take(_digest(revisions), EVERYTHING)
            return
        for door in self.doors:  # one object for all, so that it is seen at once whether a door agrees
            if door.holding is not None and door.holding == found[0]:
                door.holding = found[0]
        self._agreed = agreed = found[0]
        footprint = EVERYTHING
        if agreed.matches and self.ours is not None:
            timeless = agreed.owned and self.ours.footprint.timeless
            footprint = Footprint(self.ours.footprint.paths, timeless)
        self._take(_digest(revisions), footprint)

    def _take(self, revision: str, footprint: Footprint) -> None:
        if (revision, footprint) != (self._revision, self._footprint):
            self._revision, self._footprint = revision, footprint
            self.changed()


def _digest(revisions: Sequence[str]) -> str:
    if len(revisions) == 1:
        return revisions[0]
    return hashlib.sha256(" ".join(revisions).encode()).hexdigest()[:12]


def _nobody() -> None:
    """Nobody is told."""
