from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.verdict import AuditLevel
from dnspolicy.plugins.audit import Audit, Config
from dnspolicy.testing.clock import FakeClock

README = Path(__file__).parents[4] / "dnspolicy" / "plugins" / "audit" / "README.md"
NAME = from_text("a.example")
OUTCOME = Outcome(Query(NAME, 1, NAME), Answer(), "10.0.0.1", 1)


def room(config: Config, metrics: Metrics | None = None) -> Audit:
    return Audit(config, clock=FakeClock(), metrics=metrics or Metrics())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, "stdout or file PATH", id="nowhere"),
        pytest.param({"stdout": True, "file": "/x"}, "exclude each other", id="both"),
    ],
)
def test_exactly_one_place_is_wanted(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Config(**fields)


@pytest.mark.parametrize(
    "fields", [{"fold": -1}, {"fold": 3601}, {"capacity": 0}, {"capacity": 2**21}, {"level": "all"}], ids=str
)
def test_values_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"stdout": True, **fields}, Config)


def test_level_none_observes_nothing() -> None:
    silent = room(Config(level=AuditLevel.NONE))
    asyncio.run(silent.start())
    silent.observer.seen(OUTCOME)
    silent.observer.repeated(OUTCOME, 1, 0.0, 0.0, 0.0)
    asyncio.run(silent.stop())
    assert not silent.observer.every


@pytest.mark.parametrize(("fold", "every"), [(5.0, False), (0.0, True)], ids=["fold", "each-query"])
def test_without_a_fold_each_query_is_wanted(fold: float, every: bool) -> None:
    assert room(msgspec.convert({"stdout": True, "fold": fold}, Config)).observer.every is every


def test_a_query_is_in_the_file_when_the_room_has_stopped(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    async def serve() -> None:
        audit = Audit(Config(file=path.name), clock=FakeClock(), metrics=Metrics(), folder=tmp_path)
        await audit.start()
        audit.observer.seen(OUTCOME)
        await audit.stop()

    asyncio.run(serve())
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["type"] for line in found] == ["start", "query", "stop"]
    assert found[1]["question"]["name"] == "a.example"
    assert len({line["instance"] for line in found}) == 1


def test_records_go_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    async def serve() -> None:
        audit = room(Config(stdout=True))
        await audit.start()
        await audit.stop()

    asyncio.run(serve())
    assert [json.loads(line)["type"] for line in capfd.readouterr().out.splitlines()] == ["start", "stop"]


def test_a_file_that_never_can_be_written_is_an_error_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"audit: cannot write to .*: No such file or directory"):
        asyncio.run(room(Config(file=str(tmp_path / "none" / "a"))).start())


def test_a_full_disk_keeps_no_server_from_starting_and_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()

    async def serve() -> None:
        audit = room(Config(file="/dev/full", fold=Duration(0.0)), metrics)
        await audit.start()
        for _ in range(10):
            audit.observer.seen(OUTCOME)
        await audit.stop()

    asyncio.run(serve())
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "audit: cannot write to /dev/full: No space left on device; trying again, records wait",
        "audit: 11 records could not be written before the end",
    ]
    assert metrics.counter("dnspolicy_audit_lost_total", "").values[("stopped",)] == 11


def test_every_metric_and_option_is_in_the_readme() -> None:
    metrics = Metrics()
    room(Config(stdout=True), metrics)
    page = README.read_text()
    assert set(re.findall(r"^\| `(dnspolicy_\w+)`", page, re.MULTILINE)) == {m.name for m in metrics.collect()}
    options = page.split("## Options")[1].split("## Metrics")[0]
    assert re.findall(r"^\| `(\w+)`", options, re.MULTILINE) == [f.encode_name for f in msgspec.structs.fields(Config)]


def test_queries_alike_share_a_record(tmp_path: Path) -> None:
    async def serve() -> None:
        audit = Audit(Config(file="a"), clock=FakeClock(), metrics=Metrics(), folder=tmp_path)
        await audit.start()
        for _ in range(4):
            audit.observer.seen(OUTCOME)
        audit.observer.repeated(OUTCOME, 5, 0.0, 1.0, 0.0)
        await audit.stop()

    asyncio.run(serve())
    found = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert [(line["type"], line.get("count")) for line in found[1:4]] == [
        ("query", None),
        ("query", None),
        ("repeat", 7),
    ]


def test_records_and_counts_appear_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "a"

    async def serve() -> list[str]:
        audit = Audit(Config(file="a", fold=Duration(0.3)), clock=FakeClock(), metrics=Metrics(), folder=tmp_path)
        await audit.start()
        for round_ in range(2):
            for _ in range(3):
                audit.observer.seen(OUTCOME)
            for _ in range(200):
                if path.read_text().count("\n") >= 4 + 3 * round_:
                    break
                await asyncio.sleep(0.05)
        seen = [json.loads(line)["type"] for line in path.read_text().splitlines()]
        await audit.stop()
        return seen

    assert asyncio.run(serve()) == ["start", "query", "query", "repeat", "query", "query", "repeat"]
