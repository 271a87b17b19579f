"""Objects of one kind, as the API server sends them → trimmed objects."""

from __future__ import annotations

from logging import Logger

import msgspec

from dnspolicy.cluster.apiserver.failures import Reason
from dnspolicy.cluster.apiserver.measures import Measures
from dnspolicy.cluster.apiserver.resources import Resource, Stub, stub
from dnspolicy.cluster.objects import Object, Thing
from dnspolicy.cluster.raw import BadObject
from dnspolicy.cluster.sharing import Sharing
from dnspolicy.model.printable import printable

MAX_SAID = 1_000
"""Bad objects that are remembered, so that each is logged once."""


class Reading:
    """Reads objects; one that cannot be used is left out, counted, and logged once."""

    def __init__(self, resource: Resource, share: Sharing, measures: Measures, log: Logger) -> None:
        self._resource = resource
        self._share = share
        self._measures = measures
        self._log = log
        self._said: set[str] = set()

    def read(self, data: bytes | msgspec.Raw) -> Object | Thing | None:
        """The object, or None when it cannot be used."""
        try:
            return self._resource.read(data, self._share)
        except (msgspec.MsgspecError, BadObject, ValueError, RecursionError) as problem:
            self.refuse(Reason.BAD_OBJECT, str(problem), stub(data))
            return None

    def refuse(self, reason: Reason, problem: str, about: Stub | None = None) -> None:
        """Something in the stream is not usable."""
        self._measures.failed(self._resource.kind, reason)
        name = f" {about.metadata.namespace or ''}/{about.metadata.name}" if about is not None else ""
        text = printable(f"{self._resource.plural}{name} is left out: {problem}")
        if text in self._said or len(self._said) >= MAX_SAID:
            return
        self._said.add(text)
        self._log.warning("%s", text)
