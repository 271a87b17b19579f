"""Policies that ask for any time, memory or depth: each ends as an error, and the engine goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnspolicy.engines.rego import Limits, load
from dnspolicy.engines.rego.binding import CHOICE, Binding, available, evaluator
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.sources import Source
from dnspolicy.model.errors import PolicyLoadError
from tests.unit.engines.rego_folders import ALLOW, write

MANY = json.dumps({"text": "a" * 1_000_000, "list": list(range(100_000))}).encode()


def again(first: str, following: str, times: int) -> str:
    """Rules `v0`, `v1` … each made of the one before, which stands as V."""
    lines = [f"v0 := {first}"]
    lines += [f"v{i} := {following.replace('V', f'v{i - 1}')}" for i in range(1, times + 1)]
    return "\n".join(lines)


SHARED = again("[input.text, input.text]", "[V, V]", 30) + "\n"
DEEPER = 'v0 := [[1]]\np0 := "/0"\n' + "\n".join(
    f'v{i} := json.patch(v{i - 1}, [{{"op": "copy", "from": "", "path": p{i - 1}}}])\n'
    f'p{i} := concat("", [p{i - 1}, p{i - 1}])'
    for i in range(1, 20)
)  # fmt: skip
BRACKETS = 'concat("", ["[" | some i in numbers.range(1, 100000)])'

TOO_MUCH = {
    "comprehension": "x := count([[i, j] | some i in input.list; some j in input.list])",
    "set": "x := count({[i, j] | some i in input.list; some j in input.list})",
    "object": "x := count({[i, j]: 1 | some i in input.list; some j in input.list})",
    "every": "x if { every i in input.list { every j in input.list { i + j >= 0 } } }",
    "range": "x := numbers.range(1, 1000000000)",
    "steps": "x := numbers.range_step(1, 1000000000, 1)",
    "addresses": 'x := net.cidr_expand("::/0")',
    "walk": SHARED + "x := count([1 | walk(v30, [_, 5])])",
    "shared value as result": SHARED + "x := v30",
    "shared value as JSON": SHARED + "x := count(json.marshal(v30))",
    "shared value as text": SHARED + 'x := count(sprintf("%v", [v30]))',
    "indented": 'x := count(json.marshal_with_options(input.list, {"indent": input.text, "pretty": true}))',
    "JSON in JSON": again("input.text", "json.marshal([V, V])", 30) + "\nx := count(v30)",
    "base64 of base64": again("input.text", "base64.encode(V)", 40) + "\nx := count(v40)",
    "hex of hex": again("input.text", "hex.encode(V)", 30) + "\nx := count(v30)",
    "arrays": again("input.list", "array.concat(V, V)", 30) + "\nx := count(v30)",
    "texts": again("input.text", 'concat("", [V, V])', 30) + "\nx := count(v30)",
    "copies within themselves": DEEPER + "\nx := count(v19)",
    "long path": 'x := json.remove({}, [concat("/", [format_int(i, 10) | some i in input.list])])',
    "width": 'x := sprintf("%1000000000d", [1])',
    "precision": 'x := sprintf("%.1000000000f", [1])',
    "shift": "x := bits.lsh(1, 100000000)",
    "product": "x := product([99999999999 | some i in input.list])",
    "digits": 'x := to_number(replace(input.text, "a", "9"))',
    "large regex": 'x := regex.match("(a{1000}){1000}", "a")',
    "nested regex": 'x := regex.match(concat("", ["(" | some i in input.list]), "a")',
    "regex over a long text": 'x := regex.match("(.*a.*a){9}b", input.text)',
    "long glob": 'x := glob.match(input.text, ["."], "a")',
    "text in a text": 'x := indexof_n(input.text, concat("", [substring(input.text, 0, 500000), "b"]))',
    "cut set": 'x := trim_left(input.text, concat("", [substring(input.text, 0, 500000), "b"]))',
    "beginnings": again("[input.text]", "array.concat(V, V)", 8) + "\nx := strings.any_prefix_match(v8, v8)",
    "subset": "x := object.subset(input.list, array.concat(input.list, [1]))",
    "parts": 'x := split(input.text, "")',
    "missing builtin": "x := crypto.x509.parse_certificates(input.text)",
}  # fmt: skip
NOTHING = {
    "nested brackets": f"x := json.unmarshal({BRACKETS})",
    "nested glob": 'x := glob.match(concat("", ["{" | some i in numbers.range(1, 4000)]), ["."], "a")',
    "exponent": 'x := to_number("1e1000000000") + 1',
    "division": "x := 1 % 0",
    "step of nothing": "x := numbers.range_step(1, 10, 0)",
    "date far away": "x := time.add_date(0, 0, 0, 9223372036854775807)",
    "time without end": 'x := time.parse_duration_ns("99999999999999999999999h")',
    "version": 'x := semver.compare("99999999999999999999999.0.0", "1.0.0")',
}
"""What is undefined, as any builtin that fails."""


@pytest.fixture
def _native(monkeypatch: pytest.MonkeyPatch) -> None:
    if not available(Binding.NATIVE):
        pytest.skip("the native binding is not there; `make native` builds it")
    monkeypatch.setenv(CHOICE, Binding.NATIVE)


@pytest.mark.usefixtures("_native")
@pytest.mark.parametrize("rego", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_would_take_too_much_is_an_error(rego: str) -> None:
    asked = evaluator(strict=False)
    asked.add_policy(Source("p.rego", f"package p\nfine := 1\n{rego}\n"))
    asked.seconds, asked.memory = 1.0, 64 << 20
    with pytest.raises(RegoError):
        asked.rule("data.p.x", MANY)
    assert asked.rule("data.p.fine", b"{}") == b"1"


@pytest.mark.usefixtures("_native")
@pytest.mark.parametrize("rego", NOTHING.values(), ids=NOTHING)
def test_what_cannot_be_made_is_undefined(rego: str) -> None:
    asked = evaluator(strict=False)
    asked.add_policy(Source("p.rego", f"package p\n{rego}\n"))
    asked.seconds, asked.memory = 1.0, 64 << 20
    assert asked.rule("data.p.x", MANY) is None


CHAIN = "v0 := 1\n" + "\n".join(f"v{i} := v{i - 1}" for i in range(1, 20_000))
AT_LOAD = {
    "chain of rules": CHAIN,
    "shared value": again("[1, 1]", "[V, V]", 40),
    "shared values that are compared": again("[1]", "[V, V]", 60)
    + "\n"
    + again("[1]", "[V, V]", 60).replace("v", "w")
    + "\nx if v60 == w60",
    "number that is squared": again("99999999999999999999", "V * V", 40) + "\nx if v40 > 1",
    "nested brackets": "x := " + "[" * 200 + "]" * 200,
}


@pytest.mark.parametrize("rego", AT_LOAD.values(), ids=AT_LOAD)
def test_at_load_nothing_of_it_reaches_the_server(rego: str, tmp_path: Path, binding: Binding) -> None:
    folder = write(tmp_path, {"p.rego": f"decision := {ALLOW}\n{rego}\n"})
    with pytest.raises(PolicyLoadError):
        load([folder], limits=Limits(rule_seconds=1.0, check_seconds=10.0), binding=binding)
