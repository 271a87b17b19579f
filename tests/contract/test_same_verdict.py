"""The same Rego gives the same verdict in every engine, whatever is asked. A failure is compared by its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnspolicy.engines.rego import load
from dnspolicy.engines.rego.binding import Binding, available
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.input import PolicyInput
from tests.contract import same
from tests.contract.asked import Asked, words
from tests.contract.written import Written
from tests.unit.engines.opa.control import Control

TOTAL = 10_000
FEW = 120
MEMBERS = 50
"""Policies by chance."""
DATA = (
    '{"table": {"words": {"a": "b", "b": "web", "shop": "x"}, "owner": {"shop": "web", "acorn": "db"}, '
    '"list": ["db", "shop", "local"]}}'
)
FAMILY = "by-chance"
LIBRARY = [*same.NAMES, same.ALL]
CASES = [*LIBRARY, FAMILY]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> same.Case:
    """Policies by chance that are not refused, each for some of the clients."""
    folder = tmp_path_factory.mktemp("family")
    (folder / "data.json").write_text(DATA)
    member = folder / "member.rego"
    found: list[str] = []
    seed = 0
    while len(found) < MEMBERS:
        member.write_text(Written(seed).policy("dnspolicy"))
        try:
            load([folder], isolated=False)
            found.append(Written(seed).policy(f"chance.member{len(found)}"))
        except PolicyLoadError:
            assert seed < 2 * MEMBERS, "too many are refused"
        seed += 1
    for number, text in enumerate(found):
        (folder / f"member{number}.rego").write_text(text)
    rules = [
        f"decision := data.chance.member{number}.decision if input.client.hash % {MEMBERS} == {number}\n"
        for number in range(MEMBERS)
    ]
    member.write_text("\n".join(("package dnspolicy\n", *rules)))
    return same.Case(FAMILY, (folder,))


def _case(name: str, family: same.Case, folder: Path) -> same.Case:
    return family if name == FAMILY else same.library(name, folder)


def _asked(case: same.Case, count: int) -> list[PolicyInput]:
    data = [json.loads(file.read_text()) for folder in case.folders for file in [folder / "data.json"] if file.exists()]
    chance = Asked(CASES.index(case.name), words(data))
    return [chance.question() for _ in range(count)]


@pytest.mark.parametrize("name", CASES)
def test_the_bindings_and_a_decision_point(name: str, family: same.Case, tmp_path: Path) -> None:
    case = _case(name, family, tmp_path)
    asked = _asked(case, FEW)
    wheel = same.ask(same.embedded(case, Binding.WHEEL), asked)
    assert same.differences(asked, wheel, same.ask_pdp(case, asked, tmp_path))[:1] == []
    if available(Binding.NATIVE):
        assert same.differences(asked, wheel, same.ask(same.embedded(case, Binding.NATIVE), asked))[:1] == []


@pytest.fixture(scope="module")
def opa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    with same.opa(tmp_path_factory.mktemp("opa")) as control:
        yield control


@pytest.mark.real("opa")
@pytest.mark.parametrize("name", CASES)
def test_open_policy_agent(name: str, family: same.Case, opa: Control, tmp_path: Path) -> None:
    """Ten thousand questions in all, half of them to policies by chance."""
    case = _case(name, family, tmp_path)
    asked = _asked(case, TOTAL // 2 if name == FAMILY else TOTAL // 2 // len(LIBRARY) + 1)
    theirs = same.ask_opa(opa, case, asked)
    for binding in filter(available, Binding):
        engine = same.embedded(case, binding)
        doubtful = [asked for asked, *_ in same.differences(asked, theirs, same.ask(engine, asked))]
        again = same.ask_opa(opa, case, doubtful)  # the edge of a time window may have been between the two
        assert same.differences(doubtful, again, same.ask(engine, doubtful))[:1] == [], binding
    seen = {f"{said.action} {said.rule}" if isinstance(said, Verdict) else str(said) for said in theirs}
    assert len(seen) > 1, "questions that all get the same verdict prove little"
