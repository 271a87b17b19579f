"""A policy with 100,000 names of data that changes, while questions come at a steady pace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.bench import cluster
from tests.bench.engines.measured import Measured
from tests.bench.engines.processes import OWN, SPARE
from tests.bench.servers import Expected, Running, Unusable, free_port

NAMES = 100_000
RATE = 500.0
"""Questions per second, each for another name, so that each is decided."""
TIMEOUT = 0.02
"""Seconds that a decision may take, which is the default of `policy`."""
PERIOD = 4
"""Seconds from one change to the next."""
POLICY = """package dnspolicy

import rego.v1

decision := {"action": "block", "rule": "names/listed", "reason": "on the list", "as": "refused"} if {
    some suffix in input.query.suffixes
    data.LIST[suffix]
} else := {"action": "allow", "rule": "names/any", "reason": "not on the list"}
"""
_METRIC = re.compile(r"^(dnspolicy_policy_failures_total|dnspolicy_policy_info)\{(.*)\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Changed:
    """Questions in a quiet period, and in one with `changes`; `failures` are decisions that were not made."""

    quiet: Measured
    moving: Measured
    changes: int
    failures: int


def names(turn: int) -> bytes:
    """The list, of which each turn has other names."""
    return json.dumps({f"name-{number}.turn-{turn}.example": True for number in range(NAMES)}).encode()


def folder_words(folder: Path) -> tuple[str, ...]:
    """The list beside the policy."""
    _write(folder / "policy" / "policy.rego", POLICY.replace("LIST", "names").encode())
    return (f"rego {folder / 'policy'}", "reload 100ms")


def feed_words(folder: Path) -> tuple[str, ...]:
    """The list as a document that is followed."""
    _write(folder / "policy" / "policy.rego", POLICY.replace("LIST", "site.names").encode())
    data = f"data site.names file {folder / 'names.json'} {{\n every 100ms\n required\n }}"
    return (f"rego {folder / 'policy'}", data)


def put_in_folder(folder: Path, turn: int) -> None:
    _write(folder / "policy" / "data.json", b'{"names":' + names(turn) + b"}")


def put_in_feed(folder: Path, turn: int) -> None:
    _write(folder / "names.json", names(turn))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.new")
    made.write_bytes(content)
    made.replace(path)


def measure(
    folder: Path,
    words: Callable[[Path], tuple[str, ...]],
    put: Callable[[Path, int], None],
    seconds: float,
    cores: tuple[int, int],
) -> Changed:
    """`seconds` of quiet, and as many of changes. Raises Unusable."""
    folder.mkdir(parents=True)
    put(folder, 0)
    http = free_port()
    with _server(folder, words(folder), http, cores[0]) as server:
        before, _ = _metrics(http)
        quiet = _asked(server.port, seconds, cores[1], "quiet", lambda: None)
        seen = {_metrics(http)[1]}
        turns = iter(range(1, 1_000_000))

        def step() -> None:
            put(folder, next(turns))

        def look() -> None:
            seen.add(_metrics(http)[1])

        moving = _asked(server.port, max(seconds, 2 * PERIOD), cores[1], "moving", step, look)
        failures, revision = _metrics(http)
        seen.add(revision)
    return Changed(quiet, moving, len(seen) - 1, int(failures - before))


@contextmanager
def _server(folder: Path, words: tuple[str, ...], http: int, core: int) -> Iterator[Running]:
    port = free_port()
    cluster.write_manifests(folder / "manifests")
    lines = (
        "bind 127.0.0.1",
        f"kubernetes {cluster.ZONE} {{\n manifests {folder / 'manifests'}\n }}",
        f"prometheus 127.0.0.1:{http}",
        "policy {\n" + "".join(f" {word}\n" for word in (*words, f"timeout {TIMEOUT * 1000:g}ms")) + " }",
    )
    conf = folder / "Corefile"
    conf.write_text(f".:{port} {{\n" + "".join(f" {line}\n" for line in lines) + "}\n")
    with Running([str(OWN), "serve", "--conf", str(conf)], port, core, folder / "log") as server:
        server.must_answer([Expected(name, "NOERROR", (address,)) for name, address in cluster.names(1)])
        time.sleep(1.0)
        yield server


def _asked(
    port: int, seconds: float, core: int, mark: str, step: Callable[[], None], look: Callable[[], None] | None = None
) -> Measured:
    command = [
        sys.executable, "-m", "tests.bench.engines.dns", str(port), "--rate", str(RATE), "--seconds", str(seconds),
        "--mark", mark,
    ]  # fmt: skip
    asking = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    until = time.monotonic() + seconds
    while look is not None and time.monotonic() < until:
        step()
        later = min(time.monotonic() + PERIOD, until)
        while time.monotonic() < later:
            time.sleep(0.5)
            look()
    output, _ = asking.communicate(timeout=seconds + SPARE)
    if asking.returncode:
        raise Unusable("the questions could not be put")
    return msgspec.json.decode(output, type=Measured)


def _metrics(port: int) -> tuple[float, str]:
    """Decisions that failed so far, and the revision in force."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text = page.read().decode()
    failures, revision = 0.0, ""
    for name, labels, value in _METRIC.findall(text):
        if name == "dnspolicy_policy_info":
            revision = labels if float(value) else revision
        else:
            failures += float(value)
    return failures, revision
