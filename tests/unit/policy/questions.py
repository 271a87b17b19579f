"""Questions to policies: random ones, and one that is easy to vary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import strategies as st

from dnspolicy.model.identity import Alarm, ClientKind, Identity, Owner
from dnspolicy.model.name import Name, from_labels, from_text
from dnspolicy.model.query import Query, Transport, Via
from dnspolicy.model.target import Target, TargetEndpoint, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.footprint import EXISTS, OPTIONAL_OBJECTS, Path
from dnspolicy.policy.input import AnswerFacts, PolicyInput

_KEYS = {
    "client": [
        "kind", "why", "ip", "namespace", "pod", "labels", "namespace_labels", "service_account", "node", "zone",
        "owner", "alarms", "bucket", "hash", "nosuch",
    ],
    "query": ["name", "labels", "suffixes", "asked", "via", "type", "class", "transport", "nosuch"],
    "target": ["kind", "namespace", "name", "labels", "namespace_labels", "exists", "endpoints", "nosuch"],
    "answer": ["rcode", "names", "addresses", "from", "nosuch"],
}  # fmt: skip
_BELOW = {
    "labels": ["app", "team", "x/y"],
    "namespace_labels": ["app", "team"],
    "owner": ["kind", "name", "bucket", "nosuch"],
    "alarms": ["*", "a.b", "evil.example"],
}
_OPEN = (("client", "labels"), ("target", "labels"), ("client", "owner"), ("client", "alarms"))
PATHS: list[Path] = (
    [(), ("phase",), ("version",), ("nosuch",)]
    + [(part,) for part in _KEYS]
    + [(part, key) for part, keys in _KEYS.items() for key in keys]
    + [(p, k, b) for p, k in _OPEN for b in _BELOW[k]]
    + [(p, "namespace_labels", b) for p in ("client", "target") for b in _BELOW["namespace_labels"]]
    + [(*path, EXISTS) for path in sorted(OPTIONAL_OBJECTS)]
)
ABSENT = object()


def read(document: Any, path: Path) -> object:
    """What a policy learns from a path of its input."""
    here = document
    for step in path:
        if step == EXISTS:
            return True
        if not isinstance(here, dict) or step not in here:
            return ABSENT
        here = here[step]
    return here


WORDS = st.sampled_from(["a", "b", "app", "shop"])
MAYBE = st.none() | WORDS
LABELS = st.dictionaries(st.sampled_from(["app", "team", "x/y"]), WORDS, max_size=2)
NAMES = st.lists(
    st.sampled_from([b"a", b"b", b"Shop", b"svc", b"x.y", b"\x00"]) | st.binary(min_size=1, max_size=4), max_size=4
).map(from_labels)
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1"])
NUMBERS = st.sampled_from([1, 2, 100])
ALARMS = st.lists(
    st.builds(
        Alarm, st.sampled_from(["*", "a.b", "evil.example"]), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS,
        st.sampled_from([0.5, 4.25]),
    ),
    max_size=2, unique_by=lambda alarm: alarm.domain,
).map(lambda alarms: tuple(sorted(alarms, key=lambda alarm: alarm.domain)))  # fmt: skip


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    return Identity(
        kind=draw(st.sampled_from(ClientKind)),
        why=draw(WORDS),
        ip=draw(ADDRESSES),
        namespace=draw(MAYBE),
        pod=draw(MAYBE),
        uid=draw(MAYBE),
        labels=draw(LABELS),
        namespace_labels=draw(LABELS),
        service_account=draw(MAYBE),
        node=draw(MAYBE),
        zone=draw(MAYBE),
        owner=draw(st.none() | st.builds(Owner, WORDS, WORDS)),
        alarms=draw(ALARMS),
    )


@st.composite
def targets(draw: st.DrawFn) -> Target:
    endpoint = st.builds(TargetEndpoint, ADDRESSES, MAYBE, MAYBE, MAYBE, LABELS)
    return Target(
        kind=draw(st.sampled_from(TargetKind)),
        namespace=draw(MAYBE),
        name=draw(MAYBE),
        labels=draw(LABELS),
        namespace_labels=draw(LABELS),
        exists=draw(st.booleans()),
        endpoints=tuple(draw(st.lists(endpoint, max_size=2))),
    )


@st.composite
def questions(draw: st.DrawFn) -> PolicyInput:
    name: Name = draw(NAMES)
    query = Query(
        name,
        draw(st.sampled_from([1, 28, 65280])),
        draw(st.just(name) | NAMES),
        draw(st.sampled_from([1, 17])),
        transport=draw(st.sampled_from(Transport)),
        via=draw(st.sampled_from(Via)),
    )
    some = st.lists(WORDS, max_size=2).map(tuple)
    answer = draw(st.none() | st.builds(AnswerFacts, WORDS, some, some, WORDS))
    phase = Phase.QUERY if answer is None else Phase.RESPONSE
    return PolicyInput(phase, draw(identities()), query, draw(targets()), answer)


def question(name: str = "db.shop.svc.cluster.local", **client: object) -> PolicyInput:
    """A pod of namespace shop asks for a service of its own; `client` changes the identity."""
    pod = Identity(ClientKind.POD, "address of a live pod", "10.1.2.3", namespace="shop", pod="web-0")
    asked = from_text(name)
    target = Target(TargetKind.SERVICE, "shop", "db", exists=True)
    return PolicyInput(Phase.QUERY, msgspec.structs.replace(pod, **client), Query(asked, 1, asked), target)


def variants(a: PolicyInput, b: PolicyInput) -> Iterator[PolicyInput]:
    """`a` with one thing after the other as it is in `b`."""
    for part in ("client", "query", "target"):
        mine, other = getattr(a, part), getattr(b, part)
        for name in mine.__struct_fields__:
            changed = msgspec.structs.replace(mine, **{name: getattr(other, name)})
            yield msgspec.structs.replace(a, **{part: changed})
    yield msgspec.structs.replace(a, phase=b.phase, answer=b.answer)
