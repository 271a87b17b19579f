"""Which peers are here, in the version that is meant."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.peers.table import BY_PROGRAM, Peer

CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE = 20.0


def folder() -> Path:
    """Where `make peers` builds: `$PEERS`, or `.peers` in the checkout."""
    return Path(os.environ.get("PEERS") or CHECKOUT / ".peers").absolute()


@functools.cache
def find(program: str) -> Path | None:
    """The program of a peer; None when it is not here, or only in another version."""
    peer = BY_PROGRAM[program]
    return next((path for path in _places(program) if said(path, peer)), None)


def missing(*programs: str) -> list[str]:
    """Those of the programs that are not here."""
    return [program for program in programs if find(program) is None]


def said(path: Path, peer: Peer) -> str:
    """The line in which a program says that it is the version that is meant; empty when it does not."""
    try:
        told = subprocess.run(
            [path, *peer.asks], capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (told.stdout + told.stderr).splitlines()
    return next((line.strip() for line in lines if peer.says in line), "")


def _places(program: str) -> Iterator[Path]:
    folders = [str(folder() / "bin"), *_go_folders(), *os.environ.get("PATH", "").split(":")]
    for place in [*folders, "/usr/local/sbin", "/usr/sbin", "/sbin"]:
        path = Path(place) / program
        if place and path.is_file() and os.access(path, os.X_OK):
            yield path


def _go_folders() -> list[str]:
    """Where `go install` puts programs."""
    paths = os.environ.get("GOPATH") or str(Path.home() / "go")
    return [os.environ.get("GOBIN", ""), *(f"{path}/bin" for path in paths.split(":"))]
