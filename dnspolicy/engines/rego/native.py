"""Our own binding (folder `native/`), whose only importer this is."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

os.environ["RUST_BACKTRACE"] = "0"  # backtraces would be gathered for every error, at 1.5 times the cost

import dnspolicy_native

from dnspolicy.engines.rego.failing import RegoError, RegoMemory, RegoTimeout
from dnspolicy.engines.rego.sources import Source


class NativeEvaluator:
    """An Evaluator with limits. May go from thread to thread."""

    limited = True

    def __init__(self, engine: Any = None, *, strict: bool = True) -> None:
        self.seconds = 0.0
        self.memory = 0
        self._engine = dnspolicy_native.Engine(strict=strict) if engine is None else engine

    def add_policy(self, source: Source) -> None:
        with _errors():
            self._engine.add_policy(source.file, source.text)

    def add_data(self, data: bytes) -> None:
        self.put(_read((), data))

    def pieces(self, path: tuple[str, ...], document: bytes) -> Generator[None, None, tuple[Any, ...]]:
        yield from ()
        return (_read(path, document),)

    def put(self, piece: Any) -> None:
        with _errors():
            self._engine.add_data(piece)

    def set_limits(self, columns: int, lines: int, size: int) -> None:
        self._engine.set_limits(columns, lines, size)

    def trees(self) -> list[dict[str, Any]]:
        with _errors():
            found: list[dict[str, Any]] = msgspec.json.decode(self._engine.ast())
        return found

    def rule(self, path: str, document: bytes) -> bytes | None:
        return self._evaluate(path, True, document)

    def query(self, path: str, document: bytes) -> bytes | None:
        return self._evaluate(path, False, document)

    def alone(self, path: str) -> bytes | None:
        return self._evaluate(path, True, None)

    def warm(self, path: str, document: bytes) -> None:
        with _errors():
            self._engine.warm()

    def prints(self) -> list[str]:
        with _errors():
            taken: list[str] = self._engine.prints()
        return taken

    def cover(self) -> None:
        with _errors():
            self._engine.cover()

    def coverage(self) -> dict[str, tuple[list[int], list[int]]]:
        with _errors():
            report = msgspec.json.decode(self._engine.coverage(), type=_Coverage)
        return {f.path: (sorted(f.covered), sorted(f.not_covered)) for f in report.files}

    def copy(self) -> NativeEvaluator:
        with _errors():
            return NativeEvaluator(self._engine.clone())

    def close(self, *pieces: Any) -> None:
        with _errors():
            self._engine.close()
            for piece in pieces:
                piece.close()

    def _evaluate(self, path: str, rule: bool, document: bytes | None) -> bytes | None:
        # Not `_errors`: this is the hot path, and a context manager costs a microsecond.
        try:
            value: bytes | None = self._engine.evaluate(path, rule, document, self.seconds, self.memory)
        except dnspolicy_native.TimeLimit as problem:
            raise RegoTimeout(str(problem)) from None
        except dnspolicy_native.MemoryLimit as problem:
            raise RegoMemory(str(problem)) from None
        except dnspolicy_native.Error as problem:
            raise RegoError(str(problem)) from None
        return value


class _CoveredFile(msgspec.Struct):
    path: str
    covered: list[int]
    not_covered: list[int]


class _Coverage(msgspec.Struct):
    files: list[_CoveredFile]


def _read(path: tuple[str, ...], document: bytes) -> Any:
    with _errors():
        return dnspolicy_native.Document(document, list(path))


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except dnspolicy_native.Error as problem:
        raise RegoError(str(problem)) from None
