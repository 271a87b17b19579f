"""No change of a policy goes unnoticed, whatever it lies in and whenever it comes."""

from __future__ import annotations

import asyncio
from errno import EAGAIN, EIO
from importlib import import_module
from pathlib import Path

import pytest

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply import Engines
from dnspolicy.chain.clock import SystemClock
from dnspolicy.corefile.regular import Fingerprint, fingerprint
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


async def recovers(path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, failure: Exception) -> None:
    """Change a policy while `fails` fails for a while; returns once the change is in force."""
    changed = asyncio.Event()
    made = Engines(Parts(SystemClock(), ignore, ignore), lambda rests: changed.set(), lambda: None)
    made.judge(Config(rego=(str(path),), reload=Duration(0.01)), Plan((), path.parent, ()))
    module, _, name = fails.rpartition(".")
    works, left = getattr(import_module(module), name), 3

    def run(*arguments: object, **options: object) -> object:
        nonlocal left
        left -= 1
        if left >= 0:
            raise failure
        return works(*arguments, **options)

    monkeypatch.setattr(fails, run)
    await made.start()
    try:
        (path / "rule.rego").write_text(rule("another"))
        await asyncio.wait_for(changed.wait(), 10)
    finally:
        await made.stop()


@pytest.mark.parametrize(
    ("fails", "failure"),
    [
        pytest.param("dnspolicy.engines.rego.confined.run", BlockingIOError(EAGAIN, "no process"), id="start"),
        pytest.param("dnspolicy.engines.rego.sources.read_regular", OSError(EIO, "disk"), id="read"),
        pytest.param("dnspolicy.app.supply.folders.load", RuntimeError("can't start new thread"), id="thread"),
    ],
)
def test_what_could_not_be_checked_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rule.rego").write_text(rule("one"))
    asyncio.run(recovers(tmp_path, monkeypatch, fails, failure))
    assert len([line for line in caplog.messages if "stays" in line]) == 1


async def refuses_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a policy that is wrong is checked while it stays as it is."""
    made = Engines(Parts(SystemClock(), ignore, ignore), lambda rests: None, lambda: None)
    made.judge(Config(rego=(str(path),), reload=Duration(0.01)), Plan((), path.parent, ()))
    checks, looks = 0, asyncio.Semaphore(0)

    def checked(*arguments: object, **options: object) -> Loaded:
        nonlocal checks
        checks += 1
        return load(*arguments, isolated=False, **options)  # type: ignore[arg-type]

    loop = asyncio.get_running_loop()

    def looked(paths: tuple[Path, ...]) -> Fingerprint:
        loop.call_soon_threadsafe(looks.release)
        return fingerprint(paths)

    monkeypatch.setattr("dnspolicy.app.supply.folders.load", checked)
    monkeypatch.setattr("dnspolicy.app.supply.folders.fingerprint", looked)
    (path / "rule.rego").write_text("package dnspolicy\n\ndecision := nowhere\n")
    await made.start()
    try:
        async with asyncio.timeout(10):
            for _ in range(20):
                await looks.acquire()
    finally:
        await made.stop()
    return checks


def test_what_is_wrong_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rule.rego").write_text(rule("one"))
    assert asyncio.run(refuses_once(tmp_path, monkeypatch)) == 1
