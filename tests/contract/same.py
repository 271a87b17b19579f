"""One policy in several engines, and what they say of the same questions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvloop

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.opa import Files, OpaSupply, Sources
from dnspolicy.engines.opa.admin import Admin
from dnspolicy.engines.opa.pushing import push, wanted
from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.engines.rego.binding import Binding
from dnspolicy.model.errors import EngineError
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.opa import Opa, parse
from tests.contract.rigs.grpc import EnginePdpRig
from tests.peers.find import find
from tests.unit.engines.opa.control import Control
from tests.unit.policies.library import POLICIES

AT_ONCE = 32
PATIENCE = 20.0
"""Seconds that a decision may take, on a machine that is busy."""
SLACK = 10
"""Seconds by which a ttl may differ that counts down to the edge of a time window."""
Said = Verdict | str | None


class Case(msgspec.Struct, frozen=True):
    """A policy by its folders."""

    name: str
    folders: tuple[Path, ...]


ALL = "all-together"
NAMES = sorted(path.parent.name for path in POLICIES.glob("*/candidates.rego"))


def library(name: str, folder: Path) -> Case:
    """A policy of the library with its sample data, which are copied to a folder, or ALL of them together."""
    names = NAMES if name == ALL else [name]
    return Case(name, (POLICIES / "lib", *(POLICIES / one for one in names), *(_sample(one, folder) for one in names)))


def _sample(name: str, folder: Path) -> Path:
    made = folder / name
    made.mkdir()
    data = POLICIES / name / "sample" / "data.json"
    (made / "data.json").write_bytes(data.read_bytes() if data.exists() else b"{}")
    return made


def embedded(case: Case, binding: Binding | None = None) -> RegoEngine:
    return RegoEngine(load(case.folders, isolated=False, binding=binding))


def ask(engine: Engine, asked: Sequence[PolicyInput]) -> list[Said]:
    """What an engine says that needs no event loop of its own."""
    return uvloop.run(_all(engine, asked))


def ask_pdp(case: Case, asked: Sequence[PolicyInput], folder: Path) -> list[Said]:
    """What our decision point says, over gRPC, with the embedded engine."""
    rig = EnginePdpRig(folder)
    try:
        engine = rig.serve(embedded(case))
        return rig.run(_all(engine, asked), 300)
    finally:
        rig.close()


@contextmanager
def opa(folder: Path) -> Iterator[Control]:
    """A real one."""
    program = find("opa")
    assert program is not None
    control = Control(program, folder)
    try:
        control.start()
        yield control
    finally:
        control.close()


def ask_opa(control: Control, case: Case, asked: Sequence[PolicyInput]) -> list[Said]:
    """What OPA says, through the `opa` engine, once it has this policy and no other."""
    admin = Admin(parse(control.url), Files())
    try:
        push(admin, wanted(case.folders, "dnspolicy"), "dnspolicy")
    finally:
        admin.close()
    return uvloop.run(_opa(control, asked))


async def _opa(control: Control, asked: Sequence[PolicyInput]) -> list[Said]:
    supply = OpaSupply(
        Opa((control.url,)), Sources(Files()), "data.dnspolicy.decision",
        reload=1.0, metrics=Metrics(), monotonic=time.monotonic,
    )  # fmt: skip
    await supply.start(lambda: None)
    try:
        return await _all(supply.engine, asked)
    finally:
        await supply.stop()


async def _all(engine: Engine, asked: Sequence[PolicyInput]) -> list[Said]:
    found: list[Said] = []
    for at in range(0, len(asked), AT_ONCE):
        found += await asyncio.gather(*(_said(engine, one) for one in asked[at : at + AT_ONCE]))
    return found


async def _said(engine: Engine, asked: PolicyInput) -> Said:
    """The verdict without what belongs to the engine; a failure by its kind."""
    try:
        found = await engine.decide(asked, time.monotonic() + PATIENCE)
    except EngineError as problem:
        return type(problem).__name__
    return None if found is None else msgspec.structs.replace(found, revision="", holds=None)


def differences(
    asked: Sequence[PolicyInput], one: Sequence[Said], other: Sequence[Said]
) -> list[tuple[PolicyInput, Said, Said]]:
    """Questions to which two engines do not say the same."""
    return [(q, a, b) for q, a, b in zip(asked, one, other, strict=True) if not _equal(a, b)]


def _equal(one: Said, other: Said) -> bool:
    if one == other or not (isinstance(one, Verdict) and isinstance(other, Verdict)):
        return one == other
    if one.ttl is None or other.ttl is None or abs(one.ttl - other.ttl) > SLACK:
        return False
    return msgspec.structs.replace(one, ttl=other.ttl) == other
