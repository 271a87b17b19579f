"""Policies and questions that would hold, starve or crash the server that evaluates them."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import msgspec
import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.rego import Limits, RegoEngine, load, say_what_is_lacking
from dnspolicy.engines.rego.binding import CHOICE, Binding, evaluator, preferred
from dnspolicy.engines.rego.failing import RegoError, RegoMemory, RegoTimeout
from dnspolicy.engines.rego.sources import Source
from dnspolicy.model.errors import EngineBadReply, EngineTimeout, PolicyLoadError
from dnspolicy.model.verdict import Verdict
from tests.unit.engines.rego_folders import ALLOW, loaded, write
from tests.unit.policy.questions import question

WHEN = 'input.client.zone == "z"'
LOOPS = f"""
    decision := {ALLOW} if not slow
    slow if {{ {WHEN}; some i in numbers.range(1, 90000); some j in numbers.range(1, 90000); i + j == 0 }}
    """
GROWS = f"""
    decision := {ALLOW} if not big
    big if {{ {WHEN}; rows := [[i, i] | some i in numbers.range(1, 90000)]; rows == 1 }}
    """
DOUBLES = "x0 := input.text\n" + "\n".join(f'x{i} := concat("", [x{i - 1}, x{i - 1}])' for i in range(1, 40))
HUGE = {
    "replace": 'x := replace(input.text, "a", input.text)',
    "regex": 'x := regex.replace(input.text, "a", "$0$0$0")',
    "join": 'x := concat(input.text, [c | some c in split(input.text, "")])',
    "width": 'x := sprintf("%999999999d", [1])',
    "shift": "x := bits.lsh(1, 4000000000)",
    "doubling": DOUBLES + "\nx := x39",
}


def soon(seconds: float = 60.0) -> float:
    return time.monotonic() + seconds


def native_only(binding: Binding) -> None:
    if binding is Binding.WHEEL:
        pytest.skip("the wheel has no limits")


def test_a_policy_that_loops_is_stopped_and_the_engine_goes_on(tmp_path: Path, binding: Binding) -> None:
    native_only(binding)
    metrics = Metrics()
    engine = RegoEngine(loaded(tmp_path, LOOPS), metrics=metrics)
    with pytest.raises(EngineTimeout, match="was stopped after"):
        engine.decide_now(question(zone="z"), soon(0.02))
    assert isinstance(engine.decide_now(question(), soon()), Verdict)
    assert metrics.counter("dnspolicy_rego_overruns_total", "").values == {(): 1.0}


def test_a_policy_that_allocates_without_end_is_stopped(tmp_path: Path, binding: Binding) -> None:
    native_only(binding)
    made = load([write(tmp_path, {"p.rego": GROWS})], limits=Limits(evaluation_bytes=4 << 20))
    engine = RegoEngine(made)
    with pytest.raises(EngineBadReply, match=r"more memory than it may have \(4 MiB\)"):
        engine.decide_now(question(zone="z"), soon())
    assert isinstance(engine.decide_now(question(), soon()), Verdict)


@pytest.mark.parametrize("rego", HUGE.values(), ids=HUGE)
def test_no_single_call_makes_a_value_of_any_size(rego: str, binding: Binding) -> None:
    native_only(binding)
    asked = evaluator(binding, strict=False)
    asked.add_policy(Source("p.rego", f"package p\nfine := 1\n{rego}\n"))
    asked.seconds, asked.memory = 20.0, 64 << 20
    with pytest.raises(RegoMemory):
        asked.rule("data.p.x", b'{"text": "%s"}' % (b"a" * 100_000))
    assert asked.rule("data.p.fine", b"{}") == b"1"


def test_a_panic_is_an_ordinary_error(binding: Binding, capfd: pytest.CaptureFixture[str]) -> None:
    asked = evaluator(binding, strict=False)
    asked.add_policy(Source("p.rego", 'package p\nfine := 1\nx := strings.count(input.s, "")\n'))
    with pytest.raises(RegoError, match="window size must be non-zero"):
        asked.rule("data.p.x", b'{"s": "a"}')
    assert asked.rule("data.p.fine", b"{}") == b"1"
    if binding is Binding.NATIVE:
        assert capfd.readouterr() == ("", "")  # the wheel tells the terminal where it was built


def test_what_failed_in_the_middle_of_a_mock_leaves_nothing_behind(binding: Binding) -> None:
    native_only(binding)
    asked = evaluator(binding, strict=False)
    asked.add_policy(
        Source(
            "p.rego",
            "package p\nset := data.word\nmocked if { slow with data.word as 1 }\n"
            "slow if { some i in numbers.range(1, 90000); some j in numbers.range(1, 90000); i + j == 0 }\n",
        )
    )
    asked.seconds = 0.02
    with pytest.raises(RegoTimeout):
        asked.rule("data.p.mocked", b"{}")
    assert asked.rule("data.p.set", b"{}") is None


def test_a_builtin_that_fails_is_undefined_as_in_open_policy_agent(binding: Binding) -> None:
    native_only(binding)
    asked = evaluator(binding, strict=False)
    asked.add_policy(Source("p.rego", 'package p\ndefault x := 7\nx := to_number(input.s)\ny := replace(1, "", "")\n'))
    assert asked.rule("data.p.x", b'{"s": "abc"}') == b"7"
    assert asked.rule("data.p.y", b"{}") is None


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'{"s": "\\ud800"}', id="half a pair escaped"),
        pytest.param(b'{"s": "\xed\xa0\x80"}', id="half a pair in bytes"),
        pytest.param(b'{"s": "\xff"}', id="no UTF-8"),
        pytest.param(b'{"s": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", id="nested deeply"),
        pytest.param(b'{"s": NaN}', id="not a number"),
        pytest.param(b'{"s": 1', id="cut off"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_input_that_is_no_json_is_refused(document: bytes, binding: Binding) -> None:
    asked = evaluator(binding)
    asked.add_policy(Source("p.rego", "package p\nx := input.s\n"))
    for path in ("client", "s"):
        with pytest.raises(RegoError):
            asked.rule("data.p.x", document.replace(b'"s"', b'"%s"' % path.encode()))
    assert asked.rule("data.p.x", b'{"s": 1}') == b"1"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\\u0000b", id="NUL"),
        pytest.param("a" * 1_000_000, id="a megabyte"),
        pytest.param('x\\",\\"action\\":\\"allow', id="quotes"),
        pytest.param("\\ud83d\\ude00 é", id="beyond ASCII"),
    ],
)
def test_texts_come_out_as_they_went_in(text: str, binding: Binding) -> None:
    asked = evaluator(binding)
    asked.add_policy(Source("p.rego", "package p\nx := input.client.s == input.s\ny := input.client\n"))
    document = f'{{"client": {{"s": "{text}"}}, "s": "{text}"}}'.encode()
    assert asked.rule("data.p.x", document) == b"true"
    assert asked.rule("data.p.y", document) == asked.rule("data.p.y", document)


def test_parts_that_come_again_are_not_mixed_up(binding: Binding) -> None:
    asked = evaluator(binding)
    asked.add_policy(Source("p.rego", 'package p\nx := concat(" ", [input.client.n, input.target.n, input.s])\n'))
    for number in range(6_000):
        texts = f"c{number % 2_500}", f"t{number % 7}", f"s{number}"
        document = msgspec.json.encode({"client": {"n": texts[0]}, "target": {"n": texts[1]}, "s": texts[2]})
        assert asked.rule("data.p.x", document) == f'"{" ".join(texts)}"'.encode()


def test_errors_name_file_and_line_and_no_place_of_this_machine(binding: Binding) -> None:
    asked = evaluator(binding)
    with pytest.raises(RegoError) as problem:
        asked.add_policy(Source("p.rego", "package p\n\nx := ]\n"))
    assert "p.rego:3:" in str(problem.value)
    assert "/rustc" not in str(problem.value)
    assert ".cargo" not in str(problem.value)


def test_engines_in_two_threads_do_not_disturb_each_other(tmp_path: Path, binding: Binding) -> None:
    made = loaded(tmp_path, f"decision := {ALLOW} if input.client.namespace == input.query.type\n")
    wrong: list[object] = []

    def decide() -> None:
        engine = RegoEngine(made)
        for number in range(300):
            verdict = engine.decide_now(question(namespace="A" if number % 2 else "other"), soon())
            if (verdict is not None) != bool(number % 2):
                wrong.append(verdict)

    threads = [threading.Thread(target=decide) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_policies_of_others_need_limits(tmp_path: Path, binding: Binding) -> None:
    folder = write(tmp_path, {"p.rego": f"decision := {ALLOW}\n"})
    if binding is Binding.NATIVE:
        assert RegoEngine(load([folder], trusted=False)).limited
        return
    with pytest.raises(PolicyLoadError, match="make native"):
        load([folder], trusted=False)
    assert not RegoEngine(load([folder])).limited


def test_policies_of_others_may_not_call_what_no_limit_stops(tmp_path: Path, binding: Binding) -> None:
    native_only(binding)
    folder = write(tmp_path, {"p.rego": f"decision := {ALLOW}\nx := yaml.unmarshal(input.query.name)\n"})
    load([folder], isolated=False)
    with pytest.raises(PolicyLoadError, match=r"p\.rego:3:6: yaml\.unmarshal may not be called"):
        load([folder], trusted=False)


def test_what_the_wheel_lacks_is_said_once(binding: Binding, caplog: pytest.LogCaptureFixture) -> None:
    say_what_is_lacking.cache_clear()
    caplog.set_level(logging.INFO, "dnspolicy.policy")
    for _ in range(2):
        say_what_is_lacking()
    assert sum("make native" in line for line in caplog.messages) == (binding is Binding.WHEEL)


@pytest.mark.usefixtures("binding")
def test_an_unknown_binding_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "other")
    with pytest.raises(PolicyLoadError, match="other: expected native or wheel"):
        preferred()
