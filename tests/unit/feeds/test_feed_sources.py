"""Files, objects and numbers as documents, and the lines that name them."""

from __future__ import annotations

import asyncio
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from feeds_help import LOG, Told, serving

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.fields import pick, steps, tree
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.lexer import tokens
from dnspolicy.corefile.parser import statements
from dnspolicy.feeds.failures import FAULT_PAUSE, FeedFailure, Reason, fault
from dnspolicy.feeds.fetch import Origin
from dnspolicy.feeds.file import FileSource
from dnspolicy.feeds.formats import parse
from dnspolicy.feeds.objects import ConfigMapSource
from dnspolicy.feeds.prometheus import PrometheusSource, numbers, query_url
from dnspolicy.policy.settings.feeds import DataFormat, DataKind, DataLine, check_lines
from dnspolicy.testing.clock import FakeClock


def file_source(path: Path, form: DataFormat = DataFormat.JSON, limit: int = 1_000) -> FileSource:
    return FileSource(path, partial(parse, form, name=path.name), every=1.0, limit=limit)


def looked(source: FileSource, told: Told, at_once: bool = False) -> None:
    asyncio.run(source.look(told, at_once))


def contents(told: Told) -> list[Any]:
    return [json.loads(document.encoded) for document in told.documents]


def test_a_file_is_as_old_as_it_says(tmp_path: Path) -> None:
    path, told = tmp_path / "a.json", Told()
    path.write_text('{"a": 1}')
    os.utime(path, (1_000, 1_000))
    looked(file_source(path), told, at_once=True)
    assert ([(document.at) for document in told.documents], contents(told)) == ([1_000], [{"a": 1}])


def test_a_file_that_is_being_written_is_left_alone_and_half_of_one_is_refused(tmp_path: Path) -> None:
    path, told = tmp_path / "a.json", Told()
    path.write_text('{"a": 1}')
    source = file_source(path)
    looked(source, told, at_once=True)
    for text in ('{"a"', '{"a": ', '{"a": 2'):
        path.write_text(text)
        looked(source, told)
    assert (len(told.documents), told.problems) == (1, [])
    looked(source, told)
    assert (len(told.documents), [type(p) for p in told.problems]) == (1, [FeedFailure])
    path.write_text('{"a": 2}')
    looked(source, told)
    looked(source, told)
    assert contents(told) == [{"a": 1}, {"a": 2}]


def test_a_file_that_never_stops_changing_is_read_all_the_same(tmp_path: Path) -> None:
    path, told = tmp_path / "names.txt", Told()
    path.write_text("a\n")
    source = file_source(path, DataFormat.NAMES)
    looked(source, told, at_once=True)
    for number in range(10):
        with path.open("a") as file:
            file.write(f"n{number}\n")
        looked(source, told)
    assert len(told.documents) > 1


def test_a_file_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    path, told = tmp_path / "a.json", Told()
    source = file_source(path)
    looked(source, told, at_once=True)
    path.write_text("{}")
    looked(source, told)
    looked(source, told)
    path.unlink()
    looked(source, told)
    assert [p.reason for p in told.problems if isinstance(p, FeedFailure)] == [Reason.MISSING] * 2
    path.write_text("{}")
    looked(source, told)
    looked(source, told)
    assert len(told.documents) == 2


def test_a_file_that_could_not_be_read_for_a_fault_of_ours_is_read_again_after_a_pause(tmp_path: Path) -> None:
    path, told, clock = tmp_path / "a.json", Told(), FakeClock()
    path.write_text("{}")
    faults = iter([fault("no process could be started"), MemoryError()])

    def parsed(raw: bytes) -> tuple[bytes, str]:
        for problem in faults:
            raise problem
        return raw, "r"

    source = FileSource(path, parsed, every=1.0, limit=100, monotonic=clock.monotonic)
    looked(source, told, at_once=True)
    looked(source, told, at_once=True)
    assert (len(told.documents), len(told.problems)) == (0, 1)
    clock.advance(2 * FAULT_PAUSE)
    with pytest.raises(MemoryError):
        looked(source, told, at_once=True)
    looked(source, told)
    looked(source, told)
    assert contents(told) == [{}]


def test_a_file_that_reaches_a_limit_each_time_is_read_ever_less_and_another_soon(tmp_path: Path) -> None:
    path, told, clock = tmp_path / "a.json", Told(), FakeClock()
    path.write_text("endless")

    def parsed(raw: bytes) -> tuple[bytes, str]:
        if raw == b"endless":
            raise fault("reading it took longer than 60 s")
        return raw, "r"

    source = FileSource(path, parsed, every=10.0, limit=100, monotonic=clock.monotonic)
    for _ in range(360):
        looked(source, told)
        clock.advance(10.0)
    assert 10 <= len(told.problems) <= 25
    path.write_text("{}")
    looked(source, told)
    looked(source, told)
    assert contents(told) == [{}]


def test_a_file_in_whose_place_something_else_was_for_a_while_is_read_again(tmp_path: Path) -> None:
    path, told = tmp_path / "a.json", Told()
    path.write_text("{}")
    source = file_source(path)
    looked(source, told, at_once=True)
    path.rename(tmp_path / "away")
    path.mkdir()
    looked(source, told, at_once=True)
    path.rmdir()
    (tmp_path / "away").rename(path)
    looked(source, told)
    looked(source, told)
    assert (len(told.problems), contents(told)) == (1, [{}, {}])


def test_what_is_no_file_and_what_is_too_large(tmp_path: Path) -> None:
    told = Told()
    looked(file_source(tmp_path), told, at_once=True)
    os.mkfifo(tmp_path / "pipe")
    looked(file_source(tmp_path / "pipe"), told, at_once=True)
    (tmp_path / "large").write_text("[1,2,3]")
    looked(file_source(tmp_path / "large", limit=6), told, at_once=True)
    found = [p.reason for p in told.problems if isinstance(p, FeedFailure)]
    assert found == [Reason.BAD_DOCUMENT, Reason.BAD_DOCUMENT, Reason.TOO_LARGE]


def test_a_configmap_through_its_life(tmp_path: Path) -> None:
    def put(**data: str) -> None:
        meta = {"name": "dns", "namespace": "team-a"}
        text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
        (tmp_path / "map.json").write_text(text)

    put(**{"a.json": "[1]", "b.yaml": "x: y", "c": "text"})

    async def story() -> None:
        clock, metrics, told = SystemClock(), Metrics(), Told()
        source = Manifests(tmp_path, Index(clock, metrics), clock, metrics, LOG)
        source.load()
        await source.start()
        feed = ConfigMapSource("team-a", "dns", source.follow, clock, every=0.01, limit=1_000)
        task = asyncio.create_task(feed.run(told))
        await told.until(lambda: told.documents)
        assert contents(told) == [{"a.json": [1], "b.yaml": {"x": "y"}, "c": "text"}]
        put(**{"a.json": "["})
        await told.until(lambda: told.problems)
        assert "configmaps team-a/dns a.json:1: not JSON" in str(told.problems[0])
        assert len(told.documents) == 1
        (tmp_path / "map.json").unlink()
        await told.until(lambda: told.absent)
        put(c="again")
        await told.until(lambda: len(told.documents) == 2)
        assert contents(told)[-1] == {"c": "again"}
        task.cancel()
        await asyncio.wait((task,))
        await source.stop()

    asyncio.run(story())


def sample(at: float, value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [at, value]}


def vector(*samples: dict[str, Any]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(samples)}}).encode()


NUMBERS: dict[str, tuple[bytes, tuple[str, ...], Any]] = {
    "by a label": (vector(sample(9, "1.5", pod="a"), sample(8, "2", pod="b")), ("pod",), ({"a": 1.5, "b": 2}, 8)),
    "by two": (vector(sample(9, "1", ns="x", pod="a")), ("ns", "pod"), ({"x": {"a": 1}}, 9)),
    "no number": (vector(sample(9, "NaN", pod="a"), sample(9, "+Inf", pod="b")), ("pod",), ({}, 10)),
    "nothing": (vector(), ("pod",), ({}, 10)),
    "a label that is not there": (vector(sample(9, "1")), ("pod",), ({"": 1}, 9)),
    "one number": (vector(sample(9, "1e3")), (), (1000, 9)),
    "a scalar": (b'{"status":"success","data":{"resultType":"scalar","result":[9,"7"]}}', (), (7, 9)),
}


@pytest.mark.parametrize(("raw", "by", "found"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(raw: bytes, by: tuple[str, ...], found: Any) -> None:
    assert numbers(raw, by, 10) == found


NO_NUMBERS = {
    "two for one": (vector(sample(9, "1", pod="a"), sample(9, "2", pod="a")), "two numbers for a"),
    "an error": (b'{"status":"error","error":"parse error"}', "the query failed: parse error"),
    "a matrix": (b'{"status":"success","data":{"resultType":"matrix","result":[]}}', "a result of type matrix"),
    "a page": (b"<html>", "not what Prometheus answers"),
    "no number at all": (vector(sample(9, "many", pod="a")), "not what Prometheus answers"),
}


@pytest.mark.parametrize(("raw", "problem"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_gives_no_numbers(raw: bytes, problem: str) -> None:
    with pytest.raises(FeedFailure, match=problem):
        numbers(raw, ("pod",), 10)


def test_prometheus_is_asked() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=vector(sample(9, "1", pod=request.query["query"])))

    async def story() -> None:
        async with serving(answer) as server:
            told = Told()
            base = server.url.removesuffix("/list")
            task = asyncio.create_task(
                PrometheusSource(Origin(url=f"{base}/"), "sum by (pod) (x)", ("pod",), SystemClock(), LOG).run(told)
            )
            await told.until(lambda: told.documents)
            task.cancel()
            await asyncio.wait((task,))
            assert (contents(told), server.asked[0].path) == ([{"sum by (pod) (x)": 1}], "/api/v1/query")

    asyncio.run(story())
    assert query_url("http://x", "a b") == "http://x/api/v1/query?query=a+b"


PICKED: dict[str, tuple[tuple[str, ...], Any]] = {
    "one": (("a.b",), {"a": {"b": 1}}),
    "all below": (("a", "a.b"), {"a": {"b": 1, "c": [{"d": 2, "e": 3}, {"e": 4}]}}),
    "into a list": (("a.c.d",), {"a": {"c": [{"d": 2}, {}]}}),
    "two": (("a.b", "a.c.e"), {"a": {"b": 1, "c": [{"e": 3}, {"e": 4}]}}),
    "a dot in a name": ((r"x\.y/z",), {"x.y/z": 5}),
    "not there": (("q.r", "a.b.c"), {"a": {}}),
    "none": ((), {"a": {"b": 1, "c": [{"d": 2, "e": 3}, {"e": 4}]}, "x.y/z": 5}),
}


@pytest.mark.parametrize(("paths", "found"), PICKED.values(), ids=PICKED)
def test_fields(paths: tuple[str, ...], found: Any) -> None:
    assert pick({"a": {"b": 1, "c": [{"d": 2, "e": 3}, {"e": 4}]}, "x.y/z": 5}, tree(paths)) == found


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a" + ".a" * 40])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(ValueError, match="is not the path of a field"):
        steps(path)


def line_of(text: str) -> tuple[DataLine | None, str]:
    complaints = Complaints()
    (directive,) = statements(tokens(text, "Corefile", complaints), complaints)
    found = bind(directive, DataLine, complaints)
    return found, str(complaints)


def test_a_line_with_all_its_options() -> None:
    found, complaints = line_of(
        "data a.b http https://u:p@x.example/y.zone { every 5s\n max_age 24h\n size 1M\n required\n wait 30s\n"
        " timeout 1s\n token_file t\n ca c\n certificate d e\n keep k\n as json\n }"
    )
    assert complaints == ""
    assert found is not None
    assert (found.steps, found.kind, found.period, found.max_age) == (("a", "b"), DataKind.HTTP, 5.0, 86_400.0)
    assert (found.size, found.required, found.format) == (1 << 20, True, DataFormat.JSON)
    assert found.shown == "https://x.example/y.zone"


REFUSED = {
    "a path that is none": ("data a-b file x.json", "is not right for path"),
    "an unknown kind": ("data a ftp x", "is not right for kind"),
    "nothing more": ("data a file", "lacks WORDS"),
    "two files": ("data a file x.json y.json", "file takes one word"),
    "an unknown suffix": ("data a file x.bin", "say how it is written with `as"),
    "no URL": ("data a http x.json", "is no URL"),
    "a URL of a file": ("data a http file:///x.json", "is no URL"),
    "a URL with a blank": ('data a http "http://x/ y.json"', "is no URL"),
    "no namespace": ("data a configmap x", "is not NAMESPACE/NAME"),
    "a resource that is none": ("data a kubernetes Pods", "is no resource"),
    "a selector that is none": ('data a kubernetes pods {\n selector "a in"\n}', "no label selector"),
    "no query": ("data a prometheus http://x", "lacks its query"),
    "an option of others": ("data a file x.json {\n keep y\n}", "keep is not for data of kind file"),
    "half a certificate": ("data a http http://x/y.json {\n certificate z\n}", "certificate takes two files"),
    "too often": ("data a file x.json {\n every 1ms\n}", "every"),
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED)
def test_lines_that_are_refused(text: str, problem: str) -> None:
    found, complaints = line_of(text)
    assert found is None
    assert problem in complaints


@pytest.mark.parametrize(("one", "other"), [("a.b", "a.b"), ("a", "a.b"), ("a.b.c", "a")])
def test_documents_do_not_lie_in_each_other(one: str, other: str) -> None:
    lines = tuple(DataLine(path=path, kind=DataKind.FILE, words=("x.json",)) for path in (one, other))
    with pytest.raises(ValueError, match="lie in each other"):
        check_lines(lines)
