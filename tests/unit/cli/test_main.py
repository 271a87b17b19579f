"""How any command begins and ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dnspolicy.chain.apart import environment

PATIENCE = 60
PROGRAM = """
import os, signal, sys
from importlib.abc import MetaPathFinder
from dnspolicy.cli.main import main

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.exit(main(["version"]))
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=False,
        env=environment(),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["dnspolicy.cli.commands", "msgspec", "dnspolicy.app.app", "dnspolicy.cli.version"])
def test_an_interrupt_while_a_command_starts_ends_it_without_a_traceback(name: str) -> None:
    done = run(PROGRAM.format(name=name))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_without_one_the_command_runs() -> None:
    assert run(PROGRAM.format(name="nobody")).returncode == 0
