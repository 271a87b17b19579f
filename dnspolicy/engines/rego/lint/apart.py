"""Looks at policies in a process of its own: what a stranger wrote may keep a parser busy for ever, or crash it.

`python -m dnspolicy.engines.rego.lint.apart` reads a Task (MessagePack) and writes lines as `engines.rego.check` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from dnspolicy.engines.rego.confined import ask, serve
from dnspolicy.engines.rego.errors import Complaint, refuse
from dnspolicy.engines.rego.lint.finding import Finding
from dnspolicy.engines.rego.lint.linter import LARGE, lint
from dnspolicy.engines.rego.sources import Limits
from dnspolicy.model.errors import PolicyLoadError


class Task(msgspec.Struct, frozen=True):
    folders: tuple[str, ...]
    entrypoint: str
    large: int
    limits: Limits


class Done(msgspec.Struct, frozen=True):
    """What was found, or why nothing could be."""

    findings: tuple[Finding, ...] = ()
    refused: str = ""


def lint_apart(
    folders: Sequence[Path | str], entrypoint: str, large: int = LARGE, limits: Limits | None = None
) -> list[Finding]:
    """As `lint`, within limits. Blocks. Raises PolicyLoadError, also for what reached a limit."""
    task = Task(tuple(map(str, folders)), entrypoint, large, limits or Limits())
    said = ask("dnspolicy.engines.rego.lint.apart", msgspec.msgpack.encode(task), task.limits)
    if isinstance(said, Complaint):
        raise refuse([said])
    done = msgspec.json.decode(said, type=Done)
    if done.refused:
        raise PolicyLoadError(done.refused)
    return list(done.findings)


def main() -> None:
    """The process."""
    with serve(Task, lambda task: task.limits) as (task, begins, answer):
        try:
            answer(Done(tuple(lint(task.folders, task.entrypoint, task.large, begins))))
        except PolicyLoadError as problem:
            answer(Done(refused=str(problem)))


if __name__ == "__main__":
    main()
