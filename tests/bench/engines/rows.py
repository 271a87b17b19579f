"""The parts of the bench that are about engines."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dnspolicy.engines.rego.binding import Binding, available
from tests.bench import cluster, corefiles
from tests.bench.engines import change
from tests.bench.engines.measured import Measured
from tests.bench.engines.processes import OWN, Decider, asked, block, opa, pdp
from tests.bench.engines.sections import Line, Section
from tests.bench.servers import Expected, Running, Unusable, free_port

PARTS = ("engines", "engines-dns", "engines-batches", "engines-known", "engines-change")
IN_FLIGHT = (1, 64)
RAW = "raw OPA, Unix socket"
BARE = "no policy"
OPA_RATIO = 1.3
"""A DNS answer decided by an OPA beside the raw round trip to it."""
BATCHED = 20_000
"""Decisions per second of one decision point."""
KNOWN_SECONDS = 3e-6
"""A decision that is remembered."""
SATURATED = 0.95
POOL = max(IN_FLIGHT)
_NO_LIMIT = ("timeout 1s",)
"""How fast is asked here, not how late."""


@dataclass(frozen=True)
class Deciders:
    """What runs on the server's core; `opa` is None where there is none, for which `lacking` says why."""

    opa: tuple[Decider, Decider] | None
    lacking: str
    pdp: Decider


class Engines:
    """`cores` are the server's and the questioners'. `tell` shows how far it is."""

    def __init__(
        self, folder: Path, cores: tuple[int, int], *, rounds: int, seconds: float, tell: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._server_core, self._load_core = cores
        self._rounds = rounds
        self._seconds = seconds
        self._tell = tell
        self._runs = 0
        parts = (self._decisions, self._answers, self._batches, self._remembered, self._change)
        self._parts: Mapping[str, Callable[[], Section]] = dict(zip(PARTS, parts, strict=True))

    def measure(self, key: str) -> Section:
        """One part; what cannot be measured says why."""
        folder = self._folder / key
        folder.mkdir(parents=True)
        cluster.write_policy(folder / "policy", cluster.NAME_POLICY)
        try:
            found = self._parts[key]()
        except Unusable as problem:
            found = Section(key, "not measured", failed={"all": str(problem)})
        self._tell("")
        return found

    # ---------------------------------------------------------------------------------------------------- decisions

    def _decisions(self) -> Section:
        section = Section("engines", "one decision by engine, every name a new one", RAW)
        with self._deciders("engines") as deciders:
            runs = self._engine_runs(deciders, self._folder / "engines", section)
            self._rounds_of(section, runs, IN_FLIGHT)
        return section

    def _engine_runs(self, deciders: Deciders, folder: Path, section: Section) -> dict[str, _Run]:
        words = f"rego {folder / 'policy'}"
        runs: dict[str, _Run] = {}
        if deciders.opa is None:
            section.failed["OPA"] = deciders.lacking
        else:
            tcp, unix = deciders.opa
            runs["raw OPA, TCP"] = self._raw(tcp)
            runs[RAW] = self._raw(unix)
            runs["opa, TCP"] = self._engine(f"opa http://127.0.0.1:{tcp.address} {{\n pool {POOL}\n }}", tcp, "tcp")
            runs["opa, Unix socket"] = self._engine(f"opa unix://{unix.address} {{\n pool {POOL}\n }}", unix, "unix")
        for binding in Binding:
            if available(binding):
                runs[f"rego, {binding}"] = self._engine(words, None, binding, {"DNSPOLICY_REGO": binding.value})
            else:
                section.failed[f"rego, {binding}"] = "not built: make native"
        point = deciders.pdp
        runs["grpc, unary"] = self._engine(f"grpc unix:{point.address} {{\n mode unary\n }}", point, "unary")
        runs["grpc, batched stream"] = self._engine(f"grpc unix:{point.address}", point, "stream")
        return runs

    def _raw(self, decider: Decider) -> _Run:
        def run(in_flight: int) -> Measured:
            words = (decider.address, "--in-flight", str(in_flight))
            return asked("raw", *words, seconds=self._seconds, core=self._load_core, beside=decider.running)

        return run

    def _engine(
        self, words: str, decider: Decider | None, name: str, environment: Mapping[str, str] | None = None
    ) -> _Run:
        conf = self._folder / f"asker-{name}.conf"
        conf.write_text(block(words, _NO_LIMIT))

        def run(in_flight: int) -> Measured:
            return asked(
                "asker", str(conf), "--in-flight", str(in_flight), seconds=self._seconds, core=self._load_core,
                beside=decider.running if decider else None, environment=environment,
            )  # fmt: skip

        return run

    # ------------------------------------------------------------------------------------------------------ answers

    def _answers(self) -> Section:
        section = Section("engines-dns", "DNS answers by engine, every name a new one", BARE)
        folder = self._folder / "engines-dns"
        with ExitStack() as held:
            deciders = held.enter_context(self._deciders("engines-dns"))
            runs: dict[str, _Run] = {}
            policy = f"rego {folder / 'policy'}"
            words = {BARE: "", "rego": policy}
            if deciders.opa is None:
                section.failed["OPA"] = deciders.lacking
            else:
                tcp, unix = deciders.opa
                runs[RAW] = self._raw(unix)
                inside = f"{{\n pool {POOL}\n {policy}\n }}"
                words["opa, TCP"] = f"opa http://127.0.0.1:{tcp.address} {inside}"
                words["opa, Unix socket"] = f"opa unix://{unix.address} {inside}"
            words["grpc, unary"] = f"grpc unix:{deciders.pdp.address} {{\n mode unary\n }}"
            words["grpc, batched stream"] = f"grpc unix:{deciders.pdp.address}"
            for name, line in words.items():
                server = held.enter_context(self._server(folder, len(runs), line))
                runs[name] = self._dns(server)
            self._rounds_of(section, runs, IN_FLIGHT)
        _opa_goals(section)
        return section

    @contextmanager
    def _server(self, folder: Path, number: int, words: str) -> Iterator[Running]:
        """A dnspolicy where the questions come from, as an OPA has the other core."""
        at = folder / f"server-{number}"
        cluster.write_manifests(at / "manifests")
        more = ["policy {\n" + "".join(f" {line}\n" for line in (words, *_NO_LIMIT)) + " }"] if words else []
        port = free_port()
        (at / "Corefile").write_text(corefiles.kubeadm(port, 0, f"manifests {at / 'manifests'}", more=more))
        command = [str(OWN), "serve", "--conf", str(at / "Corefile")]
        with Running(command, port, self._load_core, at / "log") as running:
            running.must_answer([Expected(name, "NOERROR", (address,)) for name, address in cluster.names(1)])
            yield running

    def _dns(self, server: Running) -> _Run:
        def run(in_flight: int) -> Measured:
            self._runs += 1
            words = (str(server.port), "--in-flight", str(in_flight), "--mark", f"run-{self._runs}")
            return asked("dns", *words, seconds=self._seconds, core=self._load_core, beside=server)

        return run

    # ------------------------------------------------------------------------------------------------------ batches

    def _batches(self) -> Section:
        section = Section("engines-batches", "decisions of one `dnspolicy pdp` over a batched stream")
        folder = self._folder / "engines-batches"
        engines = {"one rule": "firewall query {\n allow true\n }", "rego": f"rego {folder / 'policy'}"}
        with ExitStack() as held:
            runs = {}
            for number, (name, words) in enumerate(engines.items()):
                point = held.enter_context(pdp(words, f"pdp-{number}", folder, self._server_core))
                runs[name] = self._engine(f"grpc unix:{point.address}", point, f"batches-{number}")
            self._rounds_of(section, runs, (64, 256, 1024))
        for name in engines:
            best = max((line for line in section.lines if line.name == name), key=_of_server, default=None)
            if best is not None:
                busy = best.per_second * best.beside
                text = f"{name}: {best.per_second:,.0f} decisions/s at {best.in_flight} in flight"
                if busy < SATURATED:
                    text += f", {_of_server(best):,.0f} per second of its CPU"
                section.goal(_of_server(best) >= BATCHED, f"{text}, to reach {BATCHED:,}")
        return section

    # ----------------------------------------------------------------------------------------------------- memory

    def _remembered(self) -> Section:
        section = Section("engines-known", "a decision that is remembered, with the projection of its question")

        def recall(which: str) -> _Run:
            return lambda _: asked("memory", which, seconds=self._seconds, core=self._server_core)

        self._rounds_of(section, {f"{w} footprint": recall(w) for w in ("small", "typical")}, (0,))
        for line in section.lines:
            text = f"{line.name}: {line.p50 * 1e6:.1f} µs, at most {KNOWN_SECONDS * 1e6:.0f} µs"
            section.goal(line.p50 <= KNOWN_SECONDS, text)
        return section

    # ----------------------------------------------------------------------------------------------------- change

    def _change(self) -> Section:
        section = Section(
            "engines-change", f"{change.NAMES:,} names of data that change, {change.RATE:.0f} questions/s meanwhile"
        )
        kinds = {"folder": (change.folder_words, change.put_in_folder), "feed": (change.feed_words, change.put_in_feed)}
        cores = (self._server_core, self._load_core)
        for name, (words, put) in kinds.items():
            self._tell(f"engines-change: {name}")
            try:
                found = change.measure(self._folder / "engines-change" / name, words, put, 4 * self._seconds, cores)
            except Unusable as problem:
                section.failed[name] = str(problem)
                continue
            section.lines.append(Line.of(f"{name}, quiet", 0, [found.quiet]))
            section.lines.append(Line.of(f"{name}, {found.changes} changes", 0, [found.moving]))
            late = found.moving.worst > change.TIMEOUT or found.moving.failed or found.failures
            text = (
                f"{name}: the latest answer of {found.changes} changes after {found.moving.worst * 1e3:.1f} ms "
                f"(quiet {found.quiet.worst * 1e3:.1f} ms), at most {change.TIMEOUT * 1e3:.0f} ms; "
                f"{found.failures} decisions not made, {found.moving.failed} questions lost"
            )
            section.goal(bool(found.changes) and not late, text)
        return section

    # ----------------------------------------------------------------------------------------------------- rounds

    @contextmanager
    def _deciders(self, key: str) -> Iterator[Deciders]:
        folder = self._folder / key
        with ExitStack() as held:
            found, lacking = None, ""
            try:
                found = held.enter_context(opa(folder / "policy", folder, self._server_core))
            except Unusable as problem:
                lacking = str(problem)
            point = held.enter_context(pdp(f"rego {folder / 'policy'}", "pdp", folder, self._server_core))
            yield Deciders(found, lacking, point)

    def _rounds_of(self, section: Section, runs: Mapping[str, _Run], in_flight: tuple[int, ...]) -> None:
        """All rounds, everybody in turn within each."""
        found: dict[tuple[int, str], list[Measured]] = {}
        for number in range(self._rounds):
            for count in in_flight:
                for name, run in runs.items():
                    if name in section.failed:
                        continue
                    self._tell(f"{section.key}: round {number + 1}, {name}, {count} in flight")
                    try:
                        found.setdefault((count, name), []).append(run(count))
                    except (Unusable, subprocess.TimeoutExpired) as problem:
                        section.failed[name] = str(problem)
        for (count, name), measured in found.items():
            if name not in section.failed:
                section.lines.append(Line.of(name, count, measured))


_Run = Callable[[int], Measured]
"""Given how many in flight."""


def _of_server(line: Line) -> float:
    """Decisions per second; per second of CPU where whoever asked held it up."""
    busy = line.per_second * line.beside
    return 1 / line.beside if line.beside and busy < SATURATED else line.per_second


def _opa_goals(section: Section) -> None:
    for in_flight in IN_FLIGHT:
        raw, dns = section.line(RAW, in_flight), section.line("opa, Unix socket", in_flight)
        if raw is None or dns is None:
            continue
        if in_flight == 1:
            mean = raw.per_second / dns.per_second
            ratio, what = dns.p50 / raw.p50, f"one after the other by p50 ({mean:.2f} by the mean)"
        else:
            ratio, what = raw.per_second / dns.per_second, f"{in_flight} in flight"
        text = f"DNS through OPA over a Unix socket: {ratio:.2f} of the raw round trip, {what}, at most {OPA_RATIO}"
        section.goal(ratio <= OPA_RATIO, text)
