"""For each rule of a list a question that it decides, found by trying: the tests of a policy that is made from it."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import random
from collections.abc import Iterator, Sequence

import msgspec

from dnspolicy.engines.firewall.engine import FirewallEngine
from dnspolicy.model.errors import BadName
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import ROOT, Name, from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import type_number
from dnspolicy.model.target import EXTERNAL, Target, TargetKind
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.firewall import Direction, Rule, RuleList
from dnspolicy.policy.firewall.syntax import Called, Fact, Items, Literal, nodes_of
from dnspolicy.policy.input import AnswerFacts, PolicyInput, encode

TRIES = 4000
_LABEL = "kubernetes/client-label/"
_FOREVER = float("inf")


class Example(msgspec.Struct, frozen=True):
    """A question, and what the list says to it."""

    question: PolicyInput
    verdict: Verdict


def examples(lists: Sequence[RuleList]) -> dict[str, Example]:
    """By the name of the rule that decides, in the order of the lists; a rule nobody gets to is not among them."""
    engine = FirewallEngine(lists)
    found: dict[str, Example] = {}
    wanted = sum(len(each.rules) for each in lists) + len(Direction)
    for question in itertools.islice(_questions(lists), TRIES):
        verdict = asyncio.run(engine.decide(question, _FOREVER))
        assert verdict is not None
        found.setdefault(verdict.rule, Example(question, verdict))
        if len(found) == wanted:
            break
    return dict(sorted(found.items(), key=lambda item: _place(item[0])))


def tests_of(lists: Sequence[RuleList]) -> str:
    """The text of a file of tests. Rules that no question was found for are named in it."""
    found = examples(lists)
    parts = ["package dnspolicy_test\n\nimport data.dnspolicy.decision\n"]
    for name, example in found.items():
        title = "test_" + name.removeprefix("firewall/").replace("/", "_")
        given = f"\tdecided := decision with input as {_document(example.question)}\n"
        parts.append(f"{title} if {{\n{given}{_expects(example)}}}\n")
    names = [f"firewall/{each.direction}/{n}" for each in lists for n in range(1, len(each.rules) + 1)]
    missed = [name for name in names if name not in found]
    parts += [f"# No question was found that {name} decides: do the rules before it leave one?\n" for name in missed]
    return "\n".join(parts)


def _expects(example: Example) -> str:
    verdict = example.verdict
    return f"\tdecided.rule == {json.dumps(verdict.rule)}\n\tdecided.action == {json.dumps(verdict.action.value)}\n"


def _document(question: PolicyInput) -> str:
    """The input as Rego writes it, in the layout of `opa fmt`."""
    return _written(msgspec.json.decode(encode(question)), "\t")


def _written(value: object, indent: str) -> str:
    if isinstance(value, dict) and value:
        inner = "".join(f"{indent}\t{json.dumps(k)}: {_written(v, indent + chr(9))},\n" for k, v in value.items())
        return f"{{\n{inner}{indent}}}"
    if isinstance(value, list) and value:
        return f"[{', '.join(json.dumps(item) for item in value)}]"
    return json.dumps(value)


def _place(rule: str) -> tuple[str, float]:
    """Numbers in their order, the default last."""
    _, direction, which = rule.split("/")
    return direction, float(which) if which.isdigit() else _FOREVER


def _questions(lists: Sequence[RuleList]) -> Iterator[PolicyInput]:
    """Questions made of what the conditions speak of and of other things, always the same ones."""
    chance = random.Random(1)
    known = _constants(lists)
    while True:
        yield _question(chance, known, answered=False)
        yield _question(chance, known, answered=True)


class _Known(msgspec.Struct, frozen=True):
    """What questions are made of: texts, addresses, keys of labels."""

    texts: tuple[str, ...]
    addresses: tuple[str, ...]
    labels: tuple[str, ...]


def _constants(lists: Sequence[RuleList]) -> _Known:
    """The texts of all conditions, what is plain in their patterns, and an address of each network."""
    texts, addresses, labels = {"shop", "example"}, {"192.0.2.1", "2001:db8::1"}, {"app"}
    for rule in (rule for each in lists for rule in each.rules if isinstance(rule, Rule)):
        for node in nodes_of(rule.condition):
            if isinstance(node, Called) and node.name == "incidr" and isinstance(node.arguments[1], Literal):
                network = ipaddress.ip_network(str(node.arguments[1].value), strict=False)
                addresses.add(str(network[min(7, network.num_addresses - 1)]))
            elif isinstance(node, Literal) and isinstance(node.value, str):
                texts.add(node.value.strip("^$").replace("\\", ""))
            elif isinstance(node, Fact) and node.field.name.startswith(_LABEL):
                labels.add(node.field.name.removeprefix(_LABEL))
            elif isinstance(node, Items):
                texts.update(value for value in node.values if isinstance(value, str))
    found = {text for text in texts if text and "/" not in text}
    more = {f"{text}x" for text in found if not text.endswith(".")}
    addresses |= {text for text in found if _is_address(text)}
    return _Known(tuple(sorted(found | more)), tuple(sorted(addresses)), tuple(sorted(labels)))


def _question(chance: random.Random, known: _Known, answered: bool) -> PolicyInput:
    texts, addresses = known.texts, known.addresses
    client = _client(chance, known)
    namespace = client.namespace if client.namespace is not None and chance.random() < 0.3 else chance.choice(texts)
    name, target = _target(chance, texts, namespace)
    kinds = [type_number(text) for text in (*texts, "A", "AAAA", "TXT") if _is_type(text)]
    query = Query(name, chance.choice(kinds), name, transport=chance.choice(tuple(Transport)))
    if not answered:
        return PolicyInput(Direction.QUERY.phase, client, query, target)
    rcode = chance.choice([text for text in texts if text.isupper()] + ["NOERROR", "NXDOMAIN"])
    found = tuple(chance.sample(addresses, chance.randint(0, min(2, len(addresses)))))
    return PolicyInput(
        Direction.RESPONSE.phase, client, query, target, AnswerFacts(rcode, (str(name),), found, "forward")
    )


def _client(chance: random.Random, known: _Known) -> Identity:
    texts, address = known.texts, chance.choice(known.addresses)
    if chance.random() < 0.2:
        return Identity(ClientKind.UNKNOWN, "no pod has this address", address)
    labels = {key: chance.choice(texts) for key in known.labels if chance.random() < 0.7}
    return Identity(
        ClientKind.POD, "address of a live pod", address, chance.choice(texts), chance.choice(texts), labels=labels
    )


def _target(chance: random.Random, texts: Sequence[str], namespace: str) -> tuple[Name, Target]:
    """A name and what it points at: a service of the namespace, or something outside."""
    if chance.random() < 0.5:
        service = chance.choice(texts)
        try:
            made = from_text(f"{service}.{namespace}.svc.cluster.local")
        except BadName:
            made = ROOT
        if len(made.labels) == 5:
            return made, Target(TargetKind.SERVICE, namespace, service, exists=True)
    for text in (chance.choice(texts), "www.example"):
        try:
            return from_text(text if "." in text else f"{text}.example"), EXTERNAL
        except BadName:
            continue
    raise AssertionError("www.example is a name")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_type(text: str) -> bool:
    try:
        type_number(text)
    except ValueError:
        return False
    return True
