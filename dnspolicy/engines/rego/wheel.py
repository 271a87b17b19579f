"""The published wheel, whose only importer this is.

Its object belongs to the thread that made it, its panics are BaseExceptions that are no Exceptions, and an evaluation
ends when it ends.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import msgspec

os.environ["RUST_BACKTRACE"] = "0"  # backtraces would be gathered for every error: host paths, and 1.5 times the cost

import regorus

from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.pieces import split
from dnspolicy.engines.rego.sources import Source

UNDEFINED = '"<undefined>"'
_ORPHANS: dict[int, list[object]] = defaultdict(list)
"""Engines that the collector found dead in another thread than theirs, by their thread: only that one may free them."""


class WheelEvaluator:
    """An Evaluator for the thread that makes it. Builtins that fail are always errors."""

    limited = False

    def __init__(self, engine: Any = None) -> None:
        self.seconds = 0.0
        self.memory = 0
        self._thread = threading.get_ident()
        _ORPHANS.pop(self._thread, None)
        self._engine = regorus.Engine() if engine is None else engine
        self._engine.set_gather_prints(True)

    def __del__(self) -> None:
        if threading.get_ident() != self._thread:
            _ORPHANS[self._thread].append(self._engine)

    def add_policy(self, source: Source) -> None:
        _call(self._engine.add_policy, source.file, source.text)

    def add_data(self, data: bytes) -> None:
        _call(self._engine.add_data_json, _text(data))

    def pieces(self, path: tuple[str, ...], document: bytes) -> Generator[None, None, tuple[Any, ...]]:
        found: list[str] = []
        for piece in split(_text(document), path):
            found.append(piece)
            yield
        return tuple(found)

    def put(self, piece: Any) -> None:
        _call(self._engine.add_data_json, piece)

    def warm(self, path: str, document: bytes) -> None:
        with suppress(RegoError):
            self.query(path, document)
        self.prints()

    def close(self, *pieces: Any) -> None:
        """Nothing: only the thread that made it may free it, by forgetting it."""

    def set_limits(self, columns: int, lines: int, size: int) -> None:
        self._engine.set_policy_length_config(max_col=columns, max_lines=lines, max_file_bytes=size)

    def trees(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = msgspec.json.decode(_call(self._engine.get_ast_as_json))
        return found

    def rule(self, path: str, document: bytes) -> bytes | None:
        _call(self._engine.set_input_json, _text(document))
        return _value(_call(self._engine.eval_rule_as_json, path))

    def query(self, path: str, document: bytes) -> bytes | None:
        _call(self._engine.set_input_json, _text(document))
        reply = msgspec.json.decode(_call(self._engine.eval_query_as_json, path), type=_Reply)
        return _value(bytes(reply.result[0].expressions[0].value).decode()) if reply.result else None

    def alone(self, path: str) -> bytes | None:
        return _value(_call(self._engine.eval_rule_as_json, path))

    def prints(self) -> list[str]:
        taken: list[str] = _call(self._engine.take_prints)
        return taken

    def cover(self) -> None:
        _call(self._engine.set_enable_coverage, True)

    def coverage(self) -> dict[str, tuple[list[int], list[int]]]:
        report = msgspec.json.decode(_call(self._engine.get_coverage_report_as_json), type=_Coverage)
        return {f.path: (f.covered, f.not_covered) for f in report.files}

    def copy(self) -> WheelEvaluator:
        return WheelEvaluator(_call(self._engine.clone))


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


def _value(text: str) -> bytes | None:
    return None if text == UNDEFINED else text.encode()


def _text(document: bytes) -> str:
    try:
        return document.decode()
    except UnicodeDecodeError:
        raise RegoError("the JSON is not UTF-8") from None


def _call(function: Any, *arguments: object) -> Any:
    try:
        return function(*arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # noqa: BLE001 a panic of the binding is a BaseException
        raise RegoError(str(problem)) from None
