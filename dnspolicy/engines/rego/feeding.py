"""Documents that change by themselves, put at declared paths of the data without checking the policy again."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from dnspolicy.engines.rego.binding import Evaluator
from dnspolicy.engines.rego.errors import Complaint, at_offset
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.program import Program, compatible
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.model.printable import printable
from dnspolicy.policy.engine import DataPath


def occupied(program: Program, declared: Sequence[DataPath]) -> Iterator[Complaint]:
    """Declared paths that cannot be: of rules, of data files, or one below another."""
    for number, path in enumerate(declared):
        name = shown(path)
        if not path:
            yield Complaint("policy", 0, 0, "a declared path needs a name")
            continue
        if any(compatible(path, other) for other in declared[:number]):
            yield Complaint("policy", 0, 0, f"{name} is declared twice, or lies within another declared path")
        for placed in program.matching(path):
            module = placed.module
            what = f"{name} is declared to be filled later, and here is a rule"
            yield at_offset(module.file, module.text, placed.rule.at, what, "rename one of them")
        if _in_the_way(program, path):
            yield Complaint("data", 0, 0, f"{name} is declared to be filled later, and a data file has a value there")


def _in_the_way(program: Program, path: DataPath) -> bool:
    """Whether the data holds something at the path, or something that is no object above it."""
    here: Any = program.data
    for step in path:
        if not isinstance(here, dict):
            return True
        if step not in here:
            return False
        here = here[step]
    return True


class Fed(msgspec.Struct, frozen=True):
    """A document, read. `digest` is of its bytes; `pieces` are what an evaluator takes."""

    digest: bytes
    pieces: tuple[Any, ...]


def revision(static: str, fed: Mapping[DataPath, Fed]) -> str:
    """The name of policy, data and documents together: 12 hex digits; that of policy and data without any."""
    if not fed:
        return static
    digest = hashlib.sha256(static.encode())
    for path, document in sorted(fed.items()):
        digest.update(msgspec.json.encode(path) + b"\0" + document.digest)
    return digest.hexdigest()[:12]


def digest_of(document: bytes) -> bytes:
    """What tells documents apart. Takes 10 ms for some megabytes, in which other threads run."""
    return hashlib.sha256(document).digest()


def read_slowly(reader: Evaluator, path: DataPath, document: bytes, digest: bytes) -> Generator[None, None, Fed]:
    """Read a document. Raises PolicyLoadError when it is not JSON."""
    try:
        pieces = yield from reader.pieces(path, document)
    except RegoError as problem:
        raise PolicyLoadError(f"{shown(path)}: {printable(str(problem))}") from None
    return Fed(digest, pieces)


def fill_slowly(
    static: Evaluator, fed: Mapping[DataPath, Fed], entrypoint: str, question: bytes
) -> Generator[None, None, Evaluator]:
    """A copy of an evaluator with documents, which evaluated its entrypoint once: that prepares the rules.

    Raises PolicyLoadError.
    """
    made = static.copy()
    for path, document in fed.items():
        for piece in document.pieces:
            try:
                made.put(piece)
            except RegoError as problem:
                raise PolicyLoadError(f"{shown(path)}: {printable(str(problem))}") from None
            yield
    made.warm(entrypoint, question)
    return made


def shown(path: DataPath) -> str:
    """A path as people write it."""
    return printable(".".join(("data", *path)))
