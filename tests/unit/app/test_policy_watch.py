"""No change of a policy goes unnoticed, whatever it lies in and whenever it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply import Engines
from dnspolicy.chain.clock import SystemClock
from dnspolicy.corefile.schema import Duration
from dnspolicy.engines.rego import Loaded, load
from dnspolicy.model.answer import Dependencies
from dnspolicy.plugins.policy import Config
from dnspolicy.policy.engine import DataPath


def rule(reason: str) -> str:
    return f'package dnspolicy\n\ndecision := {{"action": "allow", "rule": "r", "reason": "{reason}"}}\n'


def ignore(_line: str) -> None:
    """What the server says is not looked at."""


async def changes(path: Path, then: Path, *, early: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Watch `path` and change the file `then`, `early` while it is loaded; returns once the change is in force."""
    changed = asyncio.Event()

    def moved(rests: Dependencies) -> None:
        changed.set()

    made = Engines(Parts(SystemClock(), ignore, ignore), moved, lambda: None)

    def change() -> None:
        then.write_text(rule("another"))

    def load_and_change(
        folders: tuple[Path, ...], entrypoint: str, declared: tuple[DataPath, ...], more: tuple[()]
    ) -> Loaded:
        loaded = load(folders, entrypoint, declared=declared, more=more)
        change()
        return loaded

    with monkeypatch.context() as patch:
        if early:
            patch.setattr("dnspolicy.app.supply.folders.load", load_and_change)
        made.judge(Config(rego=(str(path),), reload=Duration(0.01)), Plan((), path.parent, ()))
    await made.start()
    try:
        if not early:
            change()
        await asyncio.wait_for(changed.wait(), 10)
    finally:
        await made.stop()


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_a_change_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, single: bool, early: bool) -> None:
    file = tmp_path / "rule.rego"
    file.write_text(rule("one"))
    asyncio.run(changes(file if single else tmp_path, file, early=early, monkeypatch=monkeypatch))
