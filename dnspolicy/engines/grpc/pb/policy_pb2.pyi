from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PHASE_UNSPECIFIED: _ClassVar[Phase]
    PHASE_QUERY: _ClassVar[Phase]
    PHASE_RESPONSE: _ClassVar[Phase]

class ClientKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLIENT_KIND_UNSPECIFIED: _ClassVar[ClientKind]
    CLIENT_KIND_POD: _ClassVar[ClientKind]
    CLIENT_KIND_HOST: _ClassVar[ClientKind]
    CLIENT_KIND_EXTERNAL: _ClassVar[ClientKind]
    CLIENT_KIND_AMBIGUOUS: _ClassVar[ClientKind]
    CLIENT_KIND_UNKNOWN: _ClassVar[ClientKind]

class Via(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VIA_UNSPECIFIED: _ClassVar[Via]
    VIA_CLIENT: _ClassVar[Via]
    VIA_REWRITE: _ClassVar[Via]
    VIA_CNAME: _ClassVar[Via]
    VIA_AUTOPATH: _ClassVar[Via]

class Transport(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSPORT_UNSPECIFIED: _ClassVar[Transport]
    TRANSPORT_UDP: _ClassVar[Transport]
    TRANSPORT_TCP: _ClassVar[Transport]

class TargetKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TARGET_KIND_UNSPECIFIED: _ClassVar[TargetKind]
    TARGET_KIND_SERVICE: _ClassVar[TargetKind]
    TARGET_KIND_POD: _ClassVar[TargetKind]
    TARGET_KIND_ENDPOINT: _ClassVar[TargetKind]
    TARGET_KIND_EXTERNAL: _ClassVar[TargetKind]
    TARGET_KIND_NONE: _ClassVar[TargetKind]

class BlockAs(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLOCK_AS_UNSPECIFIED: _ClassVar[BlockAs]
    BLOCK_AS_NXDOMAIN: _ClassVar[BlockAs]
    BLOCK_AS_NODATA: _ClassVar[BlockAs]
    BLOCK_AS_REFUSED: _ClassVar[BlockAs]
    BLOCK_AS_DROP: _ClassVar[BlockAs]
    BLOCK_AS_SINKHOLE: _ClassVar[BlockAs]

class AuditLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_LEVEL_UNSPECIFIED: _ClassVar[AuditLevel]
    AUDIT_LEVEL_NONE: _ClassVar[AuditLevel]
    AUDIT_LEVEL_METADATA: _ClassVar[AuditLevel]
    AUDIT_LEVEL_FULL: _ClassVar[AuditLevel]

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_ENFORCE: _ClassVar[Mode]
    MODE_SHADOW: _ClassVar[Mode]

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    ACTION_ALLOW: _ClassVar[Action]
    ACTION_BLOCK: _ClassVar[Action]
    ACTION_REWRITE: _ClassVar[Action]
    ACTION_REDIRECT: _ClassVar[Action]
PHASE_UNSPECIFIED: Phase
PHASE_QUERY: Phase
PHASE_RESPONSE: Phase
CLIENT_KIND_UNSPECIFIED: ClientKind
CLIENT_KIND_POD: ClientKind
CLIENT_KIND_HOST: ClientKind
CLIENT_KIND_EXTERNAL: ClientKind
CLIENT_KIND_AMBIGUOUS: ClientKind
CLIENT_KIND_UNKNOWN: ClientKind
VIA_UNSPECIFIED: Via
VIA_CLIENT: Via
VIA_REWRITE: Via
VIA_CNAME: Via
VIA_AUTOPATH: Via
TRANSPORT_UNSPECIFIED: Transport
TRANSPORT_UDP: Transport
TRANSPORT_TCP: Transport
TARGET_KIND_UNSPECIFIED: TargetKind
TARGET_KIND_SERVICE: TargetKind
TARGET_KIND_POD: TargetKind
TARGET_KIND_ENDPOINT: TargetKind
TARGET_KIND_EXTERNAL: TargetKind
TARGET_KIND_NONE: TargetKind
BLOCK_AS_UNSPECIFIED: BlockAs
BLOCK_AS_NXDOMAIN: BlockAs
BLOCK_AS_NODATA: BlockAs
BLOCK_AS_REFUSED: BlockAs
BLOCK_AS_DROP: BlockAs
BLOCK_AS_SINKHOLE: BlockAs
AUDIT_LEVEL_UNSPECIFIED: AuditLevel
AUDIT_LEVEL_NONE: AuditLevel
AUDIT_LEVEL_METADATA: AuditLevel
AUDIT_LEVEL_FULL: AuditLevel
MODE_UNSPECIFIED: Mode
MODE_ENFORCE: Mode
MODE_SHADOW: Mode
ACTION_UNSPECIFIED: Action
ACTION_ALLOW: Action
ACTION_BLOCK: Action
ACTION_REWRITE: Action
ACTION_REDIRECT: Action

class CheckRequest(_message.Message):
    __slots__ = ("request_id", "budget_us", "phase", "client", "query", "target", "answer")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    BUDGET_US_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    budget_us: int
    phase: Phase
    client: Client
    query: Query
    target: Target
    answer: Answer
    def __init__(self, request_id: _Optional[int] = ..., budget_us: _Optional[int] = ..., phase: _Optional[_Union[Phase, str]] = ..., client: _Optional[_Union[Client, _Mapping]] = ..., query: _Optional[_Union[Query, _Mapping]] = ..., target: _Optional[_Union[Target, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ...) -> None: ...

class CheckBatchRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CheckRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[CheckRequest, _Mapping]]] = ...) -> None: ...

class Client(_message.Message):
    __slots__ = ("kind", "why", "ip", "bucket", "hash", "namespace", "pod", "labels", "namespace_labels", "service_account", "node", "zone", "owner", "alarms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_LABELS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    kind: ClientKind
    why: str
    ip: str
    bucket: int
    hash: int
    namespace: str
    pod: str
    labels: Labels
    namespace_labels: Labels
    service_account: str
    node: str
    zone: str
    owner: Owner
    alarms: Alarms
    def __init__(self, kind: _Optional[_Union[ClientKind, str]] = ..., why: _Optional[str] = ..., ip: _Optional[str] = ..., bucket: _Optional[int] = ..., hash: _Optional[int] = ..., namespace: _Optional[str] = ..., pod: _Optional[str] = ..., labels: _Optional[_Union[Labels, _Mapping]] = ..., namespace_labels: _Optional[_Union[Labels, _Mapping]] = ..., service_account: _Optional[str] = ..., node: _Optional[str] = ..., zone: _Optional[str] = ..., owner: _Optional[_Union[Owner, _Mapping]] = ..., alarms: _Optional[_Union[Alarms, _Mapping]] = ...) -> None: ...

class Labels(_message.Message):
    __slots__ = ("entries",)
    class EntriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.ScalarMap[str, str]
    def __init__(self, entries: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Owner(_message.Message):
    __slots__ = ("kind", "name", "bucket")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    bucket: int
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., bucket: _Optional[int] = ...) -> None: ...

class Alarms(_message.Message):
    __slots__ = ("entries",)
    class EntriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Alarm
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Alarm, _Mapping]] = ...) -> None: ...
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.MessageMap[str, Alarm]
    def __init__(self, entries: _Optional[_Mapping[str, Alarm]] = ...) -> None: ...

class Alarm(_message.Message):
    __slots__ = ("since", "until", "names", "bytes", "length", "entropy")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    ENTROPY_FIELD_NUMBER: _ClassVar[int]
    since: int
    until: int
    names: int
    bytes: int
    length: int
    entropy: float
    def __init__(self, since: _Optional[int] = ..., until: _Optional[int] = ..., names: _Optional[int] = ..., bytes: _Optional[int] = ..., length: _Optional[int] = ..., entropy: _Optional[float] = ...) -> None: ...

class Query(_message.Message):
    __slots__ = ("name", "labels", "suffixes", "asked", "via", "type", "transport")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SUFFIXES_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    VIA_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_FIELD_NUMBER: _ClassVar[int]
    name: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    suffixes: _containers.RepeatedScalarFieldContainer[str]
    asked: str
    via: Via
    type: str
    transport: Transport
    def __init__(self, name: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., suffixes: _Optional[_Iterable[str]] = ..., asked: _Optional[str] = ..., via: _Optional[_Union[Via, str]] = ..., type: _Optional[str] = ..., transport: _Optional[_Union[Transport, str]] = ..., **kwargs) -> None: ...

class Target(_message.Message):
    __slots__ = ("kind", "namespace", "name", "labels", "namespace_labels", "exists", "endpoints")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_LABELS_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    kind: TargetKind
    namespace: str
    name: str
    labels: Labels
    namespace_labels: Labels
    exists: bool
    endpoints: Endpoints
    def __init__(self, kind: _Optional[_Union[TargetKind, str]] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ..., labels: _Optional[_Union[Labels, _Mapping]] = ..., namespace_labels: _Optional[_Union[Labels, _Mapping]] = ..., exists: _Optional[bool] = ..., endpoints: _Optional[_Union[Endpoints, _Mapping]] = ...) -> None: ...

class Endpoints(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Endpoint]
    def __init__(self, entries: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ...) -> None: ...

class Endpoint(_message.Message):
    __slots__ = ("ip", "hash", "pod", "node", "zone", "labels")
    IP_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ip: str
    hash: int
    pod: str
    node: str
    zone: str
    labels: Labels
    def __init__(self, ip: _Optional[str] = ..., hash: _Optional[int] = ..., pod: _Optional[str] = ..., node: _Optional[str] = ..., zone: _Optional[str] = ..., labels: _Optional[_Union[Labels, _Mapping]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("rcode", "names", "addresses")
    RCODE_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    rcode: str
    names: _containers.RepeatedScalarFieldContainer[str]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rcode: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., addresses: _Optional[_Iterable[str]] = ..., **kwargs) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("request_id", "allow", "block", "rewrite", "redirect", "undefined", "error", "rule", "reason", "ttl", "audit", "mode", "ede", "shadow", "revision", "cache")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    REWRITE_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_FIELD_NUMBER: _ClassVar[int]
    UNDEFINED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    EDE_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    allow: Allow
    block: Block
    rewrite: Rewrite
    redirect: Redirect
    undefined: Undefined
    error: Status
    rule: str
    reason: str
    ttl: int
    audit: AuditLevel
    mode: Mode
    ede: int
    shadow: _containers.RepeatedCompositeFieldContainer[Would]
    revision: str
    cache: Cache
    def __init__(self, request_id: _Optional[int] = ..., allow: _Optional[_Union[Allow, _Mapping]] = ..., block: _Optional[_Union[Block, _Mapping]] = ..., rewrite: _Optional[_Union[Rewrite, _Mapping]] = ..., redirect: _Optional[_Union[Redirect, _Mapping]] = ..., undefined: _Optional[_Union[Undefined, _Mapping]] = ..., error: _Optional[_Union[Status, _Mapping]] = ..., rule: _Optional[str] = ..., reason: _Optional[str] = ..., ttl: _Optional[int] = ..., audit: _Optional[_Union[AuditLevel, str]] = ..., mode: _Optional[_Union[Mode, str]] = ..., ede: _Optional[int] = ..., shadow: _Optional[_Iterable[_Union[Would, _Mapping]]] = ..., revision: _Optional[str] = ..., cache: _Optional[_Union[Cache, _Mapping]] = ...) -> None: ...

class CheckBatchResponse(_message.Message):
    __slots__ = ("responses",)
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[CheckResponse]
    def __init__(self, responses: _Optional[_Iterable[_Union[CheckResponse, _Mapping]]] = ...) -> None: ...

class Allow(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Block(_message.Message):
    __slots__ = ("addresses",)
    AS_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, addresses: _Optional[_Iterable[str]] = ..., **kwargs) -> None: ...

class Rewrite(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Redirect(_message.Message):
    __slots__ = ("addresses", "cname", "upstreams", "endpoints")
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    CNAME_FIELD_NUMBER: _ClassVar[int]
    UPSTREAMS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    cname: str
    upstreams: _containers.RepeatedScalarFieldContainer[str]
    endpoints: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, addresses: _Optional[_Iterable[str]] = ..., cname: _Optional[str] = ..., upstreams: _Optional[_Iterable[str]] = ..., endpoints: _Optional[_Iterable[str]] = ...) -> None: ...

class Undefined(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Status(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class Would(_message.Message):
    __slots__ = ("action", "rule", "reason")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    action: Action
    rule: str
    reason: str
    def __init__(self, action: _Optional[_Union[Action, str]] = ..., rule: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Cache(_message.Message):
    __slots__ = ("max_age", "vary")
    MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    VARY_FIELD_NUMBER: _ClassVar[int]
    max_age: float
    vary: Paths
    def __init__(self, max_age: _Optional[float] = ..., vary: _Optional[_Union[Paths, _Mapping]] = ...) -> None: ...

class Paths(_message.Message):
    __slots__ = ("paths",)
    PATHS_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedCompositeFieldContainer[Path]
    def __init__(self, paths: _Optional[_Iterable[_Union[Path, _Mapping]]] = ...) -> None: ...

class Path(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, steps: _Optional[_Iterable[str]] = ...) -> None: ...

class GetInfoRequest(_message.Message):
    __slots__ = ("client", "api_minor")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    API_MINOR_FIELD_NUMBER: _ClassVar[int]
    client: str
    api_minor: int
    def __init__(self, client: _Optional[str] = ..., api_minor: _Optional[int] = ...) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ("engine", "api_minor", "revision", "reads", "timeless")
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    API_MINOR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    TIMELESS_FIELD_NUMBER: _ClassVar[int]
    engine: str
    api_minor: int
    revision: str
    reads: Paths
    timeless: bool
    def __init__(self, engine: _Optional[str] = ..., api_minor: _Optional[int] = ..., revision: _Optional[str] = ..., reads: _Optional[_Union[Paths, _Mapping]] = ..., timeless: _Optional[bool] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PolicyRevision(_message.Message):
    __slots__ = ("revision", "reads", "timeless")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    TIMELESS_FIELD_NUMBER: _ClassVar[int]
    revision: str
    reads: Paths
    timeless: bool
    def __init__(self, revision: _Optional[str] = ..., reads: _Optional[_Union[Paths, _Mapping]] = ..., timeless: _Optional[bool] = ...) -> None: ...
