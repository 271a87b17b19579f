"""`dnspolicy policy test`: run the tests of policies; output and exit codes as of `opa test`."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

from dnspolicy.cli.policy.measuring import Measured, benchmark, gobench, measure
from dnspolicy.engines.rego.suite import Coverage, Result, Suite
from dnspolicy.model.errors import ConfigError, PolicyLoadError

RULE = "-" * 80
FAILED = 2
NOT_LOADED = 1


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "test",
        help="run the tests of policies",
        description="Run every rule whose name begins with test_ in *_test.rego and other files of the folders. "
        "Exit code 0 when all pass, 2 when one fails or coverage is below the threshold, 1 when policies do not load.",
    )
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folder with policies, tests and data")
    parser.add_argument("-v", "--verbose", action="store_true", help="list passing tests too")
    parser.add_argument("-c", "--coverage", action="store_true", help="report the lines that tests came by")
    parser.add_argument("--threshold", type=_percent, default=0.0, metavar="N", help="least coverage in percent")
    parser.add_argument("-r", "--run", type=_pattern, default="", metavar="REGEX", help="only tests with such a name")
    parser.add_argument(
        "-f", "--format", choices=("pretty", "json", "gobench"), default="pretty", help="default: %(default)s"
    )
    parser.add_argument("--bench", action="store_true", help="measure how long each test takes")
    parser.add_argument("--count", type=_count, default=1, metavar="N", help="how often to measure (default: 1)")
    parser.add_argument(
        "--seconds", type=_seconds, default=1.0, metavar="S", help="how long to repeat a test (default: %(default)s)"
    )
    return parser


def _percent(text: str) -> float:
    if not (re.fullmatch(r"[0-9]*\.?[0-9]+", text) and float(text) <= 100):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return float(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


def _seconds(text: str) -> float:
    if not (re.fullmatch(r"[0-9]*\.?[0-9]+", text) and 0 < float(text) <= 60):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 60")
    return float(text)


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        raise argparse.ArgumentTypeError(f"not a regular expression: {problem}") from None
    return text


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser."""
    covers = args.coverage or args.threshold > 0
    if args.bench and covers:
        raise ConfigError("--bench and --coverage do not go together: counting lines takes time of its own")
    if args.format == "gobench" and not args.bench:
        raise ConfigError("--format gobench needs --bench")
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # an evaluation would hold Ctrl-C back until its end
    try:
        suite = Suite(args.folders, coverage=covers)
        results = list(suite.run(args.run))
        if args.bench:
            return _bench(suite, results, args)
        coverage = suite.coverage() if covers else None
    except PolicyLoadError as problem:
        print(problem, file=sys.stderr)
        return NOT_LOADED
    finally:
        signal.signal(signal.SIGINT, before)
    if not results:
        print("no tests found", file=sys.stderr)
    if args.format == "json":
        print(json.dumps(_document(results, coverage), indent=2))
    else:
        _print(results, coverage, args.verbose)
    return _code(results, coverage, args.threshold)


def _code(results: Sequence[Result], coverage: Coverage | None, threshold: float) -> int:
    if any(not (r.passed or r.skipped) for r in results):
        return FAILED
    if coverage is not None and coverage.percent() < threshold:
        reached = f"got {coverage.percent():.2f} instead of {threshold:.2f}"
        print(f"Code coverage threshold not met: {reached}", file=sys.stderr)
        return FAILED
    return 0


def _bench(suite: Suite, results: Sequence[Result], args: argparse.Namespace) -> int:
    """Measure what passes, and show it beside what does not."""
    rows: list[Any] = []
    for result in results:
        for _ in range(args.count if result.passed else 1):
            measured = measure(suite, result, args.seconds) if result.passed else Measured(0, 0.0)
            if args.format == "json":
                rows.append(_row(result) | benchmark(measured))
            elif result.passed:
                name = gobench(result.full_name) if args.format == "gobench" else result.full_name
                print(f"{name}\t{measured}", flush=True)
    if args.format == "json":
        print(json.dumps(rows, indent=2))
    else:
        if all(result.passed for result in results):
            print(RULE)
        _print(results, None, verbose=False)
    return _code(results, None, 0.0)


def _print(results: Sequence[Result], coverage: Coverage | None, verbose: bool) -> None:
    shown = [r for r in results if verbose or not r.passed]
    for result in shown:
        print(f"{result.file}:{result.line}:\n{result.full_name}: {_outcome(result)}")
        for line in (*([result.error] if result.error else ()), *result.printed):
            print(f"\n  {_plain(line)}")
        if result.error or result.printed:
            print()
    if shown:
        print(RULE)
    for word, count in _totals(results):
        print(f"{word}: {count}/{len(results)}")
    if coverage is not None:
        _print_coverage(coverage)


def _totals(results: Sequence[Result]) -> list[tuple[str, int]]:
    counts = [
        ("PASS", sum(r.passed for r in results)),
        ("FAIL", sum(not (r.passed or r.skipped or r.error) for r in results)),
        ("ERROR", sum(bool(r.error) for r in results)),
        ("SKIPPED", sum(r.skipped for r in results)),
    ]
    return [(word, count) for word, count in counts if count]


def _outcome(result: Result) -> str:
    if result.skipped:
        return "SKIPPED"
    word = "PASS" if result.passed else "ERROR" if result.error else "FAIL"
    return f"{word} ({duration(result.seconds)})"


def duration(seconds: float) -> str:
    """As Go prints durations: `123.4µs`, `1.5ms`, `2s`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.6g}{unit}"
    return f"{seconds * 1e9:.0f}ns"


def _plain(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def _print_coverage(coverage: Coverage) -> None:
    print(RULE)
    print("COVERAGE")
    for file, (_, missed) in coverage.files.items():
        lines = f"  not covered: {_spans(missed)}" if missed else ""
        print(f"{coverage.percent(file):6.2f}%  {file}{lines}")
    print(f"{coverage.percent():6.2f}%  total")


def _spans(lines: Sequence[int]) -> str:
    """`3, 7-9`."""
    spans: list[list[int]] = []
    for line in sorted(lines):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def _document(results: Sequence[Result], coverage: Coverage | None) -> Any:
    """As `opa test --format json`; with coverage an object of the results and the report."""
    rows = [_row(r) for r in results]
    if coverage is None:
        return rows
    files = {
        file: {
            "covered": [{"start": {"row": n}, "end": {"row": n}} for n in sorted(covered)],
            "not_covered": [{"start": {"row": n}, "end": {"row": n}} for n in sorted(missed)],
            "covered_lines": len(covered),
            "not_covered_lines": len(missed),
            "coverage": round(coverage.percent(file), 2),
        }
        for file, (covered, missed) in coverage.files.items()
    }
    return {"results": rows, "coverage": {"files": files, "coverage": round(coverage.percent(), 2)}}


def _row(result: Result) -> dict[str, Any]:
    row: dict[str, Any] = {
        "location": {"file": result.file, "row": result.line, "col": 1},
        "package": result.package,
        "name": result.name,
        "duration": round(result.seconds * 1e9),
    }
    if result.skipped:
        row["skip"] = True
    elif result.error:
        row["error"] = result.error
    elif not result.passed:
        row["fail"] = True
    if result.printed:
        row["output"] = "\n".join(result.printed)
    return row
