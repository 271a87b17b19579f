"""A part of the bench: its figures as a table, and what was to be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.engines.measured import Measured


@dataclass(frozen=True)
class Line:
    """One row of figures: medians over the rounds. Seconds; `cpu` and `beside` are for one question.

    `cpu` is used by whoever asks, `beside` by the process that is asked.
    """

    name: str
    in_flight: int
    per_second: float
    p50: float
    p99: float
    worst: float
    cpu: float
    beside: float
    failed: int

    @classmethod
    def of(cls, name: str, in_flight: int, found: Sequence[Measured]) -> Line:
        """`found` are the rounds."""
        return cls(
            name,
            in_flight,
            median(run.per_second for run in found),
            median(run.p50 for run in found),
            median(run.p99 for run in found),
            max(run.worst for run in found),
            median(run.cpu / run.done for run in found),
            median(run.beside / run.done for run in found),
            sum(run.failed for run in found),
        )


@dataclass
class Section:
    """`beside` is the name of the rows that all others are compared with, `asked` what the column of CPU is of."""

    key: str
    title: str
    beside: str = ""
    lines: list[Line] = field(default_factory=list)
    reached: list[tuple[bool, str]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def line(self, name: str, in_flight: int) -> Line | None:
        return next((line for line in self.lines if (line.name, line.in_flight) == (name, in_flight)), None)

    def goal(self, reached: bool, text: str) -> None:
        self.reached.append((reached, text))

    def goals(self) -> list[str]:
        return [f"{'reached' if reached else 'NOT reached'}: {text}" for reached, text in self.reached]

    def document(self) -> Mapping[str, Any]:
        """Base units: seconds, questions per second."""
        return {
            "title": self.title,
            "lines": [vars(line) for line in self.lines],
            "failed": self.failed,
            "goals": self.goals(),
        }


HEADS = ("", "in flight", "per second", "p50 µs", "p99 µs", "worst ms", "CPU µs", "of asked", "failed")
ADDED = ("p50 added", "p99 added", "p50 ÷")


def show(section: Section, console: Console) -> None:
    beside = f"; added: beside {section.beside}" if section.beside else ""
    console.print(f"{section.key}: {section.title}{beside}", style="bold", markup=False, highlight=False)
    heads = (*HEADS, *(ADDED if section.beside else ()))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    for line in section.lines:
        table.add_row(*_cells(section, line))
    if section.lines:
        console.print(table)
    for name, why in section.failed.items():
        console.print(f"  {name}: NOT MEASURED: {why}", markup=False, highlight=False)
    for text in section.goals():
        console.print(f"  {text}", markup=False, highlight=False)
    console.print()


def _cells(section: Section, line: Line) -> list[str]:
    cells = [
        line.name,
        str(line.in_flight or ""),
        f"{line.per_second:,.0f}",
        f"{line.p50 * 1e6:,.1f}",
        f"{line.p99 * 1e6:,.0f}",
        f"{line.worst * 1e3:,.1f}",
        f"{line.cpu * 1e6:.0f}",
        f"{line.beside * 1e6:.0f}",
        f"{line.failed:,}",
    ]
    other = section.line(section.beside, line.in_flight)
    if other is not None and other is not line:
        added = ((line.p50 - other.p50) * 1e6, (line.p99 - other.p99) * 1e6)
        cells += [f"{added[0]:+,.0f}", f"{added[1]:+,.0f}", f"{line.p50 / other.p50:.2f}"]
    return cells
