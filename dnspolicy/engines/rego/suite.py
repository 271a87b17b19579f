"""Tests of policies, as `opa test` runs them: every rule whose name begins with `test_` must be true."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dnspolicy.engines.rego.binding import Binding, evaluator
from dnspolicy.engines.rego.errors import from_regorus, refuse
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.load import look
from dnspolicy.engines.rego.parse import UnknownSyntax, module
from dnspolicy.engines.rego.program import Placed, Program
from dnspolicy.engines.rego.sources import Limits, read

TEST = "test_"
TODO = "todo_test_"
SECONDS = 5.0
"""What one test may take, where the binding can limit it; `opa test` has the same limit."""


class Result(msgspec.Struct, frozen=True):
    """One test. `seconds` of evaluation; `error` says why it could not be evaluated."""

    package: str
    name: str
    file: str
    line: int
    passed: bool = False
    skipped: bool = False
    seconds: float = 0.0
    error: str = ""
    printed: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.package}.{self.name}"


class Coverage(msgspec.Struct, frozen=True):
    """Lines with something to evaluate, by file: those the tests came by, and those they did not."""

    files: dict[str, tuple[list[int], list[int]]]

    def percent(self, file: str | None = None) -> float:
        """Share of covered lines, of one file or of all; 100 when there are none."""
        rows = [self.files[file]] if file is not None else list(self.files.values())
        covered, all_lines = sum(len(c) for c, _ in rows), sum(len(c) + len(n) for c, n in rows)
        return 100.0 * covered / all_lines if all_lines else 100.0


class Suite:
    """The tests in some folders. Raises PolicyLoadError when policies or tests cannot be used.

    What is checked of policies at load is checked here too, in a process of its own, but for the tests themselves.
    """

    def __init__(self, folders: Sequence[Path | str], coverage: bool = False, binding: Binding | None = None) -> None:
        sources, problems = read([Path(f) for f in folders], Limits(), tests=True)
        if problems:
            raise refuse(problems)
        look(sources, binding)
        self._texts = {s.file: s.text for s in sources.policies}
        self._evaluator = evaluator(binding, strict=False)
        self._evaluator.seconds = SECONDS
        if coverage:
            self._evaluator.cover()
        try:
            for source in sources.policies:
                self._evaluator.add_policy(source)
            self._evaluator.add_data(sources.data)
            modules = [module(tree) for tree in self._evaluator.trees()]
        except (RegoError, UnknownSyntax) as problem:
            raise refuse([from_regorus(str(problem), self._texts, "policy")]) from None
        self._program = Program(modules, msgspec.json.decode(sources.data))

    def run(self, pattern: str = "") -> Iterator[Result]:
        """Evaluate the tests whose full name the regular expression is found in, by file and line."""
        wanted = re.compile(pattern)
        seen: set[str] = set()
        for placed in sorted(self._program.rules, key=lambda p: (p.module.file, p.rule.at)):
            found = _test(placed)
            if found is not None and found.full_name not in seen and wanted.search(found.full_name):
                seen.add(found.full_name)
                yield found if found.skipped or found.error else self._evaluate(found)

    def repeat(self, test: Result, times: int) -> float:
        """Seconds that so many evaluations of a test take together. Raises RegoError."""
        evaluate, name = self._evaluator.alone, test.full_name
        began = time.perf_counter()
        for _ in range(times):
            evaluate(name)
        seconds = time.perf_counter() - began
        self._evaluator.prints()
        return seconds

    def coverage(self) -> Coverage:
        """What the tests came by so far."""
        return Coverage(dict(sorted(self._evaluator.coverage().items())))

    def _evaluate(self, test: Result) -> Result:
        began = time.perf_counter()
        value, error = None, ""
        try:
            value = self._evaluator.alone(test.full_name)
        except RegoError as problem:
            error = str(from_regorus(str(problem), self._texts, test.file)).partition("\n")[0]
        seconds = time.perf_counter() - began
        printed = tuple(re.sub(r"^.*?:\d+: ", "", line) for line in self._evaluator.prints())
        return msgspec.structs.replace(test, passed=value == b"true", seconds=seconds, error=error, printed=printed)


def _test(placed: Placed) -> Result | None:
    """The test that a rule is, not yet evaluated."""
    name = str(placed.path[len(placed.module.package)])
    if placed.rule.arguments or not name.startswith((TEST, TODO)):
        return None
    line = placed.module.text.encode()[: placed.rule.at].count(b"\n") + 1
    package = ".".join(("data", *placed.module.package))
    cases = (
        "" if None not in placed.path else "a test with cases, such as test_x[case], is not supported; write one each"
    )
    return Result(package, name, placed.module.file, line, skipped=name.startswith(TODO), error=cases)
