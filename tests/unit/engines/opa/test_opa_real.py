"""Beside a real OPA: killed, hung and restarted under load, bundles, and the same verdicts as the embedded engine."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from dnspolicy.engines.opa import Files
from dnspolicy.engines.opa.admin import Admin
from dnspolicy.engines.opa.pushing import push, wanted
from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.model.errors import EngineError, EngineUnavailable
from dnspolicy.model.identity import ClientKind, Identity, Owner
from dnspolicy.model.name import from_labels
from dnspolicy.model.query import Query
from dnspolicy.model.target import Target, TargetKind
from dnspolicy.model.verdict import Action, Phase, Verdict
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.input import AnswerFacts, PolicyInput
from dnspolicy.policy.settings.opa import parse
from dnspolicy.testing.certificates import Authority
from tests.e2e.process import free_port
from tests.peers.find import find
from tests.unit.engines.opa.asking import Asking, storm
from tests.unit.engines.opa.control import Control

pytestmark = pytest.mark.real("opa")
POLICIES = Path(__file__).resolve().parents[4] / "policies"
LIBRARY = tuple(POLICIES / name for name in ("lib", "tenant-isolation", "environments", "blocklist"))
POLICY = """package dnspolicy

decision := {"action": "block", "rule": "r", "reason": "why"}
"""
INPUTS = 10_000


@pytest.fixture
def opa(tmp_path: Path) -> Iterator[Control]:
    (tmp_path / "p.rego").write_text(POLICY)
    program = find("opa")
    assert program is not None
    control = Control(program, tmp_path, [str(tmp_path / "p.rego")])
    try:
        control.start()
        yield control
    finally:
        control.signal(signal.SIGCONT)
        control.close()


def killed(opa: Control) -> None:
    opa.stop()


def restarted(opa: Control) -> None:
    opa.stop()
    opa.start()


def hung(opa: Control) -> None:
    opa.stand_still()


@pytest.mark.parametrize("happen", [killed, restarted, hung])
def test_under_load(opa: Control, happen: Callable[[Control], None]) -> None:
    async def meanwhile() -> Counter[str]:
        load = asyncio.create_task(storm(asking, 6000, 300, 0.2))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(happen, opa)
        return await load

    with Asking(opa.url) as asking:
        assert asking.eventually() is not None
        outcomes = asking.run(meanwhile(), 60)
        assert set(outcomes) <= {"block", "EngineUnavailable", "EngineTimeout", "EngineBadReply"}
        opa.signal(signal.SIGCONT)
        opa.start()
        assert asking.eventually() is not None


def test_what_was_pushed_is_what_decides(opa: Control, tmp_path: Path) -> None:
    """With the folders, and the revision of the push in each decision."""
    folder = tmp_path / "pushed"
    folder.mkdir()
    (folder / "p.rego").write_text(POLICY)
    opa.ask("DELETE", f"/v1/policies{tmp_path}/p.rego")
    with Asking(opa.url, folders=(folder,)) as asking:
        _push(opa, (folder,))
        asking.await_true(lambda: asking.engine.footprint.paths == frozenset())
        before = asking.engine.revision
        (folder / "data.json").write_text('{"more": 1}')
        _push(opa, (folder,))
        asking.await_true(lambda: asking.engine.revision != before)


def test_a_bundle_makes_decisions_last_until_there_is_another(tmp_path: Path) -> None:
    """As `opa build` makes it, and as OPA takes it up by itself."""
    program = find("opa")
    assert program is not None
    folder = tmp_path / "policies"
    folder.mkdir()
    bundle = tmp_path / "bundle.tar.gz"

    def build(text: str, revision: str) -> None:
        (folder / "p.rego").write_text(text)
        words = ["build", "--bundle", folder, "--revision", revision, "--output", bundle]
        subprocess.run([program, *words], check=True, capture_output=True)

    build(POLICY, "one")
    control = Control(program, tmp_path, ["--bundle", str(bundle), "--watch"])
    try:
        control.start()
        with Asking(control.url, folders=(folder,)) as asking:
            asking.await_true(lambda: asking.engine.footprint.timeless)
            first = asking.eventually()
            assert first is not None
            assert (first.action, first.holds) == (Action.BLOCK, None)
            build(POLICY.replace('"block"', '"allow"'), "two")
            asking.await_true(lambda: asking.eventually().action is Action.ALLOW)  # type: ignore[union-attr]
            asking.await_true(lambda: asking.engine.footprint.timeless)
            assert asking.engine.revision != first.revision
    finally:
        control.close()


@pytest.mark.parametrize(
    ("words", "lacking"),
    [
        pytest.param(["--authentication=tls"], {"cert": None, "key": None}, id="certificate"),
        pytest.param(["--authentication=token", "--authorization=basic"], {"token": None}, id="token"),
    ],
)
def test_who_we_are(tmp_path: Path, words: list[str], lacking: dict[str, None]) -> None:
    """Who shows no certificate, or no token that `system.authz` knows, gets nothing."""
    program = find("opa")
    assert program is not None
    authority = Authority(tmp_path)
    certificate, key = authority.server("opa")
    ours, our_key = authority.client("us")
    (tmp_path / "p.rego").write_text(POLICY)
    (tmp_path / "authz.rego").write_text(
        "package system.authz\n\ndefault allow := false\n\n"
        'allow if input.identity == "secret"\n\nallow if input.path == ["health"]\n'
    )
    (tmp_path / "token").write_text("secret")
    port = free_port("127.0.0.1")
    words = [
        *("--addr", f"https://127.0.0.1:{port}", *words),
        *("--tls-cert-file", str(certificate), "--tls-private-key-file", str(key)),
        *("--tls-ca-cert-file", str(authority.certificate)),
        *(str(tmp_path / name) for name in ("p.rego", "authz.rego")),
    ]
    files = Files(tmp_path / "token", authority.certificate, ours, our_key, tls=True)
    url = f"https://127.0.0.1:{port}"
    control = Control(program, tmp_path, words)
    try:
        control.start()
        with Asking(url, files=files) as asking:
            assert asking.eventually(2.0) is not None
        for less in (lacking, {"ca": None}):
            with Asking(url, files=msgspec.structs.replace(files, **less)) as asking, pytest.raises(EngineUnavailable):
                asking.decide(2.0)
    finally:
        control.close()


def _push(opa: Control, folders: tuple[Path, ...]) -> None:
    admin = Admin(parse(opa.url), Files())
    try:
        push(admin, wanted(folders, "dnspolicy"), "dnspolicy")
    finally:
        admin.close()


def test_the_same_verdicts_as_the_embedded_engine(opa: Control, tmp_path: Path) -> None:
    """The library, with data of its own, over ten thousand random inputs; failures count as verdicts."""
    folder = tmp_path / "data"
    folder.mkdir()
    names = {"bad.test": {"list": "one"}, "b.a.test": {"list": "two"}}
    (folder / "data.json").write_text(json.dumps({"tenants_shared": ["kube-system"], "names": names}))
    (folder / "none.rego").write_text("package none\n")
    opa.ask("DELETE", f"/v1/policies{tmp_path}/p.rego")
    _push(opa, (*LIBRARY, folder))
    embedded = RegoEngine(load((*LIBRARY, folder), isolated=False))
    chance = random.Random(1)
    with Asking(opa.url, folders=(*LIBRARY, folder)) as asking:
        asking.await_true(lambda: asking.engine.footprint.paths == embedded.footprint.paths)
        seen = asking.run(_compare(embedded, asking.engine, [_random(chance) for _ in range(INPUTS)]), 300)
    assert len(seen) >= 3, "inputs that all get the same verdict prove little"


async def _compare(one: Engine, other: Engine, inputs: list[PolicyInput]) -> set[str]:
    seen = set()
    for asked in inputs:
        mine, theirs = await _said(one, asked), await _said(other, asked)
        assert mine == theirs, asked
        seen.add(f"{mine.action} {mine.rule}" if isinstance(mine, Verdict) else str(mine))
    return seen


async def _said(engine: Engine, asked: PolicyInput) -> Verdict | str | None:
    try:
        found = await engine.decide(asked, time.monotonic() + 10)
    except EngineError as problem:
        return type(problem).__name__
    return None if found is None else msgspec.structs.replace(found, revision="", holds=None)


def _random(chance: random.Random) -> PolicyInput:
    def labels() -> dict[str, str]:
        keys = ("tenant", "environment", "app", "dns.example/tenant", "dns.example/environment")
        return {key: chance.choice(("a", "b", "prod", "test")) for key in keys if chance.random() < 0.4}

    def maybe(*words: str) -> str | None:
        return chance.choice((*words, None))

    parts = [
        chance.choice((b"a", b"b", b"bad", b"svc", b"x.y", b"\xff\x00", b'"\\')) for _ in range(chance.randint(0, 3))
    ]
    name = from_labels([*parts, b"test"])
    client = Identity(
        kind=chance.choice(list(ClientKind)),
        why="chance",
        ip=chance.choice(("10.0.0.1", "2001:db8::1")),
        namespace=maybe("shop", "bank", "kube-system"),
        pod=maybe("web-0", "db-0"),
        labels=labels(),
        namespace_labels=labels(),
        service_account=maybe("default"),
        node=maybe("n1"),
        owner=chance.choice((None, Owner("Deployment", "web"))),
    )
    target = Target(
        kind=chance.choice(list(TargetKind)),
        namespace=maybe("shop", "bank", "kube-system"),
        name=maybe("db", "web"),
        labels=labels(),
        namespace_labels=labels(),
        exists=chance.random() < 0.7,
    )
    answer = AnswerFacts("NOERROR", ("a.test",), ("10.0.0.9",), "hosts") if chance.random() < 0.3 else None
    phase = Phase.QUERY if answer is None else Phase.RESPONSE
    return PolicyInput(phase, client, Query(name, chance.choice((1, 28, 12)), name), target, answer)
