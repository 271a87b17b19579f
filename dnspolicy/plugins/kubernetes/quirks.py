"""`quirks coredns`: the answers of CoreDNS 1.15 where this server would rather give others."""

from __future__ import annotations

from struct import Struct

from dnspolicy.cluster.addresses import from_dashed
from dnspolicy.model.answer import Answer, Freshness
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.aliases import Aliases
from dnspolicy.plugins.kubernetes.config import Config, PodMode
from dnspolicy.plugins.kubernetes.found import ABSENT, NAME, SERIAL, Alias, Found, Missing
from dnspolicy.plugins.kubernetes.tree import Tree
from dnspolicy.plugins.kubernetes.zone import Zone

_SRV = Struct("!HHH")
_ALWAYS = Freshness(None, frozenset((SERIAL,)))
_NEVER = Missing(Freshness(None, ABSENT))
_FOLLOWED = frozenset((Type.A, Type.AAAA))
_DNS, _NS_DNS, _VERSION = (b"dns",), (b"ns", b"dns"), (b"dns-version",)
_NS_DNS_WIRE = b"\x02ns\x03dns"
_SVC, _POD = b"svc", b"pod"
_IP6_LABELS = 34


class QuirkyTree:
    """The tree as CoreDNS walks it: what is found depends on the type, and names between others do not exist."""

    def __init__(self, config: Config, tree: Tree) -> None:
        self._config = config
        self._tree = tree

    def find(self, name: Name, zone: Zone, qtype: int) -> Found:
        """What a name in `zone` answers to `qtype`."""
        rest = name.labels[: len(name.labels) - zone.size]
        if not rest:
            return self._apex(name, zone, qtype)
        if qtype == Type.SOA:  # existence is never looked at
            return zone.nothing(name, _ALWAYS)
        if name.labels[-1] == b"arpa":
            return self._reverse(name, zone, qtype)
        if qtype == Type.TXT and rest != _VERSION:
            return self._text(rest, name, zone)
        if rest[-1] == _SVC:
            return self._below_svc(rest, name, zone, qtype)
        if rest[-1] == _POD:
            return self._pod(rest, name, zone, qtype)
        if rest == _NS_DNS and name.tail(zone.size).wire == zone.name.wire:
            return self._tree.find(name, zone, qtype)
        return self._tree.find(name, zone, qtype) if rest == _VERSION and qtype == Type.TXT else _NEVER

    def _apex(self, name: Name, zone: Zone, qtype: int) -> Found:
        if qtype == Type.TXT:
            return _NEVER
        if qtype == Type.NS and name.wire != zone.name.wire:
            return zone.nothing(name, _ALWAYS)
        return self._tree.find(name, zone, qtype)

    def _reverse(self, name: Name, zone: Zone, qtype: int) -> Found:
        """Nothing but PTR records, each where the whole address stands; up to three labels before it do not count."""
        address = name.tail(len(name.labels) - _spare_labels(name.labels))
        found = self._tree.find(address, zone, Type.PTR)
        if isinstance(found, Answer) and (qtype != Type.PTR or not found.answer):
            return Missing(found.fresh.resting(ABSENT))
        return found if address is name or not isinstance(found, Answer) else _renamed(found, name)

    def _text(self, rest: tuple[bytes, ...], name: Name, zone: Zone) -> Found:
        """TXT exists, without records, where a service or a pod answers something."""
        found = self.find(name, zone, Type.A)
        if isinstance(found, Missing):
            return found
        return zone.nothing(name, _with_serial(found)) if len(rest) > 2 else Missing(found.fresh.resting(ABSENT))

    def _below_svc(self, rest: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        left = rest[:-3]
        if len(left) == 2:
            return self._port(rest, name, zone, qtype)
        found = self._tree.find(name, zone, qtype)
        if isinstance(found, Alias) and qtype not in _FOLLOWED:
            return zone.nothing(name, _with_serial(found))
        if len(left) == 1 and isinstance(found, Answer) and left[0].startswith(b"_"):
            return Missing(found.fresh.resting(ABSENT))
        return found

    def _port(self, rest: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        """`PORT.PROTOCOL` of a service, with or without underscores, for every type."""
        port, protocol, service, namespace, _ = rest
        found = self._tree.service(service, namespace)
        if isinstance(found, Missing):
            return found
        return found.at_port(port.removeprefix(b"_"), protocol.removeprefix(b"_"), name, zone, qtype)

    def _pod(self, rest: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        """Up to two labels in front of a pod's name are not looked at, and every pod has a port 0."""
        if len(rest) < 3:
            return self._tree.find(name, zone, qtype)
        if len(rest) > 5 or not self._spelled_out(rest[-3]):
            return _NEVER
        pod = name.tail(zone.size + 3)
        if qtype == Type.SRV:
            return self._pod_port(pod, name, zone)
        found = self._tree.find(pod, zone, qtype)
        if not isinstance(found, Answer):
            return found
        return _renamed(found, name)

    def _pod_port(self, pod: Name, name: Name, zone: Zone) -> Found:
        pod = _lowered(pod, zone)
        for rtype in (Type.A, Type.AAAA):
            found = self._tree.find(pod, zone, rtype)
            if not isinstance(found, Answer):
                return found
            if found.answer:
                rdata = _SRV.pack(0, 100, 0) + pod.wire
                record = Record(name, Type.SRV, self._config.ttl, rdata)
                return found.changed(answer=(record,), additional=found.answer)
        return zone.nothing(name, _ALWAYS)

    def _spelled_out(self, label: bytes) -> bool:
        """Whether the address is written as the index has it, which verified pods are looked up by."""
        if self._config.pods is not PodMode.VERIFIED or (label.count(b"-") == 3 and b"--" not in label):
            return True
        address = from_dashed(label)
        return address is not None and label.replace(b"-", b":").decode("latin-1") == address


class QuirkyAliases(Aliases):
    """Aliases are shown where something is found behind them; what went wrong there is not.

    Only the zone of the question is looked through here.
    """

    def _inside(self, target: Name, zone: Zone) -> Zone | None:
        inside = super()._inside(target, zone)
        return zone if inside is zone else None

    def _at_the_end(
        self, query: Query, zone: Zone, links: tuple[Record, ...], answer: Answer | None, fresh: Freshness
    ) -> Answer | None:
        if answer is None or not answer.answer or _is_hidden(links[-1].rdata, query.name, zone):
            return zone.nothing(query.name, fresh.resting(frozenset((SERIAL,))))
        return super()._at_the_end(query, zone, links, answer, fresh)

    def _from_outside(self, links: tuple[Record, ...], reply: Answer, fresh: Freshness) -> Answer:
        shown = super()._from_outside(links, reply, fresh)
        return shown.changed(rcode=int(Rcode.NOERROR), authority=(), made_by=NAME)


def _is_hidden(target: bytes, name: Name, zone: Zone) -> bool:
    """Whether it is the server itself, which is only known while the zone is asked for in lower case."""
    return target == _NS_DNS_WIRE + zone.name.wire and not name.wire.endswith(zone.name.wire)


def _renamed(found: Answer, name: Name) -> Answer:
    return found.changed(answer=tuple(Record(name, r.type, r.ttl, r.rdata) for r in found.answer))


def _lowered(name: Name, zone: Zone) -> Name:
    """The name in lower case, with the zone in the letters it was asked in."""
    tail = name.tail(zone.size).wire
    return Name(name.wire[: -len(tail)].lower() + tail, name.labels)


def _spare_labels(labels: tuple[bytes, ...]) -> int:
    """How many labels stand before a whole IPv6 address, of which CoreDNS reads groups of four digits alone."""
    spare = len(labels) - _IP6_LABELS
    return spare if labels[-2:] == (b"ip6", b"arpa") and 0 < spare < 4 else 0


def _with_serial(found: Answer | Alias) -> Freshness:
    return found.fresh.resting(frozenset((SERIAL,)))
