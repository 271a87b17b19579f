"""The audit file of a real server: whole after a crash, and no reason not to answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.process import answers, ask, eventually, free_port, get, run, serving
from tests.e2e.world import API, WEB, World

FULL = "audit {\n file /dev/full\n fold 0\n capacity 64\n }"
NAME = "web.acorn.svc.cluster.local"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_query_has_its_record(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile) as server:
        ask(world.server, NAME, source=WEB)
        ask(world.server, NAME, source=API)
        assert server.terminate() == 0
    start, one, two, stop = _lines(world.audit)
    assert [start["type"], stop["type"]] == ["start", "stop"]
    assert [r["seq"] for r in (start, one, two, stop)] == list(range(start["seq"], start["seq"] + 4))
    assert (one["client"]["pod"], one["verdict"], one["rule"]) == ("web-0", "allow", "test/rest")
    assert (two["client"]["pod"], two["verdict"], two["rule"]) == ("api-0", "block", "test/other")
    assert one["revision"] == two["revision"] != ""
    assert (world.audit.stat().st_mode & 0o777) == 0o640


def test_observe(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile) as server:
        ask(world.server, NAME, source=WEB)
        ask(world.server, NAME, source=API)
        server.terminate()
    blocked = run("observe", str(world.audit), "--verdict", "block")
    assert blocked.returncode == 0
    assert blocked.stderr == ""
    (line,) = blocked.stdout.splitlines()
    assert all(part in line for part in ("birch/api-0", NAME, "test/other"))
    pod = run("observe", "-o", "json", "--pod", "acorn/web-*", stdin=world.audit.read_text())
    assert [json.loads(line)["client"]["pod"] for line in pod.stdout.splitlines()] == ["web-0"]


def test_records_on_standard_output(tmp_path: Path) -> None:
    world = World(tmp_path, audit="audit {\n stdout\n fold 0\n }")
    with serving(world.corefile) as server:
        ask(world.server, NAME, source=WEB)
        server.child.terminate()
        assert server.child.stdout is not None
        types = [json.loads(line)["type"] for line in server.child.stdout]
        assert server.wait() == 0
    assert types == ["start", "query", "stop"]


def test_kill_and_start_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile) as server:
        ask(world.server, NAME, source=WEB)
        eventually(lambda: '"type":"query"' in world.audit.read_text())
        server.kill()
    with world.audit.open("a") as file:
        file.write('{"type":"query","version":1,"inst')
    with serving(world.corefile) as server:
        ask(world.server, NAME, source=API)
        server.terminate()
    lines = world.audit.read_text().splitlines()
    torn = [line for line in lines if not line.endswith("}")]
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    assert torn == ['{"type":"query","version":1,"inst']
    assert [r["type"] for r in whole] == ["start", "query", "start", "query", "stop"]
    assert whole[2]["interrupted"] is True
    assert whole[0]["instance"] != whole[2]["instance"]
    observed = run("observe", str(world.audit))
    assert observed.returncode == 0
    assert "left out 1 of 6 lines" in observed.stderr


def test_a_full_disk_stops_no_answer_and_is_announced(tmp_path: Path) -> None:
    world = World(tmp_path, audit=FULL)
    ip = world.server[0]
    port = free_port(ip)
    world.corefile.write_text(world.corefile.read_text().replace("errors", f"errors\nprometheus {ip}:{port}"))

    def metric(name: str) -> float:
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", get(f"http://{ip}:{port}/metrics")[1], re.MULTILINE)
        return sum(map(float, found))

    with serving(world.corefile) as server:
        for _ in range(200):
            assert answers(ask(world.server, NAME, source=WEB)) == ["10.96.1.10"]
        assert "/dev/full" in server.await_line("No space left on device")
        eventually(lambda: metric("dnspolicy_audit_write_errors_total") > 0)
        eventually(lambda: metric("dnspolicy_audit_lost_total") > 0)
        assert answers(ask(world.server, NAME, source=WEB)) == ["10.96.1.10"]
        assert sum("No space left" in line for line in server.said) == 1
        assert server.terminate() == 0


@pytest.mark.parametrize("writer", ["audit {\n stdout\n fold 0\n }", "log"], ids=["audit", "log"])
def test_a_reader_of_standard_output_that_goes_away_stops_no_answer(tmp_path: Path, writer: str) -> None:
    world = World(tmp_path, audit=writer)
    with serving(world.corefile) as server:
        assert server.child.stdout is not None
        server.child.stdout.close()
        for source in (WEB, API) * 20:
            assert ask(world.server, NAME, source=source).rcode().name in ("NOERROR", "NXDOMAIN")
        assert server.terminate() == 0
        assert not any("Traceback" in line or "Exception" in line for line in server.said)


def test_an_audit_file_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    world = World(tmp_path, audit="audit {\n file nowhere/audit.jsonl\n }")
    done = run("serve", "--conf", str(world.corefile))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere/audit.jsonl" in done.stderr
