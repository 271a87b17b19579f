"""Documents that are followed and put together, and how old they may become."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from feeds_help import LOG, PATIENCE

from dnspolicy.chain.metrics import Counter, Gauge, Metrics
from dnspolicy.feeds import feeds
from dnspolicy.feeds.document import Document
from dnspolicy.feeds.document import Told as Hears
from dnspolicy.feeds.failures import FeedFailure, Reason
from dnspolicy.feeds.feed import FeedOf
from dnspolicy.feeds.feeds import Feeds
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.engine import DataPath
from dnspolicy.testing.clock import FakeClock


class Puppet:
    """A source that says what it is told to say."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._told: Hears | None = None

    async def run(self, told: Hears) -> None:
        self._told = told
        self.begun.set()
        await asyncio.get_running_loop().create_future()

    @property
    def told(self) -> Hears:
        assert self._told is not None
        return self._told


class Adjustable(FakeClock):
    """A clock whose wall time can be set."""

    def __init__(self) -> None:
        super().__init__()
        self._offset = 0.0

    def wall(self) -> float:
        return super().wall() + self._offset

    def set(self, seconds: float) -> None:
        """So much later, or earlier."""
        self._offset += seconds


class Stage:
    """Feeds of puppets, and what was put."""

    def __init__(
        self, *paths: str, max_age: float | None = None, required: bool = False, metrics: Metrics | None = None
    ) -> None:
        self.clock = Adjustable()
        self.putting: Callable[[], None] = lambda: None
        self.metrics = metrics or Metrics()
        self.puts: list[Mapping[DataPath, bytes | None]] = []
        self.shown: dict[str, bytes] = {}
        self.refuses: bytes | None = None
        self.changes = 0
        self._moved = asyncio.Event()
        self.puppets = {path: Puppet() for path in paths}
        feeds = [
            FeedOf(path=tuple(path.split(".")), source=puppet, shown="there", max_age=max_age, required=required)
            for path, puppet in self.puppets.items()
        ]
        self.feeds = Feeds(feeds, self._put, self.clock, self.metrics, LOG)
        self.feeds.announce(self._note)

    def _note(self) -> None:
        self.changes += 1

    async def _put(self, documents: Mapping[DataPath, bytes | None]) -> None:
        self.putting()
        self.puts.append(documents)
        if self.refuses is not None and self.refuses in documents.values():
            raise PolicyLoadError("no")
        for path, encoded in documents.items():
            if encoded is None:
                self.shown.pop(".".join(path), None)
            else:
                self.shown[".".join(path)] = encoded
        self._moved.set()

    def say(self, path: str, encoded: bytes, revision: str = "r", age: float = 0.0) -> None:
        self.puppets[path].told.document(Document(encoded, revision, self.clock.wall() - age))

    def fail(self, path: str) -> None:
        self.puppets[path].told.failed(FeedFailure(Reason.TIMEOUT, "late"))

    async def shows(self, **expected: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.shown != expected:
                self._moved.clear()
                await self._moved.wait()

    def value(self, name: str, *labels: str) -> float | None:
        found = next(metric for metric in self.metrics.collect() if metric.name == name)
        assert isinstance(found, Gauge | Counter)
        return found.values.get(labels)


def play(stage: Callable[[], Stage], story: Callable[[Stage], Awaitable[None]]) -> None:
    async def told() -> None:
        here = stage()
        await here.feeds.begin()
        for puppet in here.puppets.values():
            await puppet.begun.wait()
        try:
            await story(here)
        finally:
            await here.feeds.stop()

    asyncio.run(told())


def test_documents_that_come_together_are_one_change() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1")
        stage.say("b", b"2")
        await stage.feeds.settle(5)
        assert (stage.shown, len(stage.puts), stage.changes) == ({"a": b"1", "b": b"2"}, 1, 1)
        stage.say("a", b"3")
        stage.say("a", b"4")
        await stage.shows(a=b"4", b=b"2")
        assert stage.puts[1:] == [{("a",): b"4"}]

    play(lambda: Stage("a", "b"), story)


def test_the_same_document_is_no_change() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1")
        await stage.feeds.settle(5)
        stage.say("a", b"1")
        await stage.feeds.settle(5)
        assert len(stage.puts) == 1

    play(lambda: Stage("a"), story)


def test_a_start_waits_for_a_word_and_not_longer_than_it_may() -> None:
    async def story(stage: Stage) -> None:
        assert stage.feeds.not_ready() == "data a, b is being loaded"
        stage.say("a", b"1")
        await stage.feeds.settle(0.01)
        assert (stage.shown, stage.feeds.not_ready()) == ({"a": b"1"}, "data b is being loaded")
        stage.fail("b")
        await stage.feeds.settle(5)
        assert stage.feeds.not_ready() is None

    play(lambda: Stage("a", "b"), story)


def test_what_is_required_is_waited_for() -> None:
    async def story(stage: Stage) -> None:
        stage.fail("a")
        await stage.feeds.settle(5)
        assert stage.feeds.lacking() == stage.feeds.not_ready() == "data a is not there"
        stage.say("a", b"1")
        await stage.feeds.settle(5)
        assert stage.feeds.lacking() is None

    play(lambda: Stage("a", required=True), story)


def test_failures_leave_the_last_document_until_it_is_too_old() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1", "r1")
        await stage.feeds.settle(5)
        stage.fail("a")
        stage.clock.advance(59)
        assert stage.value("dnspolicy_feed_age_seconds", "a") == 59
        assert stage.value("dnspolicy_feed_info", "a", "r1") == 1
        assert (stage.shown, stage.feeds.lacking()) == ({"a": b"1"}, None)
        stage.clock.advance(1)
        await stage.shows()
        assert stage.feeds.lacking() == "data a is not there"
        assert stage.value("dnspolicy_feed_present", "a") == 0
        assert stage.value("dnspolicy_feed_failures_total", "a", "timeout") == 1
        assert stage.value("dnspolicy_feed_failures_total", "a", "stale") == 1
        stage.puppets["a"].told.confirmed(stage.clock.wall())
        await stage.shows(a=b"1")
        assert stage.value("dnspolicy_feed_present", "a") == 1

    play(lambda: Stage("a", max_age=60, required=True), story)


def test_a_document_that_was_too_old_when_it_came_is_not_shown() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1", age=61)
        await stage.feeds.settle(5)
        assert (stage.shown, stage.puts) == ({}, [])

    play(lambda: Stage("a", max_age=60), story)


def test_a_document_from_the_future_gets_old_as_others_do() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1", age=-10_000)
        await stage.feeds.settle(5)
        stage.clock.advance(60)
        await stage.shows()

    play(lambda: Stage("a", max_age=60), story)


def test_a_clock_that_is_set_back_makes_nothing_younger() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1", age=20)
        await stage.feeds.settle(5)
        stage.clock.set(-10_000)
        stage.clock.advance(41)
        await stage.shows()

    play(lambda: Stage("a", max_age=60), story)


def test_what_is_required_is_lacking_as_soon_as_it_is_too_old_and_not_only_when_it_is_taken_away() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1")
        await stage.feeds.settle(5)
        seen: list[str | None] = []
        stage.putting = lambda: seen.append(stage.feeds.lacking())
        stage.clock.advance(61)
        await stage.shows()
        assert seen == ["data a is not there"]

    play(lambda: Stage("a", max_age=60, required=True), story)


def test_a_revision_is_that_of_what_was_put_and_not_of_what_came_meanwhile() -> None:
    async def story(stage: Stage) -> None:
        stage.refuses = b"2"
        stage.say("a", b"1", "one")
        stage.putting = lambda: stage.say("a", b"2", "two")
        await stage.feeds.settle(5)
        stage.putting = lambda: None
        assert stage.shown == {"a": b"1"}
        assert stage.value("dnspolicy_feed_info", "a", "one") == 1

    play(lambda: Stage("a"), story)


def test_documents_that_could_not_be_put_for_a_fault_are_put_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FAULT_PAUSE", 0.0)

    async def story(stage: Stage) -> None:
        await stage.feeds.settle(0.01)

        def fail() -> None:
            stage.putting = lambda: None
            raise RuntimeError("a fault of ours")

        stage.putting = fail
        stage.say("a", b"1")
        await stage.shows(a=b"1")

    play(lambda: Stage("a"), story)


def test_what_is_gone_is_taken_away_at_once() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1")
        await stage.feeds.settle(5)
        stage.puppets["a"].told.gone(FeedFailure(Reason.MISSING, "gone"))
        await stage.shows()

    play(lambda: Stage("a"), story)


def test_what_the_policy_refuses_keeps_nobody_else_back() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1")
        stage.say("b", b"1")
        await stage.feeds.settle(5)
        stage.refuses = b"2"
        stage.say("a", b"2")
        stage.say("b", b"3")
        await stage.shows(a=b"1", b=b"3")
        tries = len(stage.puts)
        stage.say("b", b"4")
        await stage.shows(a=b"1", b=b"4")
        assert len(stage.puts) == tries + 1
        stage.say("a", b"5")
        await stage.shows(a=b"5", b=b"4")
        assert stage.value("dnspolicy_feed_failures_total", "a", "bad_document") == 1

    play(lambda: Stage("a", "b"), story)


def test_two_policies_may_have_documents_at_one_path() -> None:
    """As a policy and its candidate have, or that of before a change and that of after it."""

    async def story(stage: Stage) -> None:
        other = Stage("a", metrics=stage.metrics)
        await other.feeds.begin()
        await other.puppets["a"].begun.wait()
        stage.say("a", b"1", "one", age=60)
        await stage.feeds.settle(5)
        assert stage.value("dnspolicy_feed_present", "a") == 0
        other.say("a", b"20", "two")
        await other.feeds.settle(5)
        shown = {name: stage.value(f"dnspolicy_feed_{name}", "a") for name in ("present", "bytes", "age_seconds")}
        assert shown == {"present": 1, "bytes": 2, "age_seconds": 60}
        assert [stage.value("dnspolicy_feed_info", "a", revision) for revision in ("one", "two")] == [1, 1]
        await other.feeds.stop()
        assert stage.value("dnspolicy_feed_bytes", "a") == 1
        assert [stage.value("dnspolicy_feed_info", "a", revision) for revision in ("one", "two")] == [1, None]

    play(lambda: Stage("a"), story)


def test_nothing_is_left_of_feeds_that_have_stopped() -> None:
    async def story(stage: Stage) -> None:
        stage.say("a", b"1")
        await stage.feeds.settle(5)
        await stage.feeds.stop()
        assert stage.value("dnspolicy_feed_age_seconds", "a") is None
        assert stage.value("dnspolicy_feed_info", "a", "r") is None

    play(lambda: Stage("a"), story)
