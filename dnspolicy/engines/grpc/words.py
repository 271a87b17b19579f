"""The enumerations of the model and those of the protocol, and what the service is called."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.model.identity import ClientKind
from dnspolicy.model.query import Transport, Via
from dnspolicy.model.target import TargetKind
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Phase

SERVICE = "dnspolicy.v1.PolicyService"
CHECK, CHECK_BATCH, STREAM_CHECK, GET_INFO, WATCH = (
    f"/{SERVICE}/{method}" for method in ("Check", "CheckBatch", "StreamCheck", "GetInfo", "Watch")
)
API_MINOR = 0
E = TypeVar("E", bound=StrEnum)


def _numbers(kind: type[E], prefix: str) -> Mapping[E, int]:
    return {word: int(getattr(pb, f"{prefix}_{word.name}")) for word in kind}


PHASES = _numbers(Phase, "PHASE")
CLIENTS = _numbers(ClientKind, "CLIENT_KIND")
VIAS = _numbers(Via, "VIA")
TRANSPORTS = _numbers(Transport, "TRANSPORT")
TARGETS = _numbers(TargetKind, "TARGET_KIND")
BLOCKS = _numbers(BlockAs, "BLOCK_AS")
LEVELS = _numbers(AuditLevel, "AUDIT_LEVEL")
MODES = _numbers(Mode, "MODE")
ACTIONS = _numbers(Action, "ACTION")


def words(numbers: Mapping[E, int]) -> dict[int, E]:
    """The other way round. 0 and unknown numbers are not in it."""
    return {number: word for word, number in numbers.items()}
