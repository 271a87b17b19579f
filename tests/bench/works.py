"""What is measured: the questions, the servers they are put to, and what is to be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cluster
from tests.bench.load import Stream
from tests.bench.peers import Role
from tests.bench.servers import Expected

UNIQUE = 400_000
"""Questions in a file of unique names: more than a server that must work for each can answer in one round."""
WARM = 20_000

KNOWN = tuple(Expected(name, "NOERROR", (address,)) for name, address in cluster.names()[::40])
MISSING = (*KNOWN[:1], Expected(f"absent.ns-1.svc.{cluster.ZONE}", "NXDOMAIN"))


@dataclass(frozen=True)
class Entry:
    """A server in a row. `repeat` puts the 200 names to it, whatever the row's own questions are."""

    peer: str
    role: Role
    repeat: bool = False
    label: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.label or self.peer


@dataclass(frozen=True)
class Goal:
    """What dnspolicy is to reach beside the server of that name."""

    of: str
    ratio: float


@dataclass(frozen=True)
class Work:
    """One row. `questions` makes names for a file, given how many and a mark that makes them unlike all others."""

    key: str
    title: str
    entries: tuple[Entry, ...]
    rcode: str
    questions: Callable[[int, str], Iterable[str]]
    unique: bool
    expected: Sequence[Expected]
    guards: Sequence[Expected] = ()
    """Asked of dnspolicy only: that the policy is really on."""
    goals: tuple[Goal, ...] = ()
    least: float = 0.0
    """Questions per second that dnspolicy is to reach."""
    most_bytes: int = 0
    """Resident memory that dnspolicy is to stay below; a work with it is about memory."""


def _known(count: int, mark: str) -> Iterator[str]:
    return (name for name, _ in cluster.names())


def _mixed(count: int, mark: str) -> Iterator[str]:
    names = cluster.mixed_case(UNIQUE + WARM)
    skip = 0 if mark.startswith("warm") else WARM
    for number, name in enumerate(names):
        if skip <= number < skip + count:
            yield name


def _forwarded() -> tuple[Expected, ...]:
    return (Expected(f"first.{cluster.FOREIGN}", "NOERROR", (cluster.FOREIGN_ADDRESS,)),)


GUARD = Expected(f"web.secret.svc.{cluster.ZONE}", "REFUSED")
NAME_GUARD = Expected(f"blocked-1.ns-1.svc.{cluster.ZONE}", "REFUSED")

WORKS = (
    Work(
        "finished",
        "finished answers: 200 cluster names, 8 clients",
        (
            Entry("dnspolicy", Role.CLUSTER),
            Entry("Unbound", Role.CLUSTER),
            Entry("Knot", Role.CLUSTER),
            Entry("CoreDNS", Role.HITS),
        ),
        "NOERROR",
        _known,
        False,
        KNOWN,
        (GUARD,),
        (Goal("Unbound", 0.8), Goal("CoreDNS", 2.0)),
    ),
    Work(
        "known",
        "cluster names with no memo hit, decision known (every question has other letter case)",
        (
            Entry("dnspolicy", Role.CLUSTER),
            Entry("dnspolicy", Role.CLUSTER, True, "dnspolicy without memo", ("--no-memo",)),
            Entry("CoreDNS", Role.HITS, repeat=True, label="CoreDNS cache hits"),
            Entry("CoreDNS", Role.CLUSTER, repeat=True, label="CoreDNS file zone and cache"),
        ),
        "NOERROR",
        _mixed,
        True,
        KNOWN,
        (GUARD,),
        (Goal("CoreDNS cache hits", 0.6),),
    ),
    Work(
        "missing",
        "unique missing cluster names",
        (
            Entry("dnspolicy", Role.CLUSTER),
            Entry("Unbound", Role.CLUSTER),
            Entry("Knot", Role.CLUSTER),
            Entry("CoreDNS", Role.CLUSTER),
        ),
        "NXDOMAIN",
        cluster.missing,
        True,
        MISSING,
        (GUARD,),
        (Goal("CoreDNS", 1.0),),
    ),
    Work(
        "forward",
        "unique names forwarded to Knot",
        (Entry("dnspolicy", Role.FORWARD), Entry("Unbound", Role.FORWARD), Entry("CoreDNS", Role.FORWARD)),
        "NOERROR",
        cluster.foreign,
        True,
        _forwarded(),
        (GUARD,),
        (Goal("CoreDNS", 0.6),),
    ),
    Work(
        "rego",
        "unique names that each need a Rego decision (missing cluster names)",
        (Entry("dnspolicy", Role.NAME_POLICY),),
        "NXDOMAIN",
        cluster.missing,
        True,
        MISSING,
        (NAME_GUARD,),
        least=5000,
    ),
    Work(
        "memory",
        "resident memory with 200 services and 1,000 pods, after a second of the 200 names",
        (
            Entry("dnspolicy", Role.CLUSTER),
            Entry("Unbound", Role.CLUSTER),
            Entry("Knot", Role.CLUSTER),
            Entry("CoreDNS", Role.HITS),
        ),
        "NOERROR",
        _known,
        False,
        KNOWN,
        (GUARD,),
        most_bytes=90_000_000,
    ),
)


def write_streams(work: Work, repeat: bool, folder: Path, mark: str) -> list[list[Stream]]:
    """Write the question files of one run; give the dnsperf groups.

    Repeated names are asked by all 8 clients, two at a time; unique names by two clients, each with its own half.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if repeat or not work.unique:
        path = folder / "repeat"
        path.write_text("".join(f"{name} A\n" for name in _known(0, "")))
        return [[Stream(path, one), Stream(path, other)] for one, other in _pairs(cluster.CLIENTS)]
    names = list(work.questions(WARM if mark.startswith("warm") else UNIQUE, mark))
    halves = [folder / f"{mark}-{half}" for half in range(2)]
    for half, path in enumerate(halves):
        if not path.exists():
            path.write_text("".join(f"{name} A\n" for name in names[half::2]))
    return [[Stream(path, client) for path, client in zip(halves, cluster.CLIENTS, strict=False)]]


def _pairs(clients: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(clients[::2], clients[1::2], strict=True)
