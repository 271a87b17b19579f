"""What is refused when a policy is loaded, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.engines.rego_folders import ALLOW, complaints

pytestmark = pytest.mark.usefixtures("binding")
DECIDES = f"decision := {ALLOW}\n"
REFUSED = [
    pytest.param("x := [1", "3:", "expecting", id="parse error"),
    pytest.param('x := $"a{1}"', "2:6", "template strings", id="template string"),
    pytest.param("default x.ttl := 30", "2:1", "default on a reference", id="default on a reference"),
    pytest.param("x contains o.m if some o in data.list", "2:12", "`o.m` may be undefined", id="set element"),
    pytest.param("x[o.m] := 1 if some o in data.list", "2:3", "`o.m` may be undefined", id="object key"),
    pytest.param("x[k] := o.m if some k, o in data.list", "2:9", "`o.m` may be undefined", id="object value"),
    pytest.param('x contains {"a": o.m} if some o in data.list', "2:18", "`o.m`", id="object in a set"),
    pytest.param(
        "f(o) := o.m\nx contains f(o) if some o in data.list", "3:12", "`f(…)` may be", id="function in a set"
    ),
    pytest.param("x := o.m if some o in data.list", "2:6", "`o.m` may be undefined", id="value while iterating"),
    pytest.param("x if not data.m[input.client.pod]", "2:17", "`input.client.pod`", id="not: index"),
    pytest.param('x if not input.client.pod in ["a"]', "2:10", "`input.client.pod`", id="not: in"),
    pytest.param('x if not input.client.pod != "a"', "2:10", "`input.client.pod`", id="not: unequal"),
    pytest.param('x if not startswith(input.client.pod, "a")', "2:21", "`input.client.pod`", id="not: call"),
    pytest.param("x if not [input.client.pod] == [1]", "2:11", "`input.client.pod`", id="not: array"),
    pytest.param("f(y) := y.a\nx if not lower(f(input))", "3:16", "`f(…)` may be", id="not: function in a call"),
    pytest.param("q := 1 if input.answer\nx if not data.m[q]", "3:17", "`q` may be", id="not: rule in an index"),
    pytest.param("x if { some o in data.list; not data.m[o.m] }", "2:40", "`o.m`", id="not: field of a variable"),
    pytest.param("x := {o | some o in data.list; not data.m[o.m]}", "2:43", "`o.m`", id="not: in a comprehension"),
    pytest.param("x if { every o in data.list { not data.m[o.m] } }", "2:42", "`o.m`", id="not: in every"),
    pytest.param("x if not data.m[_]", "2:17", "`_` has no value", id="not: wildcard"),
    pytest.param("x if { some k; not data.m[k] }", "2:27", "`k` has no value", id="not: some"),
    pytest.param("x := http.send({})", "2:6", "http.send may not be called", id="http.send"),
    pytest.param("x := opa.runtime()", "2:6", "opa.runtime may not be called", id="opa.runtime"),
    pytest.param('x := net.lookup_ip_addr("a")', "2:6", "may not be called", id="net.lookup_ip_addr"),
    pytest.param('x := rand.intn("a", 3)', "2:6", "chance", id="rand.intn"),
    pytest.param('x := uuid.rfc4122("a")', "2:6", "chance", id="uuid"),
    pytest.param('x := crypto.sha256("a")', "2:6", "does not have it", id="builtin that is missing"),
    pytest.param("f(x) := 1\nx if f(1) with f as http.send", "3:21", "may not be called", id="http.send by with"),
    pytest.param('x := strtswith("a", "b")', "2:6", "did you mean startswith?", id="unknown builtin"),
    pytest.param("x := data.other.f(1)", "2:6", "no function data.other.f", id="unknown function"),
    pytest.param('x := lower("a", "b")', "2:6", "takes 1 argument, not 2", id="arguments of a builtin"),
    pytest.param("f(a) := a\nx := f(1, 2)", "3:6", "takes 1 argument, not 2", id="arguments of a function"),
    pytest.param("x := numbers.range(1, count(input.query.name))", "2:6", "constant", id="range of the input"),
    pytest.param("x := numbers.range(1, 1000000)", "2:6", "more than 100000", id="long range"),
    pytest.param('x := net.cidr_expand("10.0.0.0/8")', "2:6", "more than 100000", id="wide prefix"),
    pytest.param("x := net.cidr_expand(input.client.ip)", "2:6", "constant", id="expansion of the input"),
    pytest.param('x := strings.replace_n({"a": "b"}, "a")', "2:6", "call replace for each", id="replacements in turn"),
    pytest.param('x := sprintf("%d%% %t", [1, true])', "2:6", "write %v", id="verb t"),
    pytest.param("x if { some y; [7][y] }\ny := 1", "2:13", "is data.dnspolicy.y, too", id="some: a rule"),
    pytest.param("x := [1 | some y in [2]]\ny := 1", "2:16", "is data.dnspolicy.y, too", id="some in: a rule"),
    pytest.param("import data.m.a\nx if { some a in [1] }", "3:13", "is data.m.a, too", id="some in: an import"),
    pytest.param("import data.m.a as y\ny := 2\nx := y", "2:1", "it would be the rule", id="import and rule"),
    pytest.param('x if semver.is_valid("v1.2.3")', "2:6", "write regex.match", id="semver.is_valid"),
    pytest.param('x := time.parse_ns("06", "70")', "2:6", "write time.parse_rfc3339_ns", id="time.parse_ns"),
    pytest.param("x := sprintf(input.query.name, [])", "2:14", "constant template", id="sprintf: template"),
    pytest.param('x := sprintf("%-5d", [1])', "2:6", "%-5d otherwise", id="sprintf: verb"),
    pytest.param('x := sprintf("%v", [1, 2])', "2:6", "2 values for 1 verbs", id="sprintf: values"),
    pytest.param('x if glob.match("[!a]", ["."], "b")', "2:18", "write regex.match", id="glob: negated class"),
    pytest.param('x if glob.match("a**b", ["."], "b")', "2:18", "write regex.match", id="glob: stars in a word"),
    pytest.param('x if glob.match("{,a}", ["."], "b")', "2:18", "write regex.match", id="glob: empty alternative"),
    pytest.param('x if glob.match("a*", ["::"], "b")', "2:25", "one character", id="glob: delimiter"),
    pytest.param('x if glob.match("a*", null, "b")', "2:23", "without delimiters", id="glob: no delimiters"),
    pytest.param("x if regex.match(`[[a]]`, input.query.name)", "2:19", "otherwise", id="regex: class in a class"),
    pytest.param("x if regex.match(`a{,2}`, input.query.name)", "2:19", "otherwise", id="regex: half a repetition"),
    pytest.param("x if regex.match(`a**`, input.query.name)", "2:19", "otherwise", id="regex: repetition twice"),
    pytest.param("x := regex.split(`x*`, input.query.name)", "2:19", "empty text", id="regex: split at nothing"),
    pytest.param('x := time.format([0, "UTC", "RFC822"])', "2:30", "names of zones", id="layout with a zone's name"),
    pytest.param("x := time.add_date(0, 0, 1, 0)", "2:26", "add days", id="months"),
    pytest.param("f(y) := y.b if is_object(y)\nelse := 1", "2:9", "does not try its `else`", id="else: field"),
    pytest.param("f(y) := 1 if y == 2 else := y.b if y else := 3", "2:29", "`y.b` may be", id="else: of an else"),
    pytest.param("g(y) := y.b\nf(y) := g(y) if y else := 1", "3:9", "`g(…)` may be", id="else: function"),
    pytest.param("f(y) := [y.b] if y else := 1", "2:10", "`y.b` may be", id="else: in an array"),
    pytest.param("f(y) := data.m[y] if y else := 1", "2:9", "`data.m[y]` may be", id="else: data"),
    pytest.param("f(y) := to_number(y) if y else := 1", "2:9", "`to_number(…)` may be", id="else: builtin that fails"),
    pytest.param("f(y) := 1 / y if y else := 1", "2:9", "a division may be undefined", id="else: division"),
    pytest.param("f(y) := y.b if not y.b == 2 else := 1", "2:9", "`y.b` may be", id="else: only negated"),
    pytest.param('x := input.client.pod in ["a"]', "2:6", "and then `in` is false", id="in: value"),
    pytest.param('x if { y := input.client.pod in ["a"]; not y }', "2:13", "`input.client.pod`", id="in: assigned"),
    pytest.param('x if ("a" in input.answer.names) == false', "2:14", "`input.answer.names`", id="in: compared"),
    pytest.param('x := [1 | (input.client.pod in ["a"]) == false]', "2:12", "pod`", id="in: in a comprehension"),
    pytest.param('x if count([input.client.pod in ["a"]]) == 1', "2:13", "`input.client.pod`", id="in: in an array"),
    pytest.param('f(y) := y.b in ["a"]', "2:9", "`y.b` may be", id="in: value of a function"),
    pytest.param(
        "x := to_number(input.query.name) in [1]", "2:6", "`to_number(…)` may be", id="in: builtin that fails"
    ),
    pytest.param("x := y\ny := x", "2:1", "needs itself: data.dnspolicy.x → data.dnspolicy.y → data", id="circle"),
    pytest.param("f(a) := f(a)", "2:1", "needs itself", id="function that calls itself"),
    pytest.param("f(a) := g(a)\ng(a) := f(a)", "2:1", "needs itself", id="functions that call each other"),
    pytest.param("x contains y if { y := data.dnspolicy[_] }", "2:1", "needs itself", id="circle by the package"),
    pytest.param("f(a) := b if a", "2:9", "`b` has no value", id="head without a value"),
    pytest.param("x if y == z", "2:", "unsafe", id="unsafe variable"),
    pytest.param("x := to_number(input.query.name)", "2:", "could not parse", id="error with a sample"),
    pytest.param("x := 1\nx := 2", "", "conflict", id="two values"),
]
ACCEPTED = [
    pytest.param("x if not input.client.pod", id="not: path"),
    pytest.param('x if not input.client.pod == "a"', id="not: equal"),
    pytest.param("x if not data.m[input.query.name]", id="not: index that is always there"),
    pytest.param("x if not input.query.name in data.list", id="not: data that is there"),
    pytest.param("default q := false\nx if not data.m[q]", id="not: rule with a default"),
    pytest.param("q := 3\nx if not data.m[q]", id="not: constant rule"),
    pytest.param("q contains 1\nx if not count(q) == 1", id="not: partial set"),
    pytest.param("x if { o := data.list[_]; m := o.m; not data.m[m] }", id="not: bound before"),
    pytest.param("f(a) if a == 1\nx if not f(input.query.name)", id="not: function"),
    pytest.param("x if not {y | y := input.answer.rcode} == set()", id="not: comprehension"),
    pytest.param("x contains m if { some o in data.list; m := o.m }", id="set: bound before"),
    pytest.param("x contains input.query.name", id="set: always there"),
    pytest.param('x := input.client.pod if input.client.kind == "pod"', id="value without iteration"),
    pytest.param("x := [o.m | some o in data.list]", id="comprehension"),
    pytest.param("f(o) := o.m if some k in o", id="function"),
    pytest.param("row := 1\nf(row) if not data.m[row]", id="argument named as a rule"),
    pytest.param("x := numbers.range(1, 10)", id="constant range"),
    pytest.param('x := net.cidr_expand("10.0.0.0/30")', id="narrow prefix"),
    pytest.param("x := time.now_ns()", id="clock"),
    pytest.param('x := sprintf("%%t %v", [true])', id="no verb t"),
    pytest.param("x if { print(input.client.ip); true }", id="print"),
    pytest.param('x := object.get(input, ["client", "pod"], "")', id="object.get"),
    pytest.param('x := sprintf("%s %d%% %05d %.2f", ["a", 1, 2, 0.5])', id="verbs"),
    pytest.param('x if glob.match("{db,api}.**", ["."], input.query.name)', id="glob: alternatives"),
    pytest.param('x if glob.match("[a-z]*.*.example", [], input.query.name)', id="glob: class"),
    pytest.param("x if regex.match(`^[a-z]{1,3}\\d+[^.]*?(?i:a|b)$`, input.query.name)", id="regex"),
    pytest.param("x := time.add_date(0, 0, 0, 3)", id="days"),
    pytest.param("import rego.v1\nx if true", id="import rego.v1"),
    pytest.param("x := input.client.pod if input.answer else := 1", id="else: no function"),
    pytest.param("f(y) := 1 if y.b else := y.c", id="else: the last value"),
    pytest.param("f(y) := y.b if y.b else := 1", id="else: a value that the body needs"),
    pytest.param("f(y) := y.b if y.b.c != 2 else := 1", id="else: a value of which the body needs a part"),
    pytest.param("f(y) := z if { z := y.b } else := 1", id="else: bound before"),
    pytest.param("f(y) := lower(y) if is_string(y) else := 1", id="else: builtin"),
    pytest.param("f(y) := {z | z := y.b} if y else := 1", id="else: comprehension"),
    pytest.param("f(y) := y / 2 if is_number(y) else := 1", id="else: halves"),
    pytest.param('x if input.client.pod in ["a"]', id="in: condition"),
    pytest.param('x if "a" in input.answer.names', id="in: condition on a collection"),
    pytest.param('x := [1 | input.client.pod in ["a"]]', id="in: condition of a comprehension"),
    pytest.param('x := input.query.name in ["a"]', id="in: value that is always there"),
    pytest.param('x := y in ["a"] if y := input.client.pod', id="in: bound before"),
    pytest.param('x := input.client.pod in ["a"] if input.client.pod != ""', id="in: a value that the body needs"),
]
DATA = {"data.json": '{"m": {"a": 1}, "list": [{"m": 1}, {"k": 2}]}'}


@pytest.mark.parametrize(("rego", "place", "says"), REFUSED)
def test_refused(tmp_path: Path, rego: str, place: str, says: str) -> None:
    found = complaints(tmp_path, rego + "\n" + DECIDES, **DATA)
    assert f"{tmp_path}/policy.rego:{place}" in found
    assert says in found


@pytest.mark.parametrize("rego", ACCEPTED)
def test_accepted(tmp_path: Path, rego: str) -> None:
    assert complaints(tmp_path, rego + "\n" + DECIDES, **DATA) == ""


def test_all_complaints_come_at_once_with_line_and_caret(tmp_path: Path) -> None:
    found = complaints(tmp_path, "x := http.send({})\n\ny if {\n\tnot data.m[input.client.pod]\n}\n" + DECIDES)
    assert found.splitlines() == [
        f"{tmp_path}/policy.rego:2:6: http.send may not be called: a decision must not wait for the network; "
        "put what it needs into data",
        "    | x := http.send({})",
        "    |      ^",
        f"{tmp_path}/policy.rego:5:13: `input.client.pod` may be undefined, and then `not` is true; "
        "bind it first in the body, such as `x := …`, and use that",
        "    | \tnot data.m[input.client.pod]",
        "    | \t           ^",
    ]


def test_parse_errors_of_all_files_come_at_once(tmp_path: Path) -> None:
    found = complaints(tmp_path, "x := {\n", **{"b.rego": "y := \n"})
    assert f"{tmp_path}/policy.rego:" in found
    assert f"{tmp_path}/b.rego:" in found


def test_no_entrypoint_names_the_nearest(tmp_path: Path) -> None:
    found = complaints(tmp_path, f"decison := {ALLOW}")
    assert "no rule data.dnspolicy.decision, the entrypoint; did you mean data.dnspolicy.decison?" in found


def test_a_rule_and_a_value_at_one_place(tmp_path: Path) -> None:
    found = complaints(tmp_path, "m := 1\n" + DECIDES, **{"dnspolicy/data.json": '{"m": 2}'})
    assert f"{tmp_path}/policy.rego:2:1: data.dnspolicy.m is a rule here and a value in a data file" in found


def test_imports_are_each_files_own(tmp_path: Path) -> None:
    """The embedded engine keeps those of a package together: the last one of a name would be in force in all files."""
    files = {
        "a.rego": "import data.m.a as n\n\np := n\n",
        "b.rego": "import data.list as n\n\nq := n\n",
        "c.rego": "r := n\n",
        "d.rego": "s := n if { n := 3 }\n",
    }
    found = complaints(tmp_path, DECIDES, **files, **DATA)
    assert f"{tmp_path}/b.rego:2:1: `n` is data.m.a in {tmp_path}/a.rego, of the same package" in found
    assert f"{tmp_path}/c.rego:2:6: `n` is imported in {tmp_path}/a.rego, not here; import it here too" in found
    assert "d.rego" not in found


@pytest.mark.parametrize(
    "other",
    [
        pytest.param('f(x, y) := "b" if x != y', id="other arguments"),
        pytest.param('f(right, left) := "b" if left == "x"', id="the same in another order"),
        pytest.param('f(left, right) := "b" if left != right', id="the same"),
        pytest.param('f("a", "b") := "b"', id="constants"),
        pytest.param("package lib\nimport data.dnspolicy\nx := dnspolicy.g(1)", id="of a reference"),
    ],
)
def test_a_function_lies_in_one_file(tmp_path: Path, other: str) -> None:
    """Else what the second file makes of its arguments depends on where they stand in the first."""
    files = {"b.rego": 'f(left, right) := "a" if left == right\n\ng(_) := f(1, 2)\n', "c.rego": f"{other}\n"}
    found = complaints(tmp_path, DECIDES, **files)
    if "package" in other:
        assert found == ""
    else:
        assert f"{tmp_path}/c.rego:2:1: function data.dnspolicy.f is defined in {tmp_path}/b.rego too" in found


LIB = "package lib\n\nf(_) := 1\n\ng(_) := f(2)\n"
NOT_REPLACED = "`with {}` would not replace the call of {} in {{}}/{}"
REPLACED = [
    pytest.param(
        "x if f(1) with data.dnspolicy.f as h",
        "2:16",
        NOT_REPLACED.format("data.dnspolicy.f", "f", "policy.rego:2"),
        id="short",
    ),
    pytest.param(
        "x if data.dnspolicy.f(1) with f as h",
        "2:31",
        NOT_REPLACED.format("f", "data.dnspolicy.f", "policy.rego:2"),
        id="full",
    ),
    pytest.param(
        "x if data.lib.g(1) with data.lib.f as 3",
        "2:25",
        NOT_REPLACED.format("data.lib.f", "f", "lib.rego:5"),
        id="elsewhere",
    ),
    pytest.param(
        "import data.lib\nx if lib.g(1) with lib.f as h",
        "3:20",
        NOT_REPLACED.format("data.lib.f", "f", "lib.rego:5"),
        id="imported",
    ),
    pytest.param(
        "x if data.lib.g(1) with f as h",
        "2:25",
        "`with f` would replace f in {}/lib.rego:5 too, which is another function",
        id="another",
    ),
]


@pytest.mark.parametrize(("rego", "place", "says"), REPLACED)
def test_a_function_that_would_not_be_replaced(tmp_path: Path, rego: str, place: str, says: str) -> None:
    found = complaints(tmp_path, f"{rego}\n{DECIDES}", **{"lib.rego": LIB, "b.rego": "f(_) := 1\n\nh(_) := 2\n"})
    assert f"{tmp_path}/policy.rego:{place}: {says.format(tmp_path)}" in found


@pytest.mark.parametrize(
    "rego",
    [
        pytest.param("x if f(1) with f as h", id="short"),
        pytest.param("x if data.lib.g(1) with data.lib.g as h", id="full"),
        pytest.param("import data.lib as l\nx if l.g(1) with data.lib.g as h", id="imported"),
        pytest.param("import data.lib as l\nx if data.lib.g(1) with l.g as 4", id="as a value"),
        pytest.param("x if lower(1) with lower as h", id="builtin"),
        pytest.param("x if data.lib.g(1) with data.lib.g as h\ny := data.lib.k(1)", id="another call elsewhere"),
        pytest.param("x if data.lib.v with data.lib.v as 3", id="rule"),
    ],
)
def test_a_function_that_is_replaced(tmp_path: Path, rego: str) -> None:
    files = {"lib.rego": "package lib\n\ng(_) := 1\n\nk(_) := g(2)\n\nv := 2\n", "b.rego": "f(_) := 1\n\nh(_) := 2\n"}
    assert complaints(tmp_path, f"{rego}\n{DECIDES}", **files) == ""


def test_what_a_file_says_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    found = complaints(tmp_path, 'x := http.send("\x1b[31m")\n' + DECIDES)
    assert "\x1b" not in found
