"""The only importer of regorus: a JSON-in, JSON-out evaluator, and its errors as ours.

The wheel's object belongs to the thread that made it. Its panics are BaseExceptions that are no Exceptions.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

os.environ["RUST_BACKTRACE"] = "0"  # backtraces would be gathered for every error: host paths, and 1.5 times the cost

import regorus

from dnspolicy.engines.rego.sources import Source

UNDEFINED = '"<undefined>"'
_CHUNK = 5_000
"""Entries of one object given to regorus at a time: 3 to 6 ms."""


class RegoError(Exception):
    """Regorus refused or failed; the text is its own."""


_ORPHANS: dict[int, list[object]] = defaultdict(list)
"""Engines that the collector found dead in another thread than theirs, by their thread: only that one may free them."""


class Evaluator:
    """One set of policies with its data. Not for several threads."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        _ORPHANS.pop(self._thread, None)
        self._engine = regorus.Engine()
        self._engine.set_gather_prints(True)

    def __del__(self) -> None:
        if threading.get_ident() != self._thread:
            _ORPHANS[self._thread].append(self._engine)

    def add_policy(self, source: Source) -> None:
        """Parse one file. Raises RegoError."""
        _call(self._engine.add_policy, source.file, source.text)

    def add_data(self, data: bytes) -> None:
        """Merge one JSON object in. Raises RegoError."""
        _call(self._engine.add_data_json, data.decode())

    def set_limits(self, columns: int, lines: int, size: int) -> None:
        """Limits for files added from now on."""
        self._engine.set_policy_length_config(max_col=columns, max_lines=lines, max_file_bytes=size)

    def trees(self) -> list[dict[str, Any]]:
        """The syntax trees of all files. Raises RegoError."""
        found: list[dict[str, Any]] = msgspec.json.decode(_call(self._engine.get_ast_as_json))
        return found

    def rule(self, path: str, document: str) -> str | None:
        """The value of a rule as JSON; None when undefined. Raises RegoError."""
        _call(self._engine.set_input_json, document)
        value: str = _call(self._engine.eval_rule_as_json, path)
        return None if value == UNDEFINED else value

    def query(self, path: str, document: str) -> str | None:
        """The value of any reference as JSON; None when undefined. Raises RegoError."""
        _call(self._engine.set_input_json, document)
        reply = msgspec.json.decode(_call(self._engine.eval_query_as_json, path), type=_Reply)
        if not reply.result:
            return None
        value = bytes(reply.result[0].expressions[0].value).decode()
        return None if value == UNDEFINED else value

    def alone(self, path: str) -> str | None:
        """The value of a rule without any input, as JSON; None when undefined. Raises RegoError."""
        value: str = _call(self._engine.eval_rule_as_json, path)
        return None if value == UNDEFINED else value

    def prints(self) -> list[str]:
        """What `print` said since last asked."""
        taken: list[str] = _call(self._engine.take_prints)
        return taken

    def cover(self) -> None:
        """Note which lines are evaluated from now on."""
        _call(self._engine.set_enable_coverage, True)

    def coverage(self) -> dict[str, tuple[list[int], list[int]]]:
        """Per file the lines that were evaluated and those that were not."""
        report = msgspec.json.decode(_call(self._engine.get_coverage_report_as_json), type=_Coverage)
        return {f.path: (f.covered, f.not_covered) for f in report.files}


class _CoveredFile(msgspec.Struct):
    path: str
    covered: list[int]
    not_covered: list[int]


class _Coverage(msgspec.Struct):
    files: list[_CoveredFile]


class _Expression(msgspec.Struct):
    value: msgspec.Raw


class _Row(msgspec.Struct):
    expressions: list[_Expression]


class _Reply(msgspec.Struct):
    result: list[_Row] = []


def _call(function: Any, *arguments: object) -> Any:
    try:
        return function(*arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # noqa: BLE001 a panic of the binding is a BaseException
        raise RegoError(str(problem)) from None


def chunks(data: Mapping[str, Any], at: tuple[str, ...] = (), depth: int = 4) -> Iterator[dict[str, Any]]:
    """The document in parts that together make it, none with more than some thousand entries near its top."""
    big = {k: v for k, v in data.items() if depth and isinstance(v, dict) and _size(v) > _CHUNK}
    small = [(k, v) for k, v in data.items() if k not in big]
    for start in range(0, max(len(small), 1), _CHUNK):
        part: dict[str, Any] = dict(small[start : start + _CHUNK])
        for key in reversed(at):
            part = {key: part}
        yield part
    for key, value in big.items():
        yield from chunks(value, (*at, key), depth - 1)


def _size(value: Mapping[str, Any]) -> int:
    """Entries on the first two levels."""
    return len(value) + sum(len(v) for v in value.values() if isinstance(v, dict | list))
