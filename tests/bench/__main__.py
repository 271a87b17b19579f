"""`python -m tests.bench`: see `--help`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from tests.bench.api import ABSENT, Api, api_server
from tests.bench.engines import sections
from tests.bench.engines.rows import PARTS, Engines
from tests.bench.engines.sections import Section
from tests.bench.load import TOLERANCE, Sent, Stream, send
from tests.bench.peers import Peer, Role, Setup, find
from tests.bench.report import Figures, Result, Round, show, summary, write_json
from tests.bench.servers import Expected, Running, Unusable, free_port
from tests.bench.works import OWN, WORKS, Entry, Work, write_streams

UPSTREAM_ANSWERS = (Expected("first.example.test", "NOERROR", ("192.0.2.7",)),)
NO_API = f"no API server without {', '.join(ABSENT)}: make peers"
KEYS = [*(work.key for work in WORKS), *PARTS]
WARM_UP = 0.7
"""Seconds that a server is asked before it is measured, and that fill what is weighed."""


class Bench:
    """One run of the whole. `cores` are the server's and the questioners'."""

    def __init__(
        self, peers: Mapping[str, Peer], folder: Path, api: Api | None, upstream: int, *, rounds: int, seconds: float
    ) -> None:
        self._peers = peers
        self._api = api
        self._upstream = upstream
        self._folder = folder
        self._rounds = rounds
        self._seconds = seconds
        self._server_core, self._load_core = cores()
        self._runs = 0

    def measure(self, work: Work) -> Result:
        """All rounds of a work, its servers in turn within each round."""
        rounds: dict[str, list[Round]] = {}
        failed: dict[str, str] = {}
        if work.big and self._api is not None:
            self._api.grow()
        for number in range(1 if work.of_memory else self._rounds):
            for entry in work.entries:
                program = self._peers[entry.peer]
                if program.program is None:
                    failed[entry.name] = f"not installed: {program.install}"
                elif work.big and self._api is None:
                    failed[entry.name] = NO_API
                if entry.name in failed:
                    continue
                _progress(f"{work.key}: round {number + 1}, {entry.name}")
                try:
                    rounds.setdefault(entry.name, []).append(self._patient_round(work, entry))
                except Unusable as problem:
                    failed[entry.name] = str(problem)
        _progress("")
        return Result(work, {n: Figures.of(r) for n, r in rounds.items() if n not in failed}, failed)

    def _patient_round(self, work: Work, entry: Entry) -> Round:
        """A round; once more if something came between, such as a port that was taken after all."""
        try:
            return self._round(work, entry)
        except Unusable:
            return self._round(work, entry)

    def _round(self, work: Work, entry: Entry) -> Round:
        self._runs += 1
        setup = Setup(
            entry.role, self._folder / f"run-{self._runs}", free_port(), self._upstream,
            self._api.kubeconfig if self._api is not None else None, entry.arguments,
        )  # fmt: skip
        command = self._peers[entry.peer].command(setup)
        questions = self._folder / f"questions-{work.key}"
        warm = write_streams(work, entry.repeat, questions, "warm")
        streams = write_streams(work, entry.repeat, questions, "unique")
        with Running(command, setup.port, self._server_core, setup.folder / "log") as server:
            server.must_answer([*work.expected, *(work.guards if entry.peer == OWN else ())])
            self._send(warm, WARM_UP, server, work)
            cpu = server.cpu_seconds()
            sent = self._send(streams, WARM_UP if work.of_memory else self._seconds, server, work)
            used = server.cpu_seconds() - cpu
            resident = server.resident_bytes()
        shutil.rmtree(setup.folder, ignore_errors=True)
        return Round(sent.completed / sent.seconds, used / sent.completed, used / sent.seconds, resident)

    def _send(self, streams: list[list[Stream]], seconds: float, server: Running, work: Work) -> Sent:
        sent = send(streams, seconds, server.port, self._load_core, work.rcode)
        wrong = sent.sent - sent.completed + sent.other
        if not sent.completed or wrong > TOLERANCE * sent.sent:
            raise Unusable(
                f"of {sent.sent} questions {sent.sent - sent.completed} were lost, "
                f"{sent.other} answered with another code than {work.rcode}"
            )
        return sent


def cores() -> tuple[int, int]:
    """The core of the server that is measured, and that of everybody else."""
    server, others = sorted(os.sched_getaffinity(0))[:2]
    return server, others


@contextmanager
def upstream(knot: Peer, folder: Path) -> Iterator[int]:
    """The port of the Knot that forwarded names go to, on the questioners' core; 0 where there is none."""
    if knot.program is None:
        yield 0
        return
    setup = Setup(Role.HITS, folder / "upstream", free_port(), 0)
    with Running(knot.command(setup), setup.port, cores()[1], setup.folder / "log") as server:
        server.must_answer(UPSTREAM_ANSWERS)
        yield setup.port


def _progress(text: str) -> None:
    print(f"\r{' ' * 78}\r{text}", end="", file=sys.stderr, flush=True)


def main() -> int:
    asked = _arguments()
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        print("The bench pins processes to cores: it needs Linux and two cores.", file=sys.stderr)
        return 2
    works = [work for work in WORKS if not asked.only or work.key in asked.only]
    if works and shutil.which("dnsperf") is None:
        print("The bench needs dnsperf: apt-get install dnsperf", file=sys.stderr)
        return 2
    peers = find(install_coredns=asked.build and bool(works))
    missing = {peer.name: peer.install for peer in peers.values() if peer.program is None}
    console = Console(width=None if sys.stdout.isatty() else 150)
    results = _beside_servers(works, peers, missing, asked, console) if works else []
    parts = _of_engines([key for key in PARTS if not asked.only or key in asked.only], asked, console)
    summary(results, parts, console)
    if asked.json:
        write_json(results, parts, missing, asked.json)
    return 1 if any(result.failed.get(OWN, NO_API) != NO_API for result in results) else 0


def _beside_servers(
    works: Sequence[Work],
    peers: Mapping[str, Peer],
    missing: Mapping[str, str],
    asked: argparse.Namespace,
    console: Console,
) -> list[Result]:
    """The rows beside other servers."""
    for name, install in missing.items():
        console.print(f"{name} is missing and left out. To have it: {install}", markup=False, highlight=False)
    if ABSENT:
        console.print(
            f"ATTENTION: {NO_API}. dnspolicy reads manifests instead, and CoreDNS has no cluster.", style="red"
        )
    results = []
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dnspolicy-bench-")))
        port = held.enter_context(upstream(peers["Knot"], folder))
        _progress("starting and filling the API server")
        api = held.enter_context(api_server(folder / "api", cores()[1]))
        bench = Bench(peers, folder, api, port, rounds=asked.rounds, seconds=asked.seconds)
        for work in works:
            results.append(bench.measure(work))
            show(results[-1], console)
    return results


def _of_engines(keys: Sequence[str], asked: argparse.Namespace, console: Console) -> list[Section]:
    """The rows about engines."""
    parts = []
    with tempfile.TemporaryDirectory(prefix="dnspolicy-bench-") as folder:
        engines = Engines(Path(folder), cores(), rounds=asked.rounds, seconds=asked.seconds, tell=_progress)
        for key in keys:
            parts.append(engines.measure(key))
            sections.show(parts[-1], console)
    return parts


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description="Measure dnspolicy beside Unbound, Knot and CoreDNS, and its engines."
    )
    parser.add_argument("--only", action="append", choices=KEYS, metavar="WORK", help=", ".join(KEYS))
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are shown (default 3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (default 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    parser.add_argument(
        "--no-build", dest="build", action="store_false", help="do not build CoreDNS when it is missing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
