"""Rule lists and questions for tests."""

from __future__ import annotations

from ipaddress import ip_address

import msgspec
from hypothesis import strategies as st

from dnspolicy.engines.firewall import FirewallEngine
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.target import EXTERNAL, Target, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.firewall import Direction, RuleList, rule_of
from dnspolicy.policy.input import AnswerFacts, PolicyInput


def listed(text: str, direction: Direction = Direction.QUERY) -> RuleList:
    """A list from its lines, `ACTION EXPRESSION`."""
    lines = [line.split() for line in text.strip().splitlines()]
    return RuleList(direction, tuple(rule_of(direction, action, words) for action, *words in lines))


def engine(text: str, direction: Direction = Direction.QUERY) -> FirewallEngine:
    return FirewallEngine([listed(text, direction)])


def asked(
    name: str = "db.shop.svc.cluster.local", client: Identity | None = None, addresses: tuple[str, ...] | None = None
) -> PolicyInput:
    """A pod of namespace tenant-a asks; with `addresses`, this is about the answer."""
    pod = Identity(ClientKind.POD, "why", "10.1.2.3", namespace="tenant-a", pod="web-0", labels={"app": "web"})
    read = from_text(name)
    query = Query(read, 1, read)
    answer = None if addresses is None else AnswerFacts("NOERROR", (str(read),), addresses, "forward")
    phase = Phase.QUERY if answer is None else Phase.RESPONSE
    return PolicyInput(phase, client or pod, query, _target(name), answer)


def _target(name: str) -> Target:
    labels = name.split(".")
    if not name.endswith("svc.cluster.local") or len(labels) < 5:
        return EXTERNAL
    return Target(TargetKind.SERVICE, namespace=labels[1], name=labels[0], exists=True)


NOBODY = Identity(ClientKind.UNKNOWN, "no pod", "10.9.9.9")
NODE = Identity(ClientKind.HOST, "a node", "10.0.0.1", node="node-1")
_NAMES = ("db.shop.svc.cluster.local", "db.tenant-a.svc.cluster.local", "www.example", "x.tenant-b", ".")
_ADDRESSES = ("10.0.0.1", "10.200.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.7")
_FIELDS = (
    "type", "name", "class", "proto", "client_ip", "[>opcode]", "[kubernetes/client-namespace]",
    "[kubernetes/client-pod-name]", "[kubernetes/namespace]", "[kubernetes/service]", "[kubernetes/kind]",
    "[kubernetes/client-label/app]",
)  # fmt: skip
_TEXTS = ("'A'", "'shop'", "'tenant-a'", "''", "'svc'", "'10.1.2.3'", "'web'", "'0'", "'www.example.'")
_PATTERNS = ("'^tenant-'", "'ex.mple'", "'^$'", "'10\\.'", "'w{1,2}'")
_CIDRS = ("'10.0.0.0/8'", "'192.0.2.0/24'", "'2001:db8::/32'", "'10.1.2.3/32'")


@st.composite
def questions(draw: st.DrawFn, answered: bool) -> PolicyInput:
    """Random questions, about answers if `answered`."""
    client = draw(
        st.sampled_from((NOBODY, NODE))
        | st.builds(
            Identity,
            st.just(ClientKind.POD),
            st.just("why"),
            st.sampled_from(_ADDRESSES[:4]),
            st.sampled_from(("tenant-a", "shop", "default")),
            st.sampled_from(("web-0", "db-1")),
            labels=st.sampled_from(({}, {"app": "web"}, {"app": "12"})),
        )
    )
    addresses = tuple(draw(st.lists(st.sampled_from(_ADDRESSES), max_size=3, unique=True))) if answered else None
    made = asked(draw(st.sampled_from(_NAMES)), client, addresses)
    return msgspec.structs.replace(
        made, query=msgspec.structs.replace(made.query, qtype=draw(st.sampled_from((1, 28))))
    )


def conditions(direction: Direction) -> st.SearchStrategy[str]:
    """Random conditions that can be written as policies."""
    fields = _FIELDS if direction is Direction.QUERY else (*_FIELDS, "rcode", "response_ip")
    addresses = ("client_ip",) if direction is Direction.QUERY else ("client_ip", "response_ip")
    field, text = st.sampled_from(fields), st.sampled_from(_TEXTS)
    number = field.map("atoi({})".format) | st.integers(-5, 20).map(str)
    term = field | text | st.tuples(field, text).map(" + ".join)
    atom = (
        st.tuples(term, st.sampled_from(("==", "!=", "<", ">=")), term).map(" ".join)
        | st.tuples(number, st.sampled_from(("==", "!=", "<=", ">")), number).map(" ".join)
        | st.tuples(field, st.sampled_from(("=~", "!~")), st.sampled_from(_PATTERNS)).map(" ".join)
        | st.tuples(field, st.lists(text, min_size=1, max_size=3)).map(lambda x: f"{x[0]} IN ({', '.join(x[1])})")
        | st.tuples(st.sampled_from(addresses), st.sampled_from(_CIDRS)).map(lambda x: f"incidr({x[0]}, {x[1]})")
        | st.sampled_from(("true", "false"))
    )
    return st.recursive(
        atom,
        lambda inner: (
            inner.map("!({})".format)
            | st.tuples(inner, st.sampled_from(("&&", "||", "==", "!=")), inner).map(
                lambda x: f"({x[0]}) {x[1]} ({x[2]})"
            )
            | st.tuples(inner, inner, inner).map(lambda x: f"({x[0]}) ? ({x[1]}) : ({x[2]})")
        ),
        max_leaves=5,
    )


def addresses_are_addresses() -> bool:
    """The addresses above are canonical."""
    return all(str(ip_address(text)) in (text, "::ffff:a00:7") for text in _ADDRESSES)
