"""An OPA and decision points on the server's core, askers on the other one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.bench.engines.measured import Measured
from tests.bench.servers import Running, Unusable, free_port
from tests.peers.find import find

OWN = Path(sys.executable).parent / "dnspolicy"
START = 20.0
"""Seconds until somebody listens."""
SPARE = 60.0
"""Seconds that an asker may take beside those it asks."""


@dataclass(frozen=True)
class Decider:
    """What decides in a process of its own. `address` is a port of loopback or the path of a socket."""

    address: str
    running: Running


def block(words: str, more: Sequence[str] = ()) -> str:
    """A server block that holds nothing but a policy."""
    return ".:5300 {\n    policy {\n" + "".join(f"        {line}\n" for line in (words, *more)) + "    }\n}\n"


@contextmanager
def opa(policy: Path, folder: Path, core: int) -> Iterator[tuple[Decider, Decider]]:
    """A real OPA, by TCP and by a Unix socket. Raises Unusable where there is none."""
    program = find("opa")
    if program is None:
        raise Unusable("needs opa: make peers")
    port, path = free_port(), folder / "opa.sock"
    command = [
        str(program), "run", "--server", "--log-level", "error", "--addr", f"127.0.0.1:{port}",
        "--addr", f"unix://{path}", str(policy),
    ]  # fmt: skip
    with Running(command, port, core, folder / "opa.log") as running:
        _listens(str(port), running)
        _listens(str(path), running)
        yield Decider(str(port), running), Decider(str(path), running)


@contextmanager
def pdp(words: str, name: str, folder: Path, core: int) -> Iterator[Decider]:
    """`dnspolicy pdp` over an engine."""
    conf, path = folder / f"{name}.conf", folder / f"{name}.sock"
    conf.write_text(block(words, ("timeout 1s",)))
    command = [str(OWN), "pdp", "--conf", str(conf), "--listen", f"unix:{path}", "--quiet"]
    with Running(command, 0, core, folder / f"{name}.log") as running:
        _listens(str(path), running)
        yield Decider(str(path), running)


def _listens(address: str, running: Running) -> None:
    until = time.monotonic() + START
    while True:
        running.cpu_seconds()  # raises when it has ended
        family, at = (socket.AF_INET, ("127.0.0.1", int(address))) if address.isdigit() else (socket.AF_UNIX, address)
        with socket.socket(family) as probe:
            try:
                probe.connect(at)
                return
            except OSError:
                if time.monotonic() > until:
                    raise Unusable(f"nobody listens on {address}") from None
        time.sleep(0.05)


def asked(
    module: str,
    *words: str,
    seconds: float,
    core: int,
    beside: Running | None = None,
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """What a module of this package measured on a core. Raises Unusable with its last words."""
    command = [sys.executable, "-m", f"tests.bench.engines.{module}", *words, "--seconds", str(seconds)]
    if beside is not None:
        command += ["--beside", str(beside.pid)]
    done = subprocess.run(
        command,
        capture_output=True,
        timeout=seconds + SPARE,
        env={**os.environ, **(environment or {})},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unusable(lines[-1] if lines else f"{module} ended with {done.returncode}")
    found = msgspec.json.decode(done.stdout, type=Measured)
    if not found.done:
        raise Unusable(f"nothing was decided: {found.why}")
    return found
