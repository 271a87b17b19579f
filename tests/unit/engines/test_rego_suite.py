"""`dnspolicy policy test`, as users of `opa test` know it."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from dnspolicy.cli import policy
from dnspolicy.cli.policy.test import duration
from dnspolicy.engines.rego.binding import Binding
from dnspolicy.model.errors import ConfigError
from tests.unit.engines.rego_folders import write

pytestmark = pytest.mark.usefixtures("binding")
POLICY = """
    package a.b

    x := 1 if input.y

    z := 2 if input.q
    """
TESTS = """
    package a.b_test

    import data.a.b

    test_holds if b.x == 1 with input.y as 1

    test_fails if {
      print("said", 3)
      b.x == 2 with input.y as 1
    }

    todo_test_later if false
    """


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    policy.add_parser(parser.add_subparsers())
    code = policy.run(parser.parse_args(["policy", "test", *map(str, words)]))
    captured = capsys.readouterr()
    return code, re.sub(r"\([\d.]+(µs|ms|s|ns)\)", "(…)", captured.out), captured.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, {"p.rego": POLICY, "p_test.rego": TESTS})


def test_failures_are_shown_with_file_and_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, folder) == (
        2,
        f"{folder}/p_test.rego:7:\n"
        "data.a.b_test.test_fails: FAIL (…)\n"
        "\n  said 3\n\n"
        f"{folder}/p_test.rego:12:\n"
        "data.a.b_test.todo_test_later: SKIPPED\n" + "-" * 80 + "\nPASS: 1/3\nFAIL: 1/3\nSKIPPED: 1/3\n",
        "",
    )


def test_passing_tests_are_shown_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, folder, "--run", "holds", "-v")
    assert code == 0
    assert out == f"{folder}/p_test.rego:5:\ndata.a.b_test.test_holds: PASS (…)\n" + "-" * 80 + "\nPASS: 1/1\n"


def test_all_passing_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, folder, "-r", r"^data\.a\.b_test\.test_holds$") == (0, "PASS: 1/1\n", "")


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, folder, "--format", "json")
    rows = json.loads(out)
    assert code == 2
    assert [(r["name"], r.get("fail", False), r.get("skip", False), r["location"]["row"]) for r in rows] == [
        ("test_holds", False, False, 5),
        ("test_fails", True, False, 7),
        ("todo_test_later", False, True, 12),
    ]
    assert rows[1]["output"] == "said 3"
    assert rows[0]["package"] == "data.a.b_test"


def test_coverage_and_threshold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, folder, "--run", "holds", "--coverage", "--threshold", "99")
    assert code == 2
    assert re.search(rf"^100\.00%  {folder}/p\.rego$", out, re.MULTILINE)
    assert re.search(rf"^ *\d+\.\d\d%  {folder}/p_test\.rego  not covered: 8-9", out, re.MULTILINE)
    assert err.startswith("Code coverage threshold not met: got ")
    assert run(capsys, folder, "--run", "holds", "--threshold", "10")[0] == 0


def test_coverage_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, folder, "--run", "holds", "-c", "-f", "json")
    report = json.loads(out)
    assert report["coverage"]["files"][f"{folder}/p.rego"]["not_covered_lines"] == 0
    assert report["results"][0]["name"] == "test_holds"


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        pytest.param("test_x := true", "PASS", id="true"),
        pytest.param("test_x := false", "FAIL", id="false"),
        pytest.param("test_x := 3", "FAIL", id="number"),
        pytest.param("y := 1\ny := 2\ntest_x if y", "ERROR", id="error"),
        pytest.param("test_x[c] if some c in [1, 2]", "ERROR", id="cases"),
        pytest.param("test_x contains 1", "FAIL", id="set"),
        pytest.param("test_x if not input", "PASS", id="no input"),
    ],
)
def test_outcomes(tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, outcome: str) -> None:
    code, out, _ = run(capsys, write(tmp_path, {"p.rego": "x := 1", "p_test.rego": rule}), "-v")
    assert f".test_x: {outcome}" in out
    assert code == (0 if outcome == "PASS" else 2)


def test_a_builtin_that_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str], binding: Binding) -> None:
    """Undefined as in `opa test`, where the binding can do that."""
    _, out, _ = run(capsys, write(tmp_path, {"p.rego": "x := 1", "p_test.rego": 'test_x if to_number("a")'}), "-v")
    assert f".test_x: {'FAIL' if binding is Binding.NATIVE else 'ERROR'}" in out


def test_what_the_server_refuses_is_refused_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"p.rego": "x := http.send({})", "p_test.rego": "test_x := true"})
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (1, "")
    assert "p.rego:2:6: http.send may not be called" in err


def test_a_function_that_would_not_be_replaced_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = """
        package a_test

        test_x if data.a.x == 2 with data.a.f as 2

        test_y if data.a.y == 2 with data.a.f as 2
        """
    write(tmp_path, {"p.rego": "package a\n\nf(_) := 1\n\nx := data.a.f(1)\n\ny := f(1)\n", "p_test.rego": tests})
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith(f"{tmp_path}/p_test.rego:5:30: `with data.a.f` would not replace the call of f in ")
    assert f"{tmp_path}/p.rego:7; call it data.a.f there, or write `with f`" in err
    assert "_test.rego:3" not in err
    (tmp_path / "p.rego").write_text("package a\n\nf(_) := 1\n\nx := data.a.f(1)\n\ny := data.a.f(1)\n")
    assert run(capsys, tmp_path) == (0, "PASS: 2/2\n", "")


def test_a_file_that_does_not_parse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, write(tmp_path, {"p.rego": "x :=", "p_test.rego": "test_x := true"}))
    assert code == 1
    assert f"{tmp_path}/p.rego:" in err


def test_no_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, write(tmp_path, {"p.rego": "x := 1"})) == (0, "", "no tests found\n")


def test_data_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"p.rego": "x := data.a.n", "p_test.rego": "test_x if x == 4", "a/data.json": '{"n": 4}'}
    assert run(capsys, write(tmp_path, files))[0] == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(2.0, "2s", id="s"),
        pytest.param(0.0015, "1.5ms", id="ms"),
        pytest.param(0.0001234, "123.4µs", id="µs"),
        pytest.param(3e-7, "300ns", id="ns"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


MEASURED = r"^{name}\t +\d+\t +[\d.]+ ns/op$"


@pytest.mark.parametrize("count", [1, 3])
def test_bench(count: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (folder, "--bench", "--count", count, "--seconds", "0.001", "--run", "holds")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert len(re.findall(MEASURED.format(name="data.a.b_test.test_holds"), out, re.MULTILINE)) == count
    assert out.endswith("-" * 80 + "\nPASS: 1/1\n")


def test_bench_for_benchstat(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, folder, "--bench", "--seconds", "0.001", "--run", "holds", "--format", "gobench")
    assert re.search(MEASURED.format(name="BenchmarkDataABTestTestHolds"), out, re.MULTILINE)


def test_bench_says_what_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, folder, "--bench", "--seconds", "0.001")
    assert code == 2
    assert "data.a.b_test.test_fails: FAIL (…)" in out
    assert out.endswith("PASS: 1/3\nFAIL: 1/3\nSKIPPED: 1/3\n")


def test_bench_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, folder, "--bench", "--seconds", "0.001", "--format", "json")
    rows = {row["name"]: row for row in json.loads(out)}
    result = rows["test_holds"]["benchmark_result"]
    assert sorted(result) == ["Bytes", "Extra", "MemAllocs", "MemBytes", "N", "T"]
    assert result["N"] > 0
    assert result["T"] == rows["test_holds"]["duration"] > 0
    assert rows["test_fails"]["fail"] is True
    assert rows["test_fails"]["benchmark_result"]["N"] == 0


@pytest.mark.parametrize(
    "words", [("--bench", "--coverage"), ("--format", "gobench")], ids=["coverage", "nothing measured"]
)
def test_options_that_do_not_go_together(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError):
        run(capsys, folder, *words)
