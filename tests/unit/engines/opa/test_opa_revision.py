"""What is known of an OPA's policy, how that is noticed to change, and how long decisions are remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from errno import EAGAIN
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.chain.apart import Ended, run
from dnspolicy.engines.opa.supply import BREATH
from dnspolicy.testing.opa import UNDEFINED, FakeOpa
from tests.unit.engines.opa.asking import ALLOW, BLOCK, Asking

POLICY = """package dnspolicy

decision := {"action": "allow", "rule": "r", "reason": "why"} if input.client.namespace == "shop"
"""
CLOCK = """package dnspolicy

decision := {"action": "allow", "rule": "r", "reason": "why", "ttl": 1} if time.now_ns() > 0
"""
SETTINGS = "package system.authz\n\ndefault allow := true\n"
OWNER = {"main": {"manifest": {"revision": "7", "roots": [""]}}}
PART = {"main": {"manifest": {"revision": "7", "roots": ["dnspolicy"]}}}
HOLD = 1.5


@pytest.fixture
def opa() -> Iterator[FakeOpa]:
    with FakeOpa(ALLOW) as running:
        running.policies["p"] = POLICY
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.rego").write_text(POLICY)
    return tmp_path


def bundles(opa: FakeOpa, found: object) -> None:
    opa.data["system"] = {"bundles": found}


def test_without_folders_everything_may_be_read_and_decisions_hold_shortly(opa: FakeOpa) -> None:
    with Asking(opa.url, hold=HOLD) as asking:
        assert asking.engine.footprint.paths == {()}
        assert not asking.engine.footprint.timeless
        assert asking.eventually().holds == HOLD  # type: ignore[union-attr]


def test_a_ttl_is_a_limit_too(opa: FakeOpa) -> None:
    opa.says = {**ALLOW, "ttl": 1}
    with Asking(opa.url, hold=HOLD) as asking:
        assert asking.eventually().holds == 1.0  # type: ignore[union-attr]


def test_the_policies_of_the_folders_say_what_is_read(opa: FakeOpa, folder: Path) -> None:
    with Asking(opa.url, folders=(folder,), hold=HOLD) as asking:
        assert asking.engine.footprint.paths == {("client", "namespace")}
        assert not asking.engine.footprint.timeless, "data may change unseen"
        assert asking.eventually().holds == HOLD  # type: ignore[union-attr]
        assert asking.gauge("dnspolicy_opa_policy_known", opa.url) == 1
        assert asking.supply.source_of("r") is not None


def test_bundles_that_own_everything_make_decisions_last(opa: FakeOpa, folder: Path) -> None:
    bundles(opa, OWNER)
    with Asking(opa.url, folders=(folder,)) as asking:
        assert asking.engine.footprint.timeless
        assert asking.eventually().holds is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "found", [PART, {"main": {"manifest": {"revision": "", "roots": [""]}}}, {"main": {}}], ids=["part", "none", "bare"]
)
def test_bundles_that_own_a_part_or_have_no_revision_do_not(opa: FakeOpa, folder: Path, found: object) -> None:
    bundles(opa, found)
    with Asking(opa.url, folders=(folder,)) as asking:
        assert not asking.engine.footprint.timeless


def test_a_policy_that_reads_the_clock_holds_for_its_ttl(opa: FakeOpa, folder: Path) -> None:
    opa.policies["p"] = CLOCK
    (folder / "p.rego").write_text(CLOCK)
    bundles(opa, OWNER)
    with Asking(opa.url, folders=(folder,)) as asking:
        assert not asking.engine.footprint.timeless
        assert asking.eventually().holds is None  # type: ignore[union-attr]
        assert asking.eventually().lifetime(timeless=False) == 0.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("policies", "known"),
    [
        pytest.param({"other": POLICY}, True, id="another id"),
        pytest.param({"p": POLICY, "system/authz": SETTINGS}, True, id="with settings of OPA"),
        pytest.param({"p": POLICY + "\n"}, False, id="another text"),
        pytest.param({"p": POLICY, "q": "package other\n"}, False, id="one more"),
        pytest.param({}, False, id="none"),
    ],
)
def test_only_exactly_our_policies_are_known(opa: FakeOpa, folder: Path, policies: dict[str, str], known: bool) -> None:
    opa.policies = policies
    with Asking(opa.url, folders=(folder,)) as asking:
        assert (asking.engine.footprint.paths == {("client", "namespace")}) is known


def test_another_policy_is_noticed_and_told_and_nothing_is_known_of_it(opa: FakeOpa, folder: Path) -> None:
    with Asking(opa.url, folders=(folder,)) as asking:
        before, changes = asking.engine.revision, asking.changes
        opa.policies["p"] = POLICY.replace("shop", "bank")
        asking.await_true(lambda: asking.engine.revision != before)
        assert asking.changes == changes + 1
        assert asking.engine.footprint.paths == {()}
        (folder / "p.rego").write_text(opa.policies["p"])
        asking.await_true(lambda: asking.engine.footprint.paths == {("client", "namespace")})


def test_folders_that_could_not_be_checked_are_looked_at_again(
    opa: FakeOpa, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = 2

    def runs(*arguments: Any) -> Ended:
        nonlocal left
        left -= 1
        if left >= 0:
            raise BlockingIOError(EAGAIN, "no process")
        return run(*arguments)

    with Asking(opa.url, folders=(folder,)) as asking:
        monkeypatch.setattr("dnspolicy.engines.rego.confined.run", runs)
        opa.policies["p"] = POLICY.replace("shop", "bank")
        (folder / "p.rego").write_text(opa.policies["p"])
        asking.await_true(lambda: left < 0)
        asking.await_true(lambda: asking.engine.footprint.paths == {("client", "namespace")})


def test_another_bundle_is_noticed_by_the_first_decision(opa: FakeOpa, folder: Path) -> None:
    """Before anybody looks: the interval is ten minutes."""
    bundles(opa, OWNER)
    with Asking(opa.url, folders=(folder,), reload=600) as asking:
        assert asking.engine.footprint.timeless
        before = asking.engine.revision
        bundles(opa, {"main": {"manifest": {"revision": "8", "roots": [""]}}})
        opa.says = UNDEFINED
        assert asking.decide() is None
        assert asking.engine.revision != before
        assert not asking.engine.footprint.timeless
        asking.await_true(lambda: asking.engine.footprint.timeless)


def test_a_restart_makes_what_is_known_doubtful_until_somebody_looked(opa: FakeOpa, folder: Path) -> None:
    bundles(opa, OWNER)
    with Asking(opa.url, folders=(folder,)) as asking:
        revision = asking.engine.revision
        opa.stop()
        asking.await_true(lambda: not asking.engine.footprint.timeless)
        assert asking.engine.footprint.paths == {("client", "namespace")}, "last known decisions are found again"
        opa.start()
        asking.await_true(lambda: asking.engine.footprint.timeless)
        assert asking.engine.revision == revision


def test_two_that_differ_are_not_remembered(opa: FakeOpa, folder: Path) -> None:
    with FakeOpa(BLOCK) as other:
        other.policies["p"] = POLICY.replace("shop", "bank")
        with Asking(opa.url, other.url, folders=(folder,)) as asking:
            asking.await_true(lambda: asking.engine.footprint.paths == {()})
            asking.await_true(lambda: asking.decide().holds == 0.0)  # type: ignore[union-attr]
            other.policies["p"] = POLICY
            asking.await_true(lambda: asking.engine.footprint.paths == {("client", "namespace")})
            asking.await_true(lambda: asking.decide().holds == 2.0)  # type: ignore[union-attr]


def test_one_that_may_not_be_looked_at_still_decides(opa: FakeOpa, folder: Path) -> None:
    """A token may be good for decisions only."""
    opa.data_forbidden = True
    with Asking(opa.url, folders=(folder,)) as asking:
        assert asking.decide() is not None
        asking.await_true(lambda: asking.engine.revision != "unknown")
        assert asking.engine.footprint.paths == {()}
        assert asking.decide() is not None


def test_before_any_was_reached_the_revision_is_unknown(tmp_path: Path) -> None:
    with Asking(f"unix://{tmp_path}/s") as asking:
        assert asking.engine.revision == "unknown"
        assert "unknown" in asking.supply.announcement()


@pytest.mark.parametrize("turns", range(4))
def test_news_that_come_with_the_end_do_not_hold_it_up(opa: FakeOpa, turns: int) -> None:
    with Asking(opa.url, reload=60.0) as asking:

        async def end() -> None:
            await asyncio.sleep(BREATH + 0.05)
            asking.supply._doubt()
            for _ in range(turns):
                await asyncio.sleep(0)
            await asking.supply.stop()

        asking.run(end())
