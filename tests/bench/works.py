"""What is measured: the questions, the servers they are put to, and what is to be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cluster
from tests.bench.load import Stream
from tests.bench.peers import Role
from tests.bench.servers import Expected

OWN = "dnspolicy"
UNIQUE = 400_000
"""Questions in a file of unique names: more than a server that must work for each can answer in one round."""
WARM = 20_000

KNOWN = tuple(Expected(name, "NOERROR", (address,)) for name, address in cluster.names()[::40])
GROWN = tuple(Expected(name, "NOERROR", (address,)) for name, address in cluster.names(cluster.BIG)[-3:])
FORWARDED = (Expected(f"first.{cluster.FOREIGN}", "NOERROR", (cluster.FOREIGN_ADDRESS,)),)
SEARCHED = tuple(
    Expected(name, "NOERROR", (cluster.FOREIGN_ADDRESS,)) for name in list(cluster.searched(0, cluster.CLIENTS[0]))[:1]
)
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
    """What an entry of dnspolicy is to reach beside the entry of that name."""

    of: str
    ratio: float
    own: str = OWN
    """The entry of dnspolicy that is to reach it."""


@dataclass(frozen=True)
class Work:
    """One row. `questions` makes names for a file.

    It is given how many and a mark that makes them unlike all others; where they are not `unique`, 0 and the client.
    """

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
    """Resident memory that dnspolicy is to stay below."""
    most_memory: tuple[Goal, ...] = ()
    """Goals that are the most of the other's resident memory."""
    big: bool = False
    """Wants the big cluster, and an API server that holds it."""

    @property
    def of_memory(self) -> bool:
        """Whether it is about memory; then one round is enough."""
        return bool(self.most_bytes or self.most_memory)


def _known(count: int, mark: str) -> Iterator[str]:
    return (name for name, _ in cluster.names())


def _mixed(count: int, mark: str) -> Iterator[str]:
    names = cluster.mixed_case(UNIQUE + WARM)
    skip = 0 if mark.startswith("warm") else WARM
    for number, name in enumerate(names):
        if skip <= number < skip + count:
            yield name


GUARD = Expected(f"web.secret.svc.{cluster.ZONE}", "REFUSED")
NAME_GUARD = Expected(f"blocked-1.ns-1.svc.{cluster.ZONE}", "REFUSED")

_HITS, _KUBEADM, _NO_MEMO = "CoreDNS cache hits", "CoreDNS kubeadm", "without memo"

WORKS = (
    Work(
        "finished",
        "finished answers: 200 cluster names, 8 clients",
        (
            Entry(OWN, Role.KUBEADM),
            Entry("Unbound", Role.HITS),
            Entry("Knot", Role.HITS),
            Entry("CoreDNS", Role.HITS, label=_HITS),
            Entry("CoreDNS", Role.KUBEADM, label=_KUBEADM),
        ),
        "NOERROR",
        _known,
        False,
        KNOWN,
        (GUARD,),
        (Goal("Unbound", 0.8), Goal(_HITS, 2.0), Goal(_KUBEADM, 4.0)),
    ),
    Work(
        "known",
        "cluster names with no memo hit, decision known (every question has other letter case)",
        (
            Entry(OWN, Role.KUBEADM),
            Entry(OWN, Role.KUBEADM, True, _NO_MEMO, ("--no-memo",)),
            Entry("CoreDNS", Role.HITS, repeat=True, label=_HITS),
            Entry("CoreDNS", Role.KUBEADM, label=_KUBEADM),
        ),
        "NOERROR",
        _mixed,
        True,
        KNOWN,
        (GUARD,),
        (Goal(_KUBEADM, 1.0), Goal(_KUBEADM, 1.0, _NO_MEMO), Goal(_HITS, 0.6)),
    ),
    Work(
        "missing",
        "unique missing cluster names",
        (
            Entry(OWN, Role.KUBEADM),
            Entry("Unbound", Role.HITS),
            Entry("Knot", Role.HITS),
            Entry("CoreDNS", Role.KUBEADM, label=_KUBEADM),
        ),
        "NXDOMAIN",
        cluster.missing,
        True,
        MISSING,
        (GUARD,),
        (Goal(_KUBEADM, 1.0),),
    ),
    Work(
        "forward",
        "unique names forwarded to Knot",
        (
            Entry(OWN, Role.KUBEADM),
            Entry("Unbound", Role.FORWARD),
            Entry("CoreDNS", Role.KUBEADM, label=_KUBEADM),
        ),
        "NOERROR",
        cluster.foreign,
        True,
        FORWARDED,
        (GUARD,),
        (Goal(_KUBEADM, 0.7),),
    ),
    Work(
        "autopath",
        "200 outside names behind a search path of five, 8 clients, autopath @kubernetes",
        (
            Entry(OWN, Role.AUTOPATH),
            Entry(OWN, Role.AUTOPATH, label=_NO_MEMO, arguments=("--no-memo",)),
            Entry("CoreDNS", Role.AUTOPATH, label=_KUBEADM),
        ),
        "NOERROR",
        cluster.searched,
        False,
        SEARCHED,
        (GUARD,),
        (Goal(_KUBEADM, 1.0), Goal(_KUBEADM, 1.0, _NO_MEMO)),
    ),
    Work(
        "idle",
        "the 200 names without memo, through acl, rewrite, minimal, header, template and hosts that do nothing",
        (
            Entry(OWN, Role.IDLE, arguments=("--no-memo",)),
            Entry(OWN, Role.KUBEADM, label="without them", arguments=("--no-memo",)),
        ),
        "NOERROR",
        _known,
        False,
        KNOWN,
        (GUARD,),
        (Goal("without them", 0.95),),
    ),
    Work(
        "rego",
        "unique names that each need a Rego decision (missing cluster names)",
        (Entry(OWN, Role.BY_NAME),),
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
        (Entry(OWN, Role.KUBEADM), Entry("CoreDNS", Role.KUBEADM, label=_KUBEADM)),
        "NOERROR",
        _known,
        False,
        KNOWN,
        (GUARD,),
        most_bytes=90_000_000,
    ),
    Work(
        "memory-5000",
        "resident memory with 5,000 services and 5,000 pods, pods verified, after a second of 200 names",
        (Entry(OWN, Role.VERIFIED), Entry("CoreDNS", Role.VERIFIED, label=_KUBEADM)),
        "NOERROR",
        _known,
        False,
        (*KNOWN, *GROWN),
        (GUARD,),
        most_memory=(Goal(_KUBEADM, 1.3),),
        big=True,
    ),
)


def write_streams(work: Work, repeat: bool, folder: Path, mark: str) -> list[list[Stream]]:
    """Write the question files of one run, unless they are there; give the dnsperf groups.

    Repeated names are asked by all 8 clients, two at a time; unique names by two clients, each with its own half.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if repeat or not work.unique:
        make = _known if repeat else work.questions
        repeated = {client: folder / client for client in cluster.CLIENTS}
        for client, path in repeated.items():
            path.write_text("".join(f"{name} A\n" for name in make(0, client)))
        return [[Stream(repeated[client], client) for client in pair] for pair in _pairs(cluster.CLIENTS)]
    halves = [folder / f"{mark}-{half}" for half in range(2)]
    if not halves[0].exists():
        names = list(work.questions(WARM if mark.startswith("warm") else UNIQUE, mark))
        for half, path in enumerate(halves):
            path.write_text("".join(f"{name} A\n" for name in names[half::2]))
    return [[Stream(path, client) for path, client in zip(halves, cluster.CLIENTS, strict=False)]]


def _pairs(clients: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(clients[::2], clients[1::2], strict=True)
