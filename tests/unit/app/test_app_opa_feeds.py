"""Documents that change by themselves, given to an OPA by a server as a whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.app.app import App
from dnspolicy.app.parts import Use
from dnspolicy.chain.metrics import Counter
from dnspolicy.model.errors import ConfigError
from dnspolicy.testing.opa import FakeOpa
from tests.unit.app.test_app_feeds import Site, answers, code, until

ALLOW = {"action": "allow", "rule": "test/allow", "reason": "on no list"}
BLOCK = {"action": "block", "rule": "test/listed", "reason": "on the list"}


class Listing(FakeOpa):
    """Blocks what is on the list it is given."""

    def __init__(self) -> None:
        super().__init__(lambda document: BLOCK if self._lists(document) else ALLOW)

    def _lists(self, document: Any) -> bool:
        return any(suffix in self.data.get("names", {}) for suffix in document["query"]["suffixes"])


@pytest.fixture
def opa() -> Iterator[Listing]:
    with Listing() as running:
        yield running


def made(folder: Path, opa: FakeOpa, options: str = "") -> Site:
    site = Site(folder, f"data names file names.txt {{\n every 100ms\n {options}\n}}")
    text = (folder / "Corefile").read_text()
    site.put("Corefile", text.replace("rego rules", f"opa {opa.url}\nreload 50ms"))
    return site


def failures(app: App) -> float:
    (found,) = (m for m in app.parts.metrics.collect() if m.name == "dnspolicy_feed_failures_total")
    assert isinstance(found, Counter)
    return found.values.get(("names", "bad_document"), 0.0)


def not_ready(app: App) -> str | None:
    (room,) = (room for room in app.rooms.readiness() if room.name == "policy")
    return room.readiness.not_ready()


def test_a_list_comes_changes_and_goes(tmp_path: Path, opa: Listing) -> None:
    site = made(tmp_path, opa, "max_age 1h")

    async def story() -> None:
        async with site.running() as app:
            assert await code(app) == "NOERROR"
            site.put("names.txt", "list.example\n")
            await answers(app, "NXDOMAIN")
            site.put("names.txt", "other.example\n")
            await answers(app, "NOERROR")
            site.put("names.txt", "list.example\n")
            await answers(app, "NXDOMAIN")
            os.utime(tmp_path / "names.txt", (1_000, 1_000))
            await answers(app, "NOERROR")
            assert "names" not in opa.data

    asyncio.run(story())


def test_what_is_required_is_required_of_opa_too(tmp_path: Path, opa: Listing) -> None:
    site = made(tmp_path, opa, "required")

    async def story() -> None:
        async with site.running() as app:
            assert await code(app, "other.example") == "SERVFAIL"
            site.put("names.txt", "list.example\n")
            await answers(app, "NOERROR", "other.example")
            opa.stop()
            opa.data.clear()
            opa.data_forbidden = True
            opa.start()
            await answers(app, "SERVFAIL")
            await until(lambda: "data names is not there" in str(not_ready(app)))
            opa.data_forbidden = False
            await answers(app, "NXDOMAIN")
            assert not_ready(app) is None

    asyncio.run(story())


@pytest.mark.parametrize(("option", "expected"), [("required", "SERVFAIL"), ("", "NOERROR")], ids=["required", "not"])
def test_where_there_is_no_room_for_it(tmp_path: Path, opa: Listing, option: str, expected: str) -> None:
    """A document that is there before the start is counted too."""
    opa.owned = True
    site = made(tmp_path, opa, option)
    site.put("names.txt", "list.example\n")

    async def story() -> None:
        async with site.running() as app:
            assert failures(app) == 1
            assert await code(app) == expected

    asyncio.run(story())


def test_what_is_only_looked_at_changes_nothing_there(tmp_path: Path, opa: Listing) -> None:
    site = made(tmp_path, opa)
    site.put("names.txt", "list.example\n")

    async def story() -> None:
        app = site.made()
        await app.engines.settle()
        try:
            assert await code(app) == "NOERROR"
            assert opa.data == {}
        finally:
            await app.stop()

    asyncio.run(story())


def test_a_tool_that_goes_on_asking_changes_nothing_there_either(tmp_path: Path, opa: Listing) -> None:
    """Nor does it wait for documents that only a server puts."""
    site = made(tmp_path, opa, "required")
    site.put("names.txt", "list.example\n")

    async def story() -> None:
        app = site.made(Use.ASK)
        await app.engines.settle()
        await app.engines.start()
        try:
            assert await code(app) == "NOERROR"
            assert opa.data == {}
        finally:
            await app.stop()

    asyncio.run(story())


def test_a_decision_point_is_given_its_data_where_it_runs(tmp_path: Path, opa: Listing) -> None:
    site = made(tmp_path, opa)
    site.put("Corefile", (tmp_path / "Corefile").read_text().replace(f"opa {opa.url}", "grpc 127.0.0.1:1"))
    with pytest.raises(ConfigError, match="give grpc its data where it runs"):
        site.made()
