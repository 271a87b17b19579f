"""Running a template: the state of one run, and what its blocks and paths do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dnspolicy.plugins.template.values import MAX_TEXT, Failed, truth


class Data(Protocol):
    """What `.` is at the start: named values, some of which take an argument."""

    def field(self, name: str) -> Any: ...

    def describe(self, label: str) -> str:
        """The value of a metadata label."""
        ...


class Frame:
    """One run: the data, the dot and the variables."""

    __slots__ = ("data", "dot", "out", "size", "variables")

    def __init__(self, data: Data, slots: int) -> None:
        self.data = data
        self.dot: Any = data
        self.out: list[str] = []
        self.size = 0
        self.variables: list[Any] = [None] * slots

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > MAX_TEXT:
            raise Failed(f"more than {MAX_TEXT} characters")
        self.out.append(text)


Run = Callable[[Frame], Any]
"""Works out a value, or writes."""


def plain(text: str) -> Run:
    """Writes a text."""
    return lambda frame: frame.write(text)


def sequence(runs: list[Run]) -> Run:
    """One after the other."""

    def run(frame: Frame) -> None:
        for each in runs:
            each(frame)

    return run


def assignment(slot: int, value: Run) -> Run:
    """Sets a variable, and is its value."""

    def run(frame: Frame) -> Any:
        found = frame.variables[slot] = value(frame)
        return found

    return run


def and_or(wants_all: bool, arguments: list[Run]) -> Run:
    """The first argument that settles it, else the last, as in Go."""

    def run(frame: Frame) -> Any:
        value = None
        for argument in arguments:
            value = argument(frame)
            if truth(value) is not wants_all:
                break
        return value

    return run


def below(value: Run, path: tuple[str, ...]) -> Run:
    """The value at a path of fields below another."""
    if not path:
        return value

    def run(frame: Frame) -> Any:
        found = value(frame)
        for name in path:
            if isinstance(found, Mapping):
                found = found.get(name)
            else:
                raise Failed(f".{name} of a value without fields")
        return found

    return run


def with_value(value: Run, body: Run, other: Run) -> Run:
    """`with`: the dot is the value, if it is true."""

    def run(frame: Frame) -> None:
        found = value(frame)
        if not truth(found):
            other(frame)
            return
        before, frame.dot = frame.dot, found
        body(frame)
        frame.dot = before

    return run


def over_items(value: Run, slots: list[int], body: Run, other: Run) -> Run:
    """`range`: the dot is each item in turn; keys of maps are sorted."""

    def run(frame: Frame) -> None:
        found = value(frame)
        if isinstance(found, Mapping):
            turns = [(key, found[key]) for key in sorted(found)]
        elif isinstance(found, tuple | list):
            turns = list(enumerate(found))
        else:
            raise Failed("range wants a list or a map")
        if not turns:
            other(frame)
        before = frame.dot
        for key, item in turns:
            frame.dot = item
            for slot, held in zip(slots, (key, item) if len(slots) == 2 else (item,), strict=False):
                frame.variables[slot] = held
            body(frame)
        frame.dot = before

    return run
