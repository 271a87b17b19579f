"""The network of the run: everything in it is this machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

INSIDE = "DNSPOLICY_TEST_NETWORK"
"""Set in the environment when the run has a network namespace of its own."""
PODS = "10.0.0.0/8"


def has_own_network() -> bool:
    return INSIDE in os.environ


def become_local() -> None:
    """Every address of `PODS` belongs to this machine from now on, and sockets can be bound to it."""
    for words in ("link set lo up", f"route replace local {PODS} dev lo"):
        subprocess.run(["ip", *words.split()], check=True)


@contextlib.contextmanager
def holding(*addresses: str) -> Iterator[None]:
    """Until the block ends the addresses are those of an interface, where a server looks for its own."""
    places = [f"{ip}/128 dev lo nodad" if ":" in ip else f"{ip}/32 dev lo" for ip in addresses]
    for place in places:
        subprocess.run(["ip", "address", "add", *place.split()], check=True)
    try:
        yield
    finally:
        for place in places:
            subprocess.run(["ip", "address", "del", *place.removesuffix(" nodad").split()], check=True)
