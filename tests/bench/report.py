"""The figures, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.engines.sections import Section
from tests.bench.works import OWN, Goal, Work

RATIOS = ("dnspolicy ÷ it", "by CPU")
SATURATED = 0.95
"""A server that used less of its core was held up by those who asked; then the CPU per query is what compares."""


@dataclass(frozen=True)
class Round:
    """One run of one server. `busy` is the share of its core that it used."""

    per_second: float
    cpu_per_query: float
    busy: float
    resident: int


@dataclass(frozen=True)
class Figures:
    """Medians over the rounds."""

    per_second: float
    lowest: float
    highest: float
    cpu_per_query: float
    busy: float
    resident: int

    @classmethod
    def of(cls, rounds: list[Round]) -> Figures:
        return cls(
            median(r.per_second for r in rounds),
            min(r.per_second for r in rounds),
            max(r.per_second for r in rounds),
            median(r.cpu_per_query for r in rounds),
            median(r.busy for r in rounds),
            int(median(r.resident for r in rounds)),
        )


@dataclass(frozen=True)
class Result:
    """One row's figures by server; `failed` says why a server has none."""

    work: Work
    figures: Mapping[str, Figures]
    failed: Mapping[str, str]


def show(result: Result, console: Console) -> None:
    work, own = result.work, result.figures.get(OWN)
    console.print(f"{work.key}: {work.title}", style="bold", markup=False, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("server", "queries/s", "lowest - highest", "CPU µs/query", "core busy", "memory MB", *RATIOS):
        table.add_column(head, justify="left" if head == "server" else "right", no_wrap=True)
    for name, one in result.figures.items():
        ratios = ("", "")
        if own and name != OWN:
            ratios = (f"{own.per_second / one.per_second:.2f}", f"{one.cpu_per_query / own.cpu_per_query:.2f}")
        table.add_row(
            name,
            f"{one.per_second:,.0f}",
            f"{one.lowest:,.0f} - {one.highest:,.0f}",
            f"{one.cpu_per_query * 1e6:.1f}",
            f"{one.busy:.0%}",
            f"{one.resident / 1e6:.0f}",
            *ratios,
        )
    if result.figures:
        console.print(table)
    for name, why in result.failed.items():
        console.print(f"  {name}: NOT MEASURED: {why}", markup=False, highlight=False)
    for line in goals(result):
        console.print(f"  {line}", markup=False, highlight=False)
    console.print()


def goals(result: Result) -> list[str]:
    """What was to be reached and whether it was; nothing is said of what was not measured."""
    work, figures = result.work, result.figures
    lines = []
    for goal in work.goals:
        if goal.own in figures and goal.of in figures:
            lines.append(_of_speed(goal, figures[goal.own], figures[goal.of]))
    for goal in work.most_memory:
        if goal.own in figures and goal.of in figures:
            ratio = figures[goal.own].resident / figures[goal.of].resident
            lines.append(
                f"{_mark(ratio <= goal.ratio)}: {ratio:.2f} of the memory of {goal.of}, at most {goal.ratio:.2f}"
            )
    own = figures.get(OWN)
    if own and work.least:
        lines.append(f"{_mark(own.per_second >= work.least)}: {own.per_second:,.0f}/s, to reach {work.least:,.0f}/s")
    if own and work.most_bytes:
        reached = own.resident <= work.most_bytes
        lines.append(f"{_mark(reached)}: {own.resident / 1e6:.0f} MB, at most {work.most_bytes / 1e6:.0f} MB")
    return lines


def _of_speed(goal: Goal, own: Figures, other: Figures) -> str:
    ratio, measure = own.per_second / other.per_second, "queries/s"
    if min(own.busy, other.busy) < SATURATED:
        ratio, measure = other.cpu_per_query / own.cpu_per_query, "CPU per query"
    who = "" if goal.own == OWN else f"{goal.own}: "
    return f"{_mark(ratio >= goal.ratio)}: {who}{ratio:.2f} of {goal.of} by {measure}, to reach {goal.ratio:.2f}"


def summary(results: Sequence[Result], parts: Sequence[Section], console: Console) -> None:
    """All goals once more, and what could not be measured."""
    console.print("goals", style="bold")
    for result in results:
        for line in goals(result):
            console.print(f"  {result.work.key}: {line}", markup=False, highlight=False)
        for name, why in result.failed.items():
            console.print(f"  {result.work.key}: NOT MEASURED: {name}: {why}", markup=False, highlight=False)
    for part in parts:
        missing = [f"NOT MEASURED: {name}: {why}" for name, why in part.failed.items()]
        for line in (*part.goals(), *missing):
            console.print(f"  {part.key}: {line}", markup=False, highlight=False)


def _mark(reached: bool) -> str:
    return "reached" if reached else "NOT reached"


def write_json(results: list[Result], parts: list[Section], missing: Mapping[str, str], path: Path) -> None:
    """Figures in base units: queries per second, seconds, bytes."""
    document = {
        "missing": dict(missing),
        "works": {
            result.work.key: {
                "title": result.work.title,
                "servers": {name: asdict(one) for name, one in result.figures.items()},
                "failed": dict(result.failed),
                "goals": goals(result),
            }
            for result in results
        },
        "parts": {part.key: part.document() for part in parts},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
