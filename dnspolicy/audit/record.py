"""The records of the audit stream, one JSON object a line. `docs/audit.md` explains every key.

Keys that do not apply or are not known are left out. New keys may come at any time; a change that breaks readers
raises `VERSION`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.identity import ClientKind
from dnspolicy.model.query import Transport, Via
from dnspolicy.model.target import TargetKind
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Origin, Phase

VERSION = 1


class BadRecord(DnsPolicyError, ValueError):
    """A line is not a record of the audit stream."""


class Effect(StrEnum):
    """What the policy did with a query: the actions, or nothing because no policy judged it."""

    ALLOW = Action.ALLOW.value
    BLOCK = Action.BLOCK.value
    REWRITE = Action.REWRITE.value
    REDIRECT = Action.REDIRECT.value
    NONE = "none"


class LossReason(StrEnum):
    """Why records were lost."""

    QUEUE_FULL = "queue_full"
    WRITE_ERROR = "write_error"
    RENDER_ERROR = "render_error"
    STOPPED = "stopped"


Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
"""RFC 3339, UTC, always six decimals: sorts as text."""
Microseconds = Annotated[int, Meta(ge=0)]
FULL = Meta(extra={"level": AuditLevel.FULL})
"""Marks keys that only records of level full have."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Part of a record."""


class Client(_Part, frozen=True, kw_only=True):
    """Who asked."""

    kind: ClientKind
    why: str
    ip: str
    port: int | None = None
    namespace: str | None = None
    pod: str | None = None
    uid: str | None = None
    service_account: str | None = None
    node: str | None = None
    zone: str | None = None
    owner: Owner | None = None
    labels: Annotated[Mapping[str, str] | None, FULL] = None
    namespace_labels: Annotated[Mapping[str, str] | None, FULL] = None
    alarms: Annotated[tuple[Alarm, ...], FULL] = ()


class Alarm(_Part, frozen=True, kw_only=True):
    """What is unusual about the names the workload asks for, as the policy was shown it."""

    domain: str
    since: int
    until: int
    names: int
    bytes: int
    length: int
    entropy: float


class Owner(_Part, frozen=True, kw_only=True):
    """The workload behind a pod."""

    kind: str
    name: str


class Question(_Part, frozen=True, kw_only=True):
    """What was asked, in presentation form without the final dot."""

    name: str
    type: str
    class_: str = msgspec.field(name="class")
    typed: Annotated[str | None, FULL] = None


class Would(_Part, frozen=True, kw_only=True):
    """What a rule in shadow would have done, or the candidate policy instead of the one in force."""

    verdict: Action
    rule: str
    reason: str
    name: str
    phase: Phase
    candidate: bool = False
    revision: str | None = None


class Target(_Part, frozen=True, kw_only=True):
    """What a name points at, as the policy was shown it."""

    kind: TargetKind
    namespace: str | None = None
    name: str | None = None
    exists: bool = False
    labels: Mapping[str, str] | None = None
    namespace_labels: Mapping[str, str] | None = None


class Facts(_Part, frozen=True, kw_only=True):
    """The answer, as the policy was shown it."""

    rcode: str
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    from_: str = msgspec.field(name="from", default="")


class Judged(_Part, frozen=True, kw_only=True):
    """One name judged in one phase."""

    name: str
    phase: Phase
    verdict: Action
    rule: str
    reason: str
    origin: Origin
    revision: str
    mode: Mode
    duration: Microseconds
    cached: bool = False
    via: Via | None = None
    target: Target | None = None
    answer: Facts | None = None


class Ede(_Part, frozen=True, kw_only=True):
    """An extended DNS error of the reply (RFC 8914)."""

    code: int
    text: str = ""


class RecordText(_Part, frozen=True, kw_only=True):
    """One resource record in presentation form."""

    name: str
    type: str
    ttl: int
    data: str


class Original(_Part, frozen=True, kw_only=True):
    """The reply before a policy changed it."""

    rcode: str | None = None
    dropped: str | None = None
    answers: tuple[RecordText, ...] = ()


class Durations(_Part, frozen=True, kw_only=True):
    """Microseconds. For a repeat, `total` is what all of its queries took together."""

    total: Microseconds
    policy: Microseconds | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"):
    """What every record has. `seq` rises by one with every record of an instance, lost ones included."""

    version: int
    instance: str
    seq: int
    time: Time


class QueryRecord(Entry, frozen=True, kw_only=True, tag="query"):
    """One query."""

    client: Client
    transport: Transport
    server: str = ""
    zone: str = ""
    question: Question
    resolved: str | None = None
    verdict: Effect
    as_: BlockAs | None = msgspec.field(name="as", default=None)
    to: tuple[str, ...] = ()
    rule: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    origin: Origin | None = None
    revision: str | UnsetType = UNSET
    phase: Phase | None = None
    about: str | None = None
    mode: Mode | None = None
    decision_cached: bool = False
    trigger: str | None = None
    would: tuple[Would, ...] = ()
    judged: Annotated[tuple[Judged, ...], FULL] = ()
    rcode: str | None = None
    dropped: str | None = None
    ede: tuple[Ede, ...] = ()
    answers: Annotated[tuple[RecordText, ...], FULL] = ()
    original: Annotated[Original | None, FULL] = None
    made_by: str = ""
    upstream: str = ""
    memo: bool = False
    durations: Durations
    size: int = 0
    failure: str = ""


class RepeatRecord(QueryRecord, frozen=True, kw_only=True, tag="repeat"):
    """Further queries alike in client address, question and reply."""

    count: int
    first: Time
    last: Time


class LostRecord(Entry, frozen=True, kw_only=True, tag="lost"):
    """`count` records that stood for `queries` queries were lost here; `seq` has moved on by as many."""

    count: int
    queries: int
    reason: LossReason
    first: Time
    last: Time


class StartRecord(Entry, frozen=True, kw_only=True, tag="start"):
    """A server began to write. `interrupted`: the records before this one in the file end without a `stop`."""

    program: str
    level: AuditLevel
    labels: tuple[str, ...] = ()
    interrupted: bool = False


class StopRecord(Entry, frozen=True, kw_only=True, tag="stop"):
    """A server ended in good order; nothing of this instance follows."""


Line = QueryRecord | RepeatRecord | LostRecord | StartRecord | StopRecord
KINDS = ("query", "repeat", "lost", "start", "stop")
"""What `type` may be."""
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_SURROGATE = re.compile("[\ud800-\udfff]")


def kind(line: Line) -> str:
    """The record's `type`."""
    return str(line.__struct_config__.tag)


def encode(line: Line) -> bytes:
    """One line of JSON with its newline. Everything that does not print is escaped. Never raises on odd text."""
    return encode_part(line) + b"\n"


def encode_part(part: Line | Client) -> bytes:
    """The same without the newline, also for a part of a line."""
    try:
        raw = _ENCODER.encode(part)
    except UnicodeEncodeError:
        raw = _ENCODER.encode(_without_surrogates(msgspec.to_builtins(part)))
    if not raw.isascii() or b"\x7f" in raw:
        raw = printable_json(raw.decode()).encode()
    return raw


def printable_json(text: str) -> str:
    """JSON text in which characters that do not print, and those that change direction, are `\\u` escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _without_surrogates(value: Any) -> Any:
    """The same builtins, with half characters that UTF-8 has no form for replaced."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(v) for v in value]
    return value


def decode(line: bytes) -> Line:
    """Read one line. Raises BadRecord."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadRecord(str(problem)) from None


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one line."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Line)}
