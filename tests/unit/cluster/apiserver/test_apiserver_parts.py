"""The small parts: lines, pauses, the limiter, failures, folding."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.pauses import Pauses
from dnspolicy.cluster.apiserver.failures import MAX_TEXT, Reason, failure
from dnspolicy.cluster.apiserver.intake import Fold, Replacing
from dnspolicy.cluster.apiserver.limiter import Limiter
from dnspolicy.cluster.apiserver.lines import Lines
from dnspolicy.cluster.apiserver.options import Limits
from dnspolicy.cluster.apiserver.resources import event, page, stub
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Kind, ObjectKey, Pod, key_of
from dnspolicy.cluster.raw import BadObject

BOUND = 10


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(lines=st.lists(st.binary(max_size=15).map(lambda b: b.replace(b"\n", b"."))), places=st.lists(st.integers(0)))
def test_lines_are_the_same_wherever_they_are_cut(lines: list[bytes], places: list[int]) -> None:
    found = Lines(BOUND)
    got = [
        line for chunk in cut(b"".join(line + b"\n" for line in lines) + b"rest", places) for line in found.feed(chunk)
    ]
    assert got == [line for line in lines if 0 < len(line) <= BOUND]
    assert found.dropped == sum(len(line) > BOUND for line in lines)


def test_pauses_double_up_to_the_most_and_begin_anew() -> None:
    pauses = Pauses(1.0, 8.0)
    for wanted in (1, 2, 4, 8, 8, 8):
        assert wanted * 0.75 <= pauses.next() <= wanted * 1.25
    pauses.reset()
    assert pauses.next() <= 1.25


@pytest.mark.parametrize(
    ("wished", "least", "most"),
    [pytest.param(20.0, 20.0, 20.0, id="respected"), pytest.param(1e9, 300.0, 300.0, id="bounded")],
)
def test_a_servers_wish(wished: float, least: float, most: float) -> None:
    assert least <= Pauses(1.0, 8.0).next(wished) <= most


class Still:
    """A clock that only moves when told."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def test_requests_beyond_the_burst_wait_for_the_rate() -> None:
    async def story() -> list[float]:
        limiter = Limiter(Limits(qps=1000.0, burst=2), Still())
        return [await limiter.admit() for _ in range(5)]

    assert asyncio.run(story()) == [0.0, 0.0, *(pytest.approx(n / 1000) for n in (1, 2, 3))]


def test_only_so_many_at_a_time() -> None:
    async def story() -> int:
        limiter, inside, most = Limiter(Limits(max_inflight=2), SystemClock()), 0, 0

        async def one() -> None:
            nonlocal inside, most
            async with limiter.place():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(one() for _ in range(9)))
        return most

    assert asyncio.run(story()) == 2


@pytest.mark.parametrize(
    ("code", "status", "header", "reason", "pause"),
    [
        pytest.param(403, {"message": "pods is forbidden"}, None, Reason.FORBIDDEN, 0.0, id="forbidden"),
        pytest.param(429, {}, "7", Reason.BUSY, 7.0, id="Retry-After"),
        pytest.param(429, {"details": {"retryAfterSeconds": 3}}, None, Reason.BUSY, 3.0, id="in the body"),
        pytest.param(429, {}, "Wed, 21 Oct 2026 07:28:00 GMT", Reason.BUSY, 0.0, id="a date"),
        pytest.param(0, {"code": 410}, None, Reason.EXPIRED, 0.0, id="event"),
        pytest.param(500, None, None, Reason.STATUS, 0.0, id="no status object"),
    ],
)
def test_refusals(code: int, status: object, header: str | None, reason: Reason, pause: float) -> None:
    found = failure(code, b"<html>" if status is None else json.dumps(status).encode(), header)
    assert (found.reason, found.retry_after) == (reason, pause)


def test_a_refusal_is_fit_for_a_log() -> None:
    text = str(failure(403, json.dumps({"message": "a\nb\x1b[31m" + "x" * 10_000}).encode()))
    assert text.isprintable()
    assert len(text) < 2 * MAX_TEXT


@given(st.one_of(st.binary(), st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["type", "object", "metadata", "items", "annotations", "name", "code", "details"]), x
)).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    failure(0, data)
    stub(data)
    for read in (event, page):
        try:
            read(data)
        except BadObject:
            continue


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BadObject):
        page(b'{"metadata":{},"items":' + b"[" * 100_000)


def pod(name: str, uid: str = "", ip: str = "10.0.0.1") -> Pod:
    return Pod("shop", name, uid, (ip,))


def gone(name: str, uid: str = "") -> ObjectKey:
    return ObjectKey(Kind.POD, "shop", name, uid)


def index_of(*pods: Pod) -> Index:
    made = Index(SystemClock(), Metrics())
    made.apply(pods)
    return made


FOLDS = {
    "replaced": ([gone("a", "1"), pod("a", "2")], ["2"]),
    "came and went": ([pod("b", "1"), gone("b", "1")], ["1"]),
    "the news of a predecessor's end comes late": ([pod("a", "2"), gone("a", "1")], ["2"]),
    "went": ([gone("a", "1")], []),
    "another one went": ([gone("a", "9")], ["1"]),
}


@pytest.mark.parametrize(("events", "left"), list(FOLDS.values()), ids=list(FOLDS))
def test_events_together_come_to_the_same_as_one_by_one(events: list[Pod | ObjectKey], left: list[str]) -> None:
    index, fold = index_of(pod("a", "1")), Fold()
    for item in events:
        fold.put(item) if isinstance(item, Pod) else fold.drop(item)
    index.apply(fold.changed, fold.removed)
    assert [item.uid for item in index.held(Kind.POD) if isinstance(item, Pod)] == left


def test_a_new_list_holds_what_differs_and_removes_the_rest() -> None:
    same, other = pod("a", "1"), pod("b", "2", "10.0.0.2")
    index = index_of(same, other, pod("c", "3", "10.0.0.3"))
    replacing = Replacing(index, Kind.POD)
    replacing.put(pod("a", "1"))
    replacing.keep(key_of(other))
    replacing.put(pod("d", "4", "10.0.0.4"))
    assert [item.name for item in replacing.changed if isinstance(item, Pod)] == ["d"]
    assert [key.name for key in replacing.removed] == ["c"]


def test_a_limiter_without_limits_never_waits() -> None:
    async def story() -> float:
        limiter = Limiter(Limits(), SystemClock())
        return sum([await limiter.admit() for _ in range(1000)])

    assert asyncio.run(story()) == 0.0
