"""The network of the run: everything in it is this machine."""

from __future__ import annotations

import os
import subprocess

INSIDE = "DNSPOLICY_TEST_NETWORK"
"""Set in the environment when the run has a network namespace of its own."""
PODS = "10.0.0.0/8"


def has_own_network() -> bool:
    return INSIDE in os.environ


def become_local() -> None:
    """Every address of `PODS` belongs to this machine from now on, and sockets can be bound to it."""
    for words in ("link set lo up", f"route replace local {PODS} dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
