"""What of its input a policy can read, and the projection of an input onto that.

Two inputs with equal projections are the same to the policy, so they get the same decision.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from operator import attrgetter

import msgspec

from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.spread import bucket, of_client, of_owner, spread
from dnspolicy.model.target import Target, TargetKind
from dnspolicy.policy.input import (
    PolicyInput,
    answer_json,
    client_json,
    encode,
    has_endpoints,
    query_json,
    target_json,
)

Path = tuple[str, ...]
"""Constant path below `input`: `("client", "namespace")`. A path stands for everything below it too."""

EXISTS = "?"
"""Last step of a path that stands only for whether the object above it is there: `("client", "owner", "?")`."""

OPTIONAL_OBJECTS: frozenset[Path] = frozenset(
    {
        ("client", "labels"),
        ("client", "namespace_labels"),
        ("client", "owner"),
        ("client", "alarms"),
        ("target", "labels"),
        ("target", "namespace_labels"),
        ("answer",),
    }
)
ALWAYS: frozenset[Path] = frozenset(
    {(), ("version",), ("phase",), ("client",), ("query",), ("target",), ("target", "kind")}
    | {("client", key) for key in ("kind", "why", "ip", "bucket", "hash")}
    | {("query", key) for key in ("name", "labels", "suffixes", "asked", "via", "type", "class", "transport")}
)
"""Paths that are in every input document."""


WITHIN = "@"
"""First step of a client fact that counts for the clients of one namespace only: `("@", namespace, revision, …)`."""
Within = Mapping[str, tuple[str, frozenset[Path]]]
"""By namespace: the name of a policy of its own, and what that reads of questions of its clients besides."""


class Footprint(msgspec.Struct, frozen=True):
    """`paths` is a superset of what can be read. `timeless` is false when clock or randomness is read.

    What is read `within` namespaces makes classes of their clients only.
    """

    paths: frozenset[Path]
    timeless: bool = True
    within: Within = {}

    def client_facts(self) -> frozenset[Path]:
        """The paths below `client`, without that first step; `((),)` when all of the client can be read.

        Facts of one namespace begin with `WITHIN`, its name and that of its policy; one that ends there is the policy.
        """
        found = {p[1:] for p in self.paths if p and p[0] == "client" and p[1:2] != (WITHIN,)}  # no input holds that
        found = {()} if () in self.paths or () in found else found
        for namespace, (revision, paths) in self.within.items():
            found.add((WITHIN, namespace, revision))
            found |= {(WITHIN, namespace, revision, *p[1:]) for p in paths if p[:1] == ("client",) and len(p) > 1}
            if ("client",) in paths:
                found.add((WITHIN, namespace, revision, WITHIN))
        return frozenset(found)

    def reads(self, *path: str) -> bool:
        """Whether anything at, above or below `path` can be read."""
        return any(
            p == path[: len(p)] or path == p[: len(path)]
            for paths in (self.paths, *[paths for _, paths in self.within.values()])
            for p in paths
        )


EVERYTHING = Footprint(frozenset({()}), timeless=False)
"""When nobody knows what a policy reads."""
Key = tuple[Hashable, ...]
Get = Callable[[PolicyInput], Hashable]
GetClient = Callable[[Identity], Hashable]
_REMEMBERED = 4096


def projector(footprint: Footprint) -> Callable[[PolicyInput], Key]:
    """A function that gives the hashable key of everything a policy with this footprint can read."""
    client = client_projector(footprint.client_facts())
    known: dict[Identity, Key] = {}
    read = _reader(footprint.paths)
    if footprint.within:
        read = _reader_within(footprint, read)

    def project(question: PolicyInput) -> Key:
        who = question.client
        key = known.get(who)
        if key is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            key = known[who] = client(who)
        return (key, read(question))

    return project


def client_projector(facts: Iterable[Path]) -> Callable[[Identity], Key]:
    """A function that gives the hashable key of these facts of a client: paths below `client`, `()` for all."""
    within = [path for path in facts if path[:1] == (WITHIN,)]
    if within:
        return _within(client_projector([path for path in facts if path[:1] != (WITHIN,)]), within)
    wanted = sorted(set(facts))
    if () in wanted:
        return lambda client: (client_json(client), client.uid)
    getters = tuple(_client_getter(path) for path in wanted)
    return lambda client: tuple([get(client) for get in getters])


def _within(base: Callable[[Identity], Key], facts: Iterable[Path]) -> Callable[[Identity], Key]:
    """The projection `base` with that of each namespace behind it, for its clients."""
    held: dict[str, tuple[set[str], set[Path]]] = {}
    for _, namespace, revision, *path in facts:
        names, paths = held.setdefault(namespace, (set(), set()))
        names.add(revision)
        if path:
            paths.add(() if path == [WITHIN] else tuple(path))
    table = {space: (tuple(sorted(names)), client_projector(paths)) for space, (names, paths) in held.items()}

    def project(client: Identity) -> Key:
        found = None if client.namespace is None else table.get(client.namespace)
        if found is None:
            return base(client)
        return (WITHIN, client.namespace, *found[0], base(client), found[1](client))

    return project


def _reader_within(footprint: Footprint, base: Get) -> Get:
    readers = {space: _reader(footprint.paths | paths) for space, (_, paths) in footprint.within.items()}

    def read(question: PolicyInput) -> Hashable:
        namespace = question.client.namespace
        return (base if namespace is None else readers.get(namespace, base))(question)

    return read


def _reader(paths: Iterable[Path]) -> Get:
    """Gives all that is read, leaving out what is the client's, which has a key of its own."""
    found: dict[Path, None] = {}
    for path in sorted(paths):
        if not path:
            return encode
        if path[0] in ("query", "target", "answer", "phase"):
            reach = _reach(path)
            if not any(reach[:i] in found for i in range(len(reach))):
                found[reach] = None
    fields = [_FIELDS[path] for path in found if path in _FIELDS]
    getters = [_getter(path) for path in found if path not in _FIELDS]
    if fields:
        getters.insert(0, attrgetter(*fields))
    return getters[0] if len(getters) == 1 else lambda question: tuple([get(question) for get in getters])


def _reach(path: Path) -> Path:
    """The path cut to what has a getter; name, labels and suffixes are one thing."""
    if path[0] == "query":
        return ("query", "name") if path[1:2] in (("labels",), ("suffixes",)) else path[:2]
    if path[0] == "target":
        return path[:3] if path[1:2] in (("labels",), ("namespace_labels",)) else path[:2]
    return path[:2] if path[0] == "answer" else path[:1]


def _getter(path: Path) -> Get:
    fixed = _FIXED.get(path)
    if fixed is not None:
        return fixed
    if path[:2] in (("target", "labels"), ("target", "namespace_labels")):
        return _target_labels(path)
    return _nothing


def _nothing(_: object) -> Hashable:
    """What no input document holds."""
    return None


_FIELDS: dict[Path, str] = {
    ("phase",): "phase",
    ("query", "name"): "query.name.labels",
    ("query", "asked"): "query.asked.labels",
    ("query", "via"): "query.via",
    ("query", "type"): "query.qtype",
    ("query", "class"): "query.qclass",
    ("query", "transport"): "query.transport",
    ("target", "kind"): "target.kind",
    ("target", "namespace"): "target.namespace",
    ("target", "name"): "target.name",
}
"""What is a field of the input as it stands: all of these are read at once."""
_FIXED: dict[Path, Get] = {
    ("query",): lambda q: query_json(q.query),
    ("target",): lambda q: target_json(q.target),
    ("target", "exists"): lambda q: (q.target.exists, q.target.kind is TargetKind.EXTERNAL),
    ("target", "endpoints"): lambda q: target_json(q.target) if has_endpoints(q.target) else None,
    ("answer",): lambda q: None if q.answer is None else answer_json(q.answer),
    ("answer", EXISTS): lambda q: q.answer is None,
    ("answer", "rcode"): lambda q: None if q.answer is None else q.answer.rcode,
    ("answer", "names"): lambda q: None if q.answer is None else q.answer.names,
    ("answer", "addresses"): lambda q: None if q.answer is None else q.answer.addresses,
    ("answer", "from"): lambda q: None if q.answer is None else q.answer.made_by,
}


def _target_labels(path: Path) -> Get:
    name = path[1]

    def labels(target: Target) -> Mapping[str, str]:
        return target.labels if name == "labels" else target.namespace_labels

    if len(path) == 2:
        return lambda q: _all(labels(q.target), q.target.exists)
    if path[2] == EXISTS:
        return lambda q: _has_labels(labels(q.target), q.target.exists)
    key = path[2]
    if name == "labels":
        return lambda q: q.target.labels.get(key)
    return lambda q: q.target.namespace_labels.get(key)


def _has_labels(labels: Mapping[str, str], known: bool) -> Hashable:
    """Whether the object is there; and the label of that name, for the path may stand for it too."""
    return known or bool(labels), labels.get(EXISTS)


def _all(labels: Mapping[str, str], known: bool) -> Hashable:
    return frozenset(labels.items()) if known or labels else None


def _client_getter(path: Path) -> GetClient:
    name = path[0]
    if name in ("labels", "namespace_labels"):
        return _client_labels(name, path[1:2])
    if name == "owner":
        return _client_owner(path[1:2])
    if name == "alarms":
        return _has_alarms if path[1:2] == (EXISTS,) else attrgetter("alarms")
    if name == "bucket":
        return lambda client: bucket(of_client(client))
    if name == "hash":
        return lambda client: spread(of_client(client))
    if name == "family":
        return lambda client: ":" in client.ip
    if name in ("kind", "why", "ip", "namespace", "pod", "uid", "service_account", "node", "zone"):
        return lambda client: getattr(client, name)
    return _nothing


def _client_labels(name: str, below: Path) -> GetClient:
    if not below:
        return lambda client: _all(getattr(client, name), client.kind is ClientKind.POD)
    if below == (EXISTS,):
        return lambda client: _has_labels(getattr(client, name), client.kind is ClientKind.POD)
    key = below[0]
    return lambda client: getattr(client, name).get(key)


def _client_owner(below: Path) -> GetClient:
    if below == (EXISTS,):
        return lambda client: client.owner is None
    if below == ("bucket",):
        return _owner_bucket
    if below in (("kind",), ("name",)):
        return lambda client: None if client.owner is None else getattr(client.owner, below[0])
    return lambda client: (client.owner, _owner_bucket(client))  # whose bucket the namespace has a part in


def _has_alarms(client: Identity) -> Hashable:
    return bool(client.alarms)


def _owner_bucket(client: Identity) -> Hashable:
    return None if client.owner is None else bucket(of_owner(client, client.owner))
