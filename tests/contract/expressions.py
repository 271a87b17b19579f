"""Expressions with every builtin that a policy may call, and what engines make of them.

`python -m tests.contract.expressions` asks a real Open Policy Agent and the embedded engine, and writes
`expressions.jsonl` anew: the expression, what OPA makes of it, and what the embedded engine makes of it where that is
something else and stands in docs/engines.md, or `"refused"` where a policy with it is not loaded.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.engines.rego.binding import Binding, evaluator
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.guards import complaints
from dnspolicy.engines.rego.parse import module
from dnspolicy.engines.rego.program import Program
from dnspolicy.engines.rego.sources import Source
from tests.peers.find import find

FILE = Path(__file__).parent / "expressions.jsonl"
INPUT = {"s": "abc", "n": 5, "null": None, "o": {"a": 1, "b": {"c": 2}}, "arr": [1, 2, 3]}
UNDEFINED = "undefined"
REFUSED = "refused"
HEAD = "package t\n"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """`opa` and `embedded` are JSON, or UNDEFINED or REFUSED. A builtin that fails is undefined."""

    expression: str
    opa: str
    embedded: str = ""


def read() -> list[Row]:
    decoder = msgspec.json.Decoder(Row)
    return [decoder.decode(line) for line in FILE.read_bytes().splitlines()]


def equal(one: str, other: str) -> bool:
    """1.0 and 1 are one number."""
    return one == other or (not {one, other} & {UNDEFINED, REFUSED} and bool(json.loads(one) == json.loads(other)))


def opa_makes(expressions: Sequence[str]) -> list[str]:
    """What Open Policy Agent makes of them, in one run."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rules = (f"r{at} := {expression}" for at, expression in enumerate(expressions))
        (place / "p.rego").write_text("\n".join((HEAD, *rules, "")))
        (place / "input.json").write_text(json.dumps(INPUT))
        words = ["eval", "-f", "json", "-d", place / "p.rego", "-i", place / "input.json", "data.t"]
        done = subprocess.run([str(find("opa")), *map(str, words)], capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    return [_shown(found[f"r{at}"]) if f"r{at}" in found else UNDEFINED for at in range(len(expressions))]


def embedded_makes(expressions: Sequence[str], binding: Binding) -> list[str]:
    """What the embedded engine makes of them; those that are refused at load are REFUSED."""
    return [_evaluated(expression, binding) for expression in expressions]


def _evaluated(expression: str, binding: Binding) -> str:
    asked = evaluator(binding, strict=False)
    try:
        asked.add_policy(Source("p.rego", f"{HEAD}r := {expression}\n"))
        if any(_complaints(asked.trees())):
            return REFUSED
        found = asked.query("data.t.r", json.dumps(INPUT).encode())
    except RegoError:
        return UNDEFINED
    return UNDEFINED if found is None else _shown(json.loads(found))


def _complaints(trees: Sequence[Any]) -> Iterator[object]:
    yield from complaints(Program([module(tree) for tree in trees], {}))


def _shown(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def main() -> None:
    expressions = [row.expression for row in read()]
    theirs, ours = opa_makes(expressions), embedded_makes(expressions, Binding.WHEEL)
    rows = [
        Row(expression, opa, "" if equal(opa, own) else own)
        for expression, opa, own in zip(expressions, theirs, ours, strict=True)
    ]
    lines = [msgspec.json.encode([row.expression, row.opa, *([row.embedded] if row.embedded else [])]) for row in rows]
    FILE.write_bytes(b"\n".join((*lines, b"")))


if __name__ == "__main__":
    main()
