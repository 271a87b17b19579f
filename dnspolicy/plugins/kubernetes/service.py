"""The records of one service and of the names below it, worked out once per change."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

import msgspec

from dnspolicy.cluster.addresses import packed, to_dashed
from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Port, Service, ServiceKind
from dnspolicy.model.answer import Answer, Dependencies, Dependency, Freshness, Rests
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name, from_text, label_text
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.config import Config, Ignore
from dnspolicy.plugins.kubernetes.exposed import Exposed
from dnspolicy.plugins.kubernetes.found import ABSENT, KEPT_TYPES, NAME, SERIAL, Alias, Found, Missing, as_label, below
from dnspolicy.plugins.kubernetes.zone import Zone

_OF_SERVICE = Rests.SERVICE
_SRV = Struct("!HHH")
_replace = msgspec.structs.replace
_NOT_ALIASED = frozenset((Type.ANY, Type.NS, Type.SOA, Type.SRV))
"""Types an ExternalName has no answer for, as in CoreDNS."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """One address of a service at one of its ports. `label` is that of the endpoint, None for a ClusterIP."""

    label: bytes | None
    type: int
    rdata: bytes
    port: Port | None


class ServiceRecords:
    """What the names at and below an existing service answer.

    `rests` is what positive answers rest on: the service and its namespace.
    """

    __slots__ = (
        "_by_label", "_by_port", "_config", "_empty", "_exists", "_fresh", "_missing", "_own", "_prepared",
        "_protocols", "_service", "_target", "rests",
    )  # fmt: skip

    def __init__(self, config: Config, service: Service, slices: tuple[EndpointSlice, ...], namespace: Dependency):
        self._config = config
        self._service = service
        self.rests: Dependencies = frozenset(((Rests.SERVICE, f"{service.namespace}/{service.name}"), namespace))
        self._fresh = Freshness(None, self.rests)
        self._empty = Freshness(None, self.rests | {SERIAL})
        self._missing = Missing(Freshness(None, self.rests | ABSENT))
        self._prepared: dict[tuple[tuple[bytes, ...], int, Zone], Answer | None] = {}
        self._target: Name | None = None
        self._by_label: dict[bytes, list[Place]] = {}
        self._own: list[Place] = []
        self._exists = self._take(slices)
        self._by_port = self._ports() if self._exists else {}
        self._protocols = {protocol for _, protocol in self._by_port}

    def find(self, left: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        """What `name` answers, `left` being its labels in front of the service's."""
        try:
            answer = self._prepared[left, qtype, zone]
        except KeyError:
            return self._make(left, name, zone, qtype)
        return zone.nothing(name, self._empty) if answer is None else in_letters_of(answer, name, zone)

    def at_port(self, port: bytes, protocol: bytes, name: Name, zone: Zone, qtype: int) -> Found:
        """What the ports of a name and a protocol answer, addresses too; an empty one stands for any."""
        places = [] if not self._exists or self._target is not None else self._own
        wanted = [
            p
            for p in places
            if p.port is not None
            and (not port or port == p.port.name.lower().encode())
            and (not protocol or protocol == p.port.protocol.lower().encode())
        ]
        if not wanted:
            return self._missing
        answer = self._answer(wanted, False, Name(name.key, name.labels), zone, qtype)
        return zone.nothing(name, self._empty) if answer is None else in_letters_of(answer, name, zone)

    def _take(self, slices: tuple[EndpointSlice, ...]) -> bool:
        """Read the objects; whether the name of the service exists."""
        service = self._service
        if service.kind is ServiceKind.EXTERNAL_NAME:
            self._target = external_target(service.external_name)
            return self._target is not None
        for item in slices:
            for endpoint in item.endpoints:
                label = endpoint_label(endpoint, self._config.endpoint_pod_names)
                places = self._by_label.setdefault(label.lower(), [])
                places += _places(label, endpoint.address, item.ports)
        if service.kind is ServiceKind.HEADLESS:
            self._own = [place for places in self._by_label.values() for place in places]
            return bool(self._own)
        for address in service.addresses:
            self._own += _places(None, address, service.ports)
        return self._config.ignore is not Ignore.EMPTY_SERVICE or bool(self._by_label)

    def _ports(self) -> dict[tuple[bytes, bytes], list[Place]]:
        """Places by the labels of their named ports: `(_http, _tcp)` (RFC 2782)."""
        found: dict[tuple[bytes, bytes], list[Place]] = {}
        for place in self._own:
            if place.port is not None and place.port.name:
                labels = f"_{place.port.name.lower()}".encode(), f"_{place.port.protocol.lower()}".encode()
                found.setdefault(labels, []).append(place)
        return found

    def _make(self, left: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        if not self._exists:
            return self._missing
        if self._target is not None:
            return self._external(left, name, zone, qtype, self._target)
        places = self._at(left)
        if places is None:
            return self._missing
        answer = self._answer(places, len(left) == 2, Name(name.key, name.labels), zone, qtype)
        if qtype in KEPT_TYPES:
            self._prepared[left, qtype, zone] = answer
        return zone.nothing(name, self._empty) if answer is None else in_letters_of(answer, name, zone)

    def _at(self, left: tuple[bytes, ...]) -> list[Place] | None:
        """The places a name stands for; empty when it only has names below it, None when it does not exist."""
        if not left:
            return self._own
        if len(left) == 1:
            return self._by_label.get(left[0]) or ([] if left[0] in self._protocols else None)
        return self._by_port.get((left[0], left[1])) if len(left) == 2 else None

    def _answer(self, places: list[Place], of_port: bool, name: Name, zone: Zone, qtype: int) -> Answer | None:
        """The records of `qtype`, in lower case; None when there are none. Addresses are not at the name of a port."""
        additional: tuple[Record, ...] = ()
        records: tuple[Record, ...] = ()
        if qtype == Type.SRV:
            records, additional = self._srv(places, name, zone.name)
        elif qtype in (Type.A, Type.AAAA) and not of_port:
            rdatas = dict.fromkeys(place.rdata for place in places if place.type == qtype)
            records = tuple(Record(name, qtype, self._config.ttl, rdata) for rdata in rdatas)
        if not records:
            return None
        return Answer(Rcode.NOERROR, records, (), additional, aa=True, made_by=NAME, fresh=self._fresh)

    def _srv(self, places: list[Place], name: Name, tail: Name) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
        """SRV records and the addresses of their targets. Each address at each port has the same weight."""
        useful = list(dict.fromkeys(p for p in places if p.port is not None and p.port.number > 0))
        targets = {label: self._name_of(label, tail) for label in dict.fromkeys(p.label for p in useful)}
        weight = max(1, 100 // max(1, self._weighed(places, useful)))
        ttl = self._config.ttl
        services: dict[tuple[bytes, int], Record] = {}
        addresses: dict[tuple[bytes, bytes], Record] = {}
        for place in useful:
            target = targets[place.label]
            if target is None or place.port is None:
                continue
            number = place.port.number
            if (target.wire, number) not in services:
                rdata = _SRV.pack(0, weight, number) + target.wire
                services[target.wire, number] = Record(name, Type.SRV, ttl, rdata)
            if (target.wire, place.rdata) not in addresses:
                addresses[target.wire, place.rdata] = Record(target, place.type, ttl, place.rdata)
        return tuple(services.values()), tuple(addresses.values())

    def _weighed(self, places: list[Place], useful: list[Place]) -> int:
        """How many share the weight of an SRV record: CoreDNS counts what two slices repeat."""
        if self._config.quirks is not None:
            return sum(1 for place in places if place.port is not None)
        return len({(p.rdata, p.port) for p in useful})

    def _name_of(self, label: bytes | None, tail: Name) -> Name | None:
        return service_name(self._service.namespace, self._service.name, tail, label)

    def _external(self, left: tuple[bytes, ...], name: Name, zone: Zone, qtype: int, target: Name) -> Found:
        if left:
            return self._missing
        if qtype == Type.CNAME:
            record = Record(name, Type.CNAME, self._config.ttl, target.wire)
            return Answer(Rcode.NOERROR, (record,), aa=True, made_by=NAME, fresh=self._fresh)
        return zone.nothing(name, self._empty) if qtype in _NOT_ALIASED else Alias(target, self._fresh)


def in_letters_of(answer: Answer, name: Name, zone: Zone) -> Answer:
    """An answer in lower case as it is for `name`: owners are its letters, and names in the zone end as it does."""
    if answer.answer[0].owner.wire == name.wire:
        return answer
    records, additional = answer.answer, answer.additional
    if not additional and records[0].type != Type.SRV:
        return _replace(answer, answer=tuple([Record(name, r.type, r.ttl, r.rdata) for r in records]))
    tail = zone.tail(name)
    if tail is not zone.name:
        cut = -len(tail.wire)
        if records[0].type == Type.SRV:
            records = tuple(Record(name, r.type, r.ttl, r.rdata[:cut] + tail.wire) for r in records)
        additional = tuple(
            Record(Name(r.owner.wire[:cut] + tail.wire, r.owner.labels), r.type, r.ttl, r.rdata) for r in additional
        )
    if records[0].owner is not name:
        records = tuple(Record(name, r.type, r.ttl, r.rdata) for r in records)
    return answer.changed(answer=records, additional=additional)


def service_name(namespace: str, service: str, tail: Name, endpoint: bytes | None = None) -> Name | None:
    """The name of a service, or of an endpoint of it, in a zone; None when it cannot be one."""
    labels = as_label(service), as_label(namespace)
    if labels[0] is None or labels[1] is None:
        return None
    above = () if endpoint is None else (endpoint,)
    return below(tail, *above, labels[0], labels[1], b"svc")


def endpoint_label(endpoint: Endpoint, pod_names: bool) -> bytes:
    """The label of an endpoint: its hostname, else (with `endpoint_pod_names`) its pod's name, else its address."""
    label = as_label(endpoint.hostname)
    if label is None and pod_names:
        label = as_label(endpoint.pod)
    return label or to_dashed(endpoint.address).encode()


def address_record_type(rdata: bytes) -> int:
    return Type.A if len(rdata) == 4 else Type.AAAA


def external_target(text: str) -> Name | None:
    """The name an ExternalName points at; None for an IP address and for what is no name."""
    try:
        packed(text)
    except ValueError:
        try:
            name = from_text(text)
        except BadName:
            return None
        return name if name.labels else None
    return None


def _places(label: bytes | None, address: str, ports: tuple[Port, ...]) -> Iterable[Place]:
    rdata = packed(address)
    rtype = address_record_type(rdata)
    return [Place(label, rtype, rdata, port) for port in ports or (None,)]


class Services:
    """The services of one namespace that were asked for and exist."""

    __slots__ = ("_absent", "_config", "_exposed", "_known", "dependency", "namespace")

    def __init__(self, config: Config, exposed: Exposed, namespace: str) -> None:
        self._config = config
        self._exposed = exposed
        self.namespace = namespace
        self.dependency: Dependency = (Rests.NAMESPACE, namespace)
        self._known: dict[bytes, ServiceRecords] = {}
        self._absent: Dependencies = ABSENT | {self.dependency}

    def get(self, label: bytes) -> ServiceRecords | None:
        return self._known.get(label) or self._learn(label)

    def none(self, label: bytes) -> Missing:
        """What is said of a service that is not there, and of the names below it."""
        looked_at = (_OF_SERVICE, f"{self.namespace}/{label_text(label)}")
        return Missing(Freshness(None, self._absent.union((looked_at,))))

    def forget(self, label: bytes) -> None:
        self._known.pop(label, None)

    def _learn(self, label: bytes) -> ServiceRecords | None:
        name = label.decode("latin-1")
        service = self._exposed.service(self.namespace, name)
        if service is None:
            return None
        slices = self._exposed.slices(self.namespace, name)
        found = self._known[label] = ServiceRecords(self._config, service, slices, self.dependency)
        return found
