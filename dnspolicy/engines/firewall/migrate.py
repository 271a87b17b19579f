"""Rule lists → Rego that decides the same.

A condition becomes two sets of rules: when it holds, and when it fails. What rests on something unknown is neither, so
an allow asks whether its condition holds, and everything else whether it does not fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from dnspolicy.engines.firewall.evaluate import COMPARED
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Action, BlockAs
from dnspolicy.policy.firewall.fields import ADDRESS
from dnspolicy.policy.firewall.rules import Asked, Direction, Listed, Rule, RuleList
from dnspolicy.policy.firewall.syntax import (
    LOGICAL,
    BadCondition,
    Binary,
    Called,
    Choice,
    Fact,
    Items,
    Kind,
    Literal,
    Node,
    Unary,
    kind_of,
)

_HEAD = """\
# METADATA
# title: Rules of a firewall block
# description: |
#   Made from a `firewall` block of a Corefile. The rules keep their order and their numbers. What is not known never
#   opens anything: an allow needs a condition that holds, a block one that does not fail.
# schemas:
#   - input: schema.input
package dnspolicy
"""
_HELPERS = {
    "name": """\
name := "." if {
	input.query.name == "."
} else := concat("", [input.query.name, "."])
""",
    "target_namespace": """\
target_namespace := input.target.namespace if {
	input.target.namespace
} else := ""
""",
    "target_service": """\
target_service := input.target.name if {
	input.target.kind in {"service", "endpoint"}
	input.target.name
} else := ""
""",
    "target_tree": """\
target_tree := "svc" if {
	input.target.kind in {"service", "endpoint"}
} else := "pod" if {
	input.target.kind == "pod"
} else := ""
""",
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
Lines = list[str]


def to_rego(lists: Sequence[RuleList]) -> str:
    """The text of a policy. Raises BadCondition for what has no counterpart in Rego, naming the rule."""
    writer = _Writer()
    for each in lists:
        for number, rule in enumerate(each.rules, 1):
            if isinstance(rule, Asked):
                raise BadCondition(
                    f"{each.direction} {number}: what {rule.engine!r} says cannot be written as a policy"
                )
            try:
                writer.rule(f"{each.direction}_{number}", rule)
            except BadCondition as problem:
                raise BadCondition(f"{each.direction} {number}: {problem}") from None
    chains = [_chain(direction, lists) for direction in Direction]
    decision = 'decision := query if {\n\tinput.phase == "query"\n} else := response\n'
    helpers = [text for name, text in _HELPERS.items() if name in writer.helpers]
    return "\n".join([_HEAD, decision, *chains, *writer.parts, *helpers])


def _chain(direction: Direction, lists: Sequence[RuleList]) -> str:
    """All rules of a direction, the first that decides."""
    found = next((each for each in lists if each.direction is direction), None)
    default = _object(
        Listed.ALLOW if found is None or direction is Direction.RESPONSE else Listed.BLOCK,
        f"firewall/{direction}/default",
        "no rules for this" if found is None else "no rule decides",
    )
    links = [
        f"{_object(rule.does, f'firewall/{direction}/{number}', rule.text)} if {{\n\t{direction}_{number}\n}}"
        for number, rule in enumerate(found.rules if found is not None else (), 1)
        if isinstance(rule, Rule)
    ]
    return f"{direction} := " + " else := ".join([*links, default]) + "\n"


def _object(does: Listed, rule: str, reason: str) -> str:
    fields = [("action", does.action.value)]
    if does.action is Action.BLOCK and does.block_as is not BlockAs.NXDOMAIN:
        fields.append(("as", does.block_as.value))
    fields += [("rule", rule), ("reason", printable(reason))]
    return "{\n" + "".join(f"\t{json.dumps(key)}: {json.dumps(value)},\n" for key, value in fields) + "}"


class _Writer:
    """Writes rules as texts into `parts`; `helpers` are the names of those they use."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.helpers: set[str] = set()
        self._name = ""
        self._count = self._bindings = 0
        self._given = ""

    def rule(self, name: str, rule: Rule) -> None:
        """The rule `name`, which is true when it decides."""
        self._name, self._count, self._bindings = name, 0, 0
        self._given = "(address)" if rule.per_address else ""
        at = len(self.parts)
        holds = rule.does is Listed.ALLOW
        lines = self._truth(rule.condition, holds)
        always = not rule.per_address and lines == ([] if holds else ["false"])
        decides = f"{name} := true\n" if always else self._decides(name, rule)
        self.parts.insert(at, f"# {rule.does} {printable(rule.text)}\n{decides}")
        if always:
            return
        self.parts.append(_body(f"{name}_{'holds' if holds else 'fails'}{self._given}", lines))

    def _decides(self, name: str, rule: Rule) -> str:
        if rule.does is not Listed.ALLOW:
            each = ["some address in input.answer.addresses"] if rule.per_address else []
            return _body(name, [*each, f"not {name}_fails{self._given}"])
        if not rule.per_address:
            return _body(name, [f"{name}_holds"])
        every = "every address in input.answer.addresses {\n\t\t" + f"{name}_holds(address)" + "\n\t}"
        return _body(name, ["count(input.answer.addresses) > 0", every])

    def _fresh(self) -> str:
        self._count += 1
        return f"{self._name}_{self._count}"

    def _truth(self, node: Node, wanted: bool) -> Lines:
        """Lines that are all true just when a condition is `wanted`, and that is known."""
        match node:
            case Literal(value=value):
                return [] if value is wanted else ["false"]
            case Unary(operand=operand):
                return self._truth(operand, not wanted)
            case Binary(sign=sign, left=left, right=right) if sign in LOGICAL:
                sides = [self._truth(left, wanted), self._truth(right, wanted)]
                return self._either(sides) if (sign == "||") is wanted else [*sides[0], *sides[1]]
            case Choice(condition=condition, then=then, other=other):
                one = [*self._truth(condition, True), *self._truth(then, wanted)]
                two = [*self._truth(condition, False), *self._truth(other, wanted)]
                return self._either([one, two])
            case Binary(sign=sign, left=left, right=right) if kind_of(left) is Kind.TRUTH:
                alike = wanted is (sign == "==")
                both = [[*self._truth(left, side), *self._truth(right, side is alike)] for side in (True, False)]
                return self._either(both)
            case _:
                return self._atom(node, wanted)

    def _either(self, sides: Sequence[Lines]) -> Lines:
        name = f"{self._fresh()}{self._given}"
        self.parts += [_body(name, lines) for lines in sides if "false" not in lines]
        return [name] if any("false" not in lines for lines in sides) else ["false"]

    def _atom(self, node: Node, wanted: bool) -> Lines:
        lines: Lines = []
        match node:
            case Binary(sign="in", left=left, right=Items(values=values)):
                test = f"{self._bound(left, lines)} in {{{', '.join(map(_literal, values))}}}"
            case Binary(sign="=~" | "!~" as sign, left=left, right=Literal(value=pattern)):
                wanted = wanted is (sign == "=~")
                test = f"regex.match({_literal(pattern)}, {self._bound(left, lines)})"
            case Called(name="incidr", arguments=(address, Literal(value=network))):
                test = f"net.cidr_contains({_literal(network)}, {self._address(address, lines)})"
            case Binary(sign=sign, left=left, right=right):
                return self._compared(sign if wanted else _OPPOSITE[sign], left, right)
            case _:
                raise BadCondition("this has no counterpart in a policy")
        return [*lines, test if wanted else f"not {test}"]

    def _compared(self, sign: str, left: Node, right: Node) -> Lines:
        if isinstance(left, Literal):  # a line must not begin with a minus, which would go on with the line before
            left, right, sign = right, left, _MIRRORED[sign]
        if isinstance(left, Literal) and isinstance(right, Literal):
            return [] if COMPARED[sign](left.value, right.value) else ["false"]
        lines: Lines = []
        compared = f"{self._term(left, lines)} {sign} {self._term(right, lines)}"
        return [*lines, compared]

    def _bound(self, node: Node, lines: Lines) -> str:
        """A variable for a term: a negation must not meet what may be undefined."""
        self._bindings += 1
        name = f"v{self._bindings}"
        lines.append(f"{name} := {self._term(node, lines)}")
        return name

    def _address(self, node: Node, lines: Lines) -> str:
        if not (isinstance(node, Fact) and node.field.name in ("client_ip", ADDRESS)):
            raise BadCondition("incidr can be written as a policy for client_ip and response_ip")
        return f'trim_prefix({self._bound(node, lines)}, "::ffff:")'

    def _term(self, node: Node, lines: Lines) -> str:
        """An expression of Rego for a text or a number; what it needs to be known comes before."""
        match node:
            case Literal(value=value):
                return _literal(value)
            case Fact(field=field):
                if field.rego in _HELPERS:
                    self.helpers.add(field.rego)
                return field.rego
            case Binary(sign="+", left=left, right=right) if kind_of(left) is Kind.TEXT:
                return f'concat("", [{self._term(left, lines)}, {self._term(right, lines)}])'
            case Called(name="atoi", arguments=(text,)):
                name = self._bound(text, lines)
                lines.append(f"regex.match(`^-?[0-9]{{1,18}}$`, {name})")
                return f"to_number({name})"
            case Choice(condition=condition, then=then, other=other):
                return self._chosen(condition, then, other)
            case Called(name="random"):
                raise BadCondition(
                    "random has no counterpart; input.client.bucket, 0 to 99, shares out clients for good"
                )
            case _:
                raise BadCondition("arithmetic has no counterpart in a policy")

    def _chosen(self, condition: Node, then: Node, other: Node) -> str:
        name = f"{self._fresh()}{self._given}"
        for side, node in ((True, then), (False, other)):
            lines = self._truth(condition, side)
            value = self._term(node, lines)
            self.parts.append(_body(f"{name} := {value}", lines) if lines else f"{name} := {value}\n")
        return name


def _body(head: str, lines: Lines) -> str:
    if not any(re.search(r"\baddress\b", line) for line in (*lines, head.partition(":=")[2])):
        head = head.replace("(address)", "(_)")
    if not lines:
        return f"{head} := true\n" if ":=" not in head else f"{head}\n"
    return f"{head} if {{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def _literal(value: str | float | bool) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
