"""The `audit` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.audit.log import CAPACITY
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.verdict import AuditLevel

DEFAULT_FOLD = 5.0
"""Seconds."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`audit { … }`.

    `stdout`, `file`: where records go, one of them. `fold`: seconds within which repeats become one record; 0 is a
    record for each query. `labels`: keys of pod labels that records of level full may show. `capacity`: records that
    may wait to be written.
    """

    level: AuditLevel = AuditLevel.METADATA
    stdout: bool = False
    file: str = ""
    fold: Annotated[Duration, msgspec.Meta(ge=0, le=3600)] = Duration(DEFAULT_FOLD)
    labels: tuple[str, ...] = ()
    capacity: Annotated[int, msgspec.Meta(ge=64, le=1_048_576)] = CAPACITY

    def __post_init__(self) -> None:
        if self.stdout and self.file:
            raise ValueError("stdout and file exclude each other")
        if self.level is not AuditLevel.NONE and not (self.stdout or self.file):
            raise ValueError("expected where records go: stdout or file PATH (or level none)")
