"""Sample questions: one of each kind, to make sure that every rule can be evaluated at all."""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.model.identity import Alarm, ClientKind, Identity, Owner
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Type
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.input import AnswerFacts, PolicyInput

_POD = Identity(
    kind=ClientKind.POD,
    why="address of a live pod",
    ip="10.244.1.17",
    namespace="sample",
    pod="web-1",
    uid="1",
    labels={"app": "web"},
    namespace_labels={"kubernetes.io/metadata.name": "sample"},
    service_account="default",
    node="node-1",
    zone="zone-1",
    owner=Owner("Deployment", "web"),
    alarms=(Alarm("example.com", 1767225600, 1767226200, 100, 6000, 60, 4.2),),
)
CLIENTS = (
    _POD,
    Identity(ClientKind.POD, "address of a live pod", "fd00::17", namespace="bare", pod="bare"),
    Identity(ClientKind.HOST, "address of a node", "192.0.2.1", node="node-1"),
    Identity(ClientKind.EXTERNAL, "no address of the cluster", "198.51.100.7"),
    Identity(ClientKind.AMBIGUOUS, "several pods hold the address", "10.244.1.18"),
    Identity(ClientKind.UNKNOWN, "nothing holds the address", "10.244.9.9"),
)
_ENDPOINT = TargetEndpoint("10.244.2.4", "db-0", "node-2", "zone-2", {"app": "db"})
_TARGETS = (
    (
        "db.sample.svc.cluster.local",
        Target(TargetKind.SERVICE, "sample", "db", {"app": "db"}, {"team": "a"}, True, (_ENDPOINT,)),
    ),
    ("nothing.there.svc.cluster.local", Target(TargetKind.SERVICE, "there", "nothing")),
    ("db-0.db.sample.svc.cluster.local", Target(TargetKind.ENDPOINT, "sample", "db", exists=True)),
    ("17.1.244.10.in-addr.arpa", Target(TargetKind.POD, "sample", "web-1", {"app": "web"}, exists=True)),
    ("cluster.local", Target(TargetKind.NONE)),
    ("www.example.com", EXTERNAL),
    ("_odd\\046label\\000.Example.com", EXTERNAL),
    (".", EXTERNAL),
)
_ANSWERS = (
    AnswerFacts("NOERROR", ("www.example.com", "cdn.example.net"), ("192.0.2.7", "2001:db8::7", "10.0.0.1"), "forward"),
    AnswerFacts("NXDOMAIN", (), (), "kubernetes"),
)


def samples() -> Iterator[PolicyInput]:
    """Every kind of client with two names, every kind of name with two clients, in both phases."""
    for at, client in enumerate(CLIENTS):
        for number, (text, target) in enumerate(_TARGETS):
            if at < 2 or number in (0, 5):
                query = _query(text, number)
                yield PolicyInput(Phase.QUERY, client, query, target)
                yield PolicyInput(Phase.RESPONSE, client, query, target, _ANSWERS[number % 2])


def _query(text: str, number: int) -> Query:
    name = from_text(text)
    qtype = (Type.A, Type.AAAA, Type.SRV, Type.PTR, 65280)[number % 5]
    via = tuple(Via)[number % len(Via)]
    return Query(name, int(qtype), name, via=via)
