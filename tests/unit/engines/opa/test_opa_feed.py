"""Documents that OPA is given: put, put again, taken away, and never decided without when they are required."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from dnspolicy.model.errors import EngineError, EngineUnavailable, PolicyLoadError
from dnspolicy.testing.opa import UNDEFINED, FakeOpa
from tests.peers.find import find
from tests.unit.engines.opa.asking import ALLOW, BLOCK, Asking
from tests.unit.engines.opa.control import Control
from tests.unit.policy.questions import question

NAMES, MORE = ("feeds", "bad names"), ("feeds", "more")
LISTED, EMPTY = b'{"a.example": true}', b"{}"
POLICY = f"""package dnspolicy

default decision := {json.dumps(ALLOW)}

decision := {json.dumps(BLOCK)} if data.feeds["bad names"][input.query.name]
"""
SEEN = "/v1/data/feeds/bad%20names"


class Opa(Protocol):
    url: str

    def start(self) -> Any: ...

    def lose(self) -> None:
        """End, with all data."""
        ...

    def write(self, path: tuple[str, ...], document: Any) -> None:
        """Put a document, as anybody else does."""
        ...

    def read(self, path: tuple[str, ...]) -> Any: ...


class Fake(FakeOpa):
    """Decides as the policy does."""

    def __init__(self) -> None:
        super().__init__(self._judged)

    def _judged(self, document: Any) -> Any:
        names = self.data.get("feeds", {}).get("bad names", {})
        return BLOCK if document["query"]["name"] in names else ALLOW

    def lose(self) -> None:
        self.stop()
        self.data.clear()

    def write(self, path: tuple[str, ...], document: Any) -> None:
        self._manage("PUT", ["data", *path], "", json.dumps(document).encode())

    def read(self, path: tuple[str, ...]) -> Any:
        return self._manage("GET", ["data", *path], "", b"")[1].get("result", UNDEFINED)


class Real(Control):
    def lose(self) -> None:
        self.stop()

    def write(self, path: tuple[str, ...], document: Any) -> None:
        assert self.ask("PUT", _target(path), json.dumps(document).encode())[0] == 204

    def read(self, path: tuple[str, ...]) -> Any:
        return json.loads(self.ask("GET", _target(path))[1]).get("result", UNDEFINED)


def _target(path: tuple[str, ...]) -> str:
    return "/v1/data/" + "/".join(path).replace(" ", "%20")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real("opa"))])
def opa(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opa]:
    if request.param == "fake":
        with Fake() as fake:
            yield fake
        return
    program = find("opa")
    assert program is not None
    (tmp_path / "p.rego").write_text(POLICY)
    control = Real(program, tmp_path, [str(tmp_path / "p.rego")])
    try:
        control.start()
        yield control
    finally:
        control.close()


def fed(asking: Asking, documents: Mapping[tuple[str, ...], bytes | None]) -> None:
    asking.run(asking.supply.feed(documents))


def says(asking: Asking) -> str:
    found = asking.decide(asked=question("a.example"))
    return "undefined" if found is None else found.action.value


def outcomes(asking: Asking, until: Callable[[Counter[str]], bool]) -> Counter[str]:
    """What comes of questions, put until something holds."""
    found: Counter[str] = Counter()
    deadline = time.monotonic() + 20
    while not until(found):
        assert time.monotonic() < deadline, found
        try:
            found[says(asking)] += 1
        except EngineError as problem:
            found[type(problem).__name__] += 1
            asking.run(asyncio.sleep(0.005))
    return found


def test_documents_come_change_and_go_and_each_makes_another_revision(opa: Opa) -> None:
    with Asking(opa.url, documents={NAMES: False, MORE: False}) as asking:
        seen = []
        for documents, expected in (
            ({}, "allow"),
            ({NAMES: LISTED, MORE: b"[1]"}, "block"),
            ({NAMES: EMPTY}, "allow"),
            ({NAMES: LISTED}, "block"),
            ({NAMES: None}, "allow"),
        ):
            fed(asking, documents)
            assert says(asking) == expected
            seen.append(asking.engine.revision)
        assert opa.read(NAMES) is UNDEFINED
        assert opa.read(MORE) == [1]
        assert len(set(seen)) == 4, "the second and the fourth are one"
        assert asking.engine.not_ready() is None  # type: ignore[attr-defined]


def test_before_the_start_nothing_is_put(opa: Opa) -> None:
    """A configuration that is only looked at leaves no trace."""
    asking = Asking(opa.url, documents={NAMES: False})
    asking.run(asking.supply.settle())
    fed(asking, {NAMES: LISTED})
    assert opa.read(("feeds",)) is UNDEFINED
    asking.run(asking.supply.start(lambda: None))
    assert says(asking) == "block"
    asking.__exit__()


def test_after_a_restart_nothing_is_decided_without_what_is_required(opa: Opa) -> None:
    """Though nobody looks in between: the interval is ten minutes."""
    with Asking(opa.url, documents={NAMES: True}, reload=600) as asking:
        fed(asking, {NAMES: LISTED})
        for _ in range(3):
            opa.lose()
            opa.start()
            assert set(outcomes(asking, lambda found: found["block"] > 3)) <= {"block", "EngineUnavailable"}


def test_after_a_restart_a_document_is_put_again(opa: Opa) -> None:
    with Asking(opa.url, documents={NAMES: False}, reload=600) as asking:
        fed(asking, {NAMES: LISTED})
        opa.lose()
        fed(asking, {NAMES: b'{"a.example": 2}'})
        opa.start()
        outcomes(asking, lambda found: found["block"] > 0)
        assert opa.read(NAMES) == {"a.example": 2}


def test_what_an_earlier_server_left_is_not_decided_with(opa: Opa) -> None:
    opa.write(NAMES, {"a.example": True})
    opa.write(("system", "bundles", "dnspolicy-test"), {"manifest": {"revision": "7", "roots": ["system/none"]}})
    with Asking(opa.url, documents={NAMES: False}) as asking:
        assert says(asking) == "allow"
        assert opa.read(NAMES) is UNDEFINED


def test_who_puts_something_else_is_noticed_by_the_first_decision(opa: Opa) -> None:
    """Another server with other documents, or another OPA behind one address."""
    with Asking(opa.url, documents={NAMES: False}, reload=600) as asking:
        fed(asking, {NAMES: LISTED})
        opa.write(NAMES, {})
        opa.write(("system", "bundles", "dnspolicy-test"), {"manifest": {"revision": "7", "roots": ["system/none"]}})
        assert set(outcomes(asking, lambda found: found["block"] > 3)) == {"block", "EngineUnavailable"}


def test_what_is_there_is_not_put_again_by_the_next_server() -> None:
    with Fake() as opa:
        for _ in range(2):
            opa.heads.clear()
            with Asking(opa.url, documents={NAMES: False}) as asking:
                fed(asking, {NAMES: LISTED})
                opa.heads.clear()
                assert says(asking) == "block"
            asking = Asking(opa.url, documents={NAMES: False}, reload=600)
            fed(asking, {NAMES: LISTED})
            with asking:
                assert says(asking) == "block"
            assert not [head for head in opa.heads if head.startswith((b"PUT", b"DELETE"))]


def test_an_opa_that_keeps_what_is_too_old_does_not_decide() -> None:
    with Fake() as opa, Asking(opa.url, documents={NAMES: False}) as asking:
        fed(asking, {NAMES: LISTED})
        opa.owned = True
        fed(asking, {NAMES: None})
        found = outcomes(asking, lambda found: found["EngineUnavailable"] > 3)
        assert set(found) <= {"block", "EngineUnavailable"}
        with pytest.raises(EngineUnavailable, match="still has data"):
            says(asking)
        assert "still has data" in asking.engine.not_ready()  # type: ignore[attr-defined]
        opa.owned = False
        outcomes(asking, lambda found: found["allow"] > 0)


def test_a_document_that_one_opa_refuses_none_has() -> None:
    with Fake() as one, Fake() as other, Asking(one.url, other.url, documents={NAMES: False, MORE: False}) as asking:
        fed(asking, {NAMES: EMPTY})
        other.owned = True
        with pytest.raises(PolicyLoadError, match="owned by bundle"):
            fed(asking, {NAMES: LISTED})
        other.owned = False
        asking.await_true(lambda: one.read(NAMES) == other.read(NAMES) == {})
        assert says(asking) == "allow"


def test_an_opa_that_lacks_what_is_required_is_left_out(tmp_path: Path) -> None:
    with Fake() as one, Fake() as other:
        one.owned = True
        with Asking(one.url, other.url, documents={NAMES: True}) as asking:
            other.stop()
            with pytest.raises(PolicyLoadError):
                fed(asking, {NAMES: LISTED})
            one.owned = False
            fed(asking, {NAMES: LISTED})
            other.start()
            asking.await_true(lambda: other.read(NAMES) == {"a.example": True})
            one.lose()
            one.owned = True
            one.start()
            assert set(outcomes(asking, lambda found: found["block"] > 3)) <= {"block", "EngineUnavailable"}
            assert asking.engine.not_ready() is None  # type: ignore[attr-defined]


def owned(folder: Path) -> Path:
    program = find("opa")
    assert program is not None
    (folder / "rules").mkdir()
    (folder / "rules" / "p.rego").write_text(POLICY)
    bundle = folder / "bundle.tar.gz"
    words = [program, "build", "--bundle", folder / "rules", "--output", bundle]
    subprocess.run(words, check=True, capture_output=True)
    return bundle


@pytest.mark.real("opa")
@pytest.mark.parametrize("required", [True, False])
def test_a_bundle_that_owns_everything_leaves_no_room(tmp_path: Path, required: bool) -> None:
    program = find("opa")
    assert program is not None
    control = Real(program, tmp_path, ["--bundle", str(owned(tmp_path))])
    try:
        control.start()
        with Asking(control.url, documents={NAMES: required}) as asking:
            with pytest.raises(PolicyLoadError, match="owned by bundle"):
                fed(asking, {NAMES: LISTED})
            assert says(asking) == "allow", "as if there was no document, which is what the policy is written for"
    finally:
        control.close()
