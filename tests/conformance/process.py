"""`dnspolicy serve` as a child process on an address and a port of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.conformance.suite import Setup

COMMAND = "import sys; from dnspolicy.cli.main import main; sys.exit(main())"
PATIENCE = 20.0
"""Seconds to wait for the end of the server."""
_SAID_LAST = (" is ready\n", " is not ready yet: ")


def corefile(setup: Setup, address: str, source: str, upstreams: Mapping[str, str]) -> str:
    """The whole configuration of `setup`; `upstreams` are where its name servers are found."""
    lines = [f"bind {address}", "errors", *setup.directive(source)]
    if setup.next:
        lines.append(f"forward . {upstreams[setup.next]}")
    blocks = [(" ".join(setup.zones) if not setup.next else ".", lines)]
    blocks += [(zone, [f"bind {address}", f"forward . {upstreams[name]}"]) for zone, name in setup.stubs.items()]
    return "\n".join("\n".join([f"{keys} {{", *inside, "}"]) for keys, inside in blocks) + "\n"


@contextlib.contextmanager
def serving(path: Path, port: int) -> Iterator[None]:
    """A server that listens, ended with SIGTERM, which has to leave 0."""
    words = [sys.executable, "-c", COMMAND, "serve", "--conf", str(path), "--port", str(port)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        assert child.stderr is not None
        try:
            said = [child.stderr.readline()]
            while said[-1] and not any(words in said[-1] for words in _SAID_LAST):
                said.append(child.stderr.readline())
            assert said[-1], f"the server did not start: {''.join(said)}"
            yield
        finally:
            child.terminate()
            try:
                _, rest = child.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                raise
        assert child.returncode == 0, rest


def own_address() -> str:
    """A loopback address that hardly anyone else uses now."""
    number = os.getpid()
    return f"127.{64 + number // 62500 % 64}.{number // 250 % 250 + 1}.{number % 250 + 1}"
