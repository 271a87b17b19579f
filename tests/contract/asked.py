"""Questions by chance, as a cluster would put them to the policies of the library. A seed gives the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from random import Random

import msgspec

from dnspolicy.model.identity import Alarm, ClientKind, Identity, Owner
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Transport, Via
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.input import AnswerFacts, PolicyInput

NAMESPACES = (
    "shop",
    "shop-prod",
    "shop-dev",
    "acorn",
    "acorn-ci",
    "birch",
    "data",
    "security",
    "monitoring",
    "nowhere",
)
SERVICES = ("db", "api", "cache", "web", "ledger", "scanner")
OUTSIDE = (
    "www.example.com", "orders-db.internal.example", "old-api.corp.example", "a.dyndns.example", "doh.example",
    "bad.test", "x.b.a.test", "dns.google", "use-application-dns.net", "mask.icloud.com", "pay.partner.example",
    "_odd\\046label\\000.Example.com", "xn--bcher-kva.example", ".", "com", "a-b.c_d.example.org",
)  # fmt: skip
VERSIONS = ("1.4.2", "2.0.0", "2.0.0-rc.10", "2.0.0-rc.2", "v2.1", "1", "latest", "")
LABELS = {
    "dns.example/tenant": ("acorn", "birch", "acorn.shop", ""),
    "dns.example/environment": ("prod", "dev", "lab"),
    "environment": ("prod", "dev", "prod/canary"),
    "dns.example/closest": ("zone", "node", "order", "off"),
    "dns.example/sharding": ("hash", "label", "off"),
    "dns.example/shard": ("0", "1"),
    "dns.example/version": VERSIONS,
    "app.kubernetes.io/version": VERSIONS,
    "app": ("web", "api", "db"),
    "track": ("canary", "stable"),
}
ADDRESSES = ("10.0.0.1", "10.244.1.10", "192.0.2.7", "198.51.100.9", "169.254.169.254", "2001:db8::7", "::1", "fd00::9")
TYPES = (1, 28, 33, 12, 16, 5, 65, 64, 255, 252, 65280)


_HOST = re.compile(r"(?:\*\.)?((?:[a-z0-9_-]+\.)+[a-z0-9-]+)\.?")
_LABEL = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SERVICE = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")


class Words(msgspec.Struct, frozen=True):
    """What occurs in the data of a policy, so that questions meet its tables."""

    hosts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def words(data: object) -> Words:
    """The names, services (`NAMESPACE/NAME`) and addresses in a document."""
    texts = sorted(set(_texts(data)))
    hosts = (found[1] for text in texts if (found := _HOST.fullmatch(text)) and not _is_address(text))
    return Words(
        tuple(hosts),
        tuple(text for text in texts if _SERVICE.fullmatch(text)),
        tuple(text for text in texts if _LABEL.fullmatch(text)),
        tuple(text.partition("/")[0] for text in texts if _is_address(text.partition("/")[0])),
    )


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    for part in [*data, *data.values()] if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _texts(part)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class Asked:
    """What may be absent sometimes is."""

    def __init__(self, seed: int, known: Words) -> None:
        self._random = Random(seed)
        self._hosts = (*OUTSIDE, *known.hosts, *(f"a.{name}" for name in known.hosts))
        self._services = known.services
        self._namespaces = (*NAMESPACES, *known.namespaces)
        self._addresses = (*ADDRESSES, *known.addresses)

    def question(self) -> PolicyInput:
        chance = self._random
        text, target = self._name()
        name = from_text(text)
        query = Query(
            name, chance.choice(TYPES), name, transport=chance.choice(tuple(Transport)), via=chance.choice(tuple(Via))
        )
        answer = self._answer(text) if chance.random() < 0.3 else None
        return PolicyInput(Phase.QUERY if answer is None else Phase.RESPONSE, self._client(), query, target, answer)

    def _name(self) -> tuple[str, Target]:
        chance = self._random
        if chance.random() < 0.4:
            return chance.choice(self._hosts), EXTERNAL
        namespace, service = chance.choice(NAMESPACES), chance.choice(SERVICES)
        if self._services and chance.random() < 0.5:
            namespace, _, service = chance.choice(self._services).partition("/")
        name = f"{service}.{namespace}.svc.cluster.local"
        kind = chance.choice((*[TargetKind.SERVICE] * 5, TargetKind.ENDPOINT, TargetKind.POD, TargetKind.NONE))
        if kind is TargetKind.NONE:
            return chance.choice(("cluster.local", "dns-version.cluster.local", f"{namespace}.svc.cluster.local")), (
                Target(kind)
            )
        text = {
            TargetKind.SERVICE: chance.choice((name, name, f"_sql._tcp.{name}")),
            TargetKind.ENDPOINT: f"{service}-0.{name}",
            TargetKind.POD: "17.1.244.10.in-addr.arpa",
        }[kind]
        endpoints = tuple(self._endpoint(i) for i in range(chance.randrange(5))) if kind is TargetKind.SERVICE else ()
        exists = chance.random() < 0.8
        return text, Target(kind, namespace, service, self._labels(), self._labels(), exists, endpoints)

    def _endpoint(self, number: int) -> TargetEndpoint:
        chance = self._random
        pod = f"db-{number}" if chance.random() < 0.9 else None
        return TargetEndpoint(f"10.244.1.{10 + number}", pod, self._node(), self._zone(), self._labels())

    def _client(self) -> Identity:
        chance = self._random
        kind = chance.choice((*[ClientKind.POD] * 6, *ClientKind))
        address = chance.choice(self._addresses)
        if kind is not ClientKind.POD:
            return Identity(kind, "by chance", address, node=self._node())
        owner = Owner(chance.choice(("Deployment", "StatefulSet")), chance.choice(SERVICES))
        return Identity(
            kind, "address of a live pod", address,
            namespace=chance.choice(self._namespaces), pod=f"web-{chance.randrange(400)}", uid="1",
            labels=self._labels(), namespace_labels=self._labels(),
            service_account=chance.choice((None, "default", "web", "scanner", "recorder")),
            node=self._node(), zone=self._zone(), owner=owner if chance.random() < 0.7 else None,
            alarms=tuple(self._alarm() for _ in range(chance.choice((0, 0, 1, 2)))),
        )  # fmt: skip

    def _alarm(self) -> Alarm:
        chance = self._random
        domain = chance.choice(("*", *self._hosts))
        since = chance.choice((0, 1_700_000_000))
        return Alarm(domain, since, since + chance.choice((60, 2_000_000_000)), chance.randrange(5000), 9000, 30, 4.25)

    def _answer(self, name: str) -> AnswerFacts:
        chance = self._random
        names = (name, *chance.sample(self._hosts, chance.randrange(3)))
        addresses = tuple(chance.sample(self._addresses, chance.randrange(4)))
        return AnswerFacts(
            chance.choice(("NOERROR", "NXDOMAIN")), names, addresses, chance.choice(("forward", "cache"))
        )

    def _labels(self) -> dict[str, str]:
        chance = self._random
        return {key: chance.choice(values) for key, values in LABELS.items() if chance.random() < 0.35}

    def _node(self) -> str | None:
        return self._random.choice((None, "n1", "n2"))

    def _zone(self) -> str | None:
        return self._random.choice((None, "north", "south"))
