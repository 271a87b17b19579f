"""`dnspolicy explain` and `dnspolicy version`: what people read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import dnspolicy
from dnspolicy.testing.apiserver import FakeApiServer, in_thread
from tests.contract.clusters import namespace, pod, service
from tests.e2e.process import run
from tests.e2e.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("explain"))


def explain(world: World, *words: str) -> list[str]:
    done = run("explain", "--conf", str(world.corefile), *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [re.sub(r"\s+", " ", line).strip() for line in done.stdout.splitlines()]


def holds(lines: list[str], *parts: str) -> bool:
    """Whether some line holds all these parts."""
    return any(all(part in line for part in parts) for line in lines)


def test_allow(world: World) -> None:
    lines = explain(world, "--as", "acorn/web-0", "web.acorn.svc.cluster.local")
    assert lines[0] == "client acorn/web-0 (127.10.1.1), kind pod: address of a live pod"
    assert "labels app=web" in lines
    assert "namespace labels team=a" in lines
    assert holds(lines, "question", "web.acorn.svc.cluster.local A over udp")
    assert holds(lines, "judged web.acorn.svc.cluster.local → allow")
    assert holds(lines, "rule test/rest at", "policy.rego:11")
    assert "because the rest" in lines
    assert holds(lines, "answer NOERROR from kubernetes")
    assert "web.acorn.svc.cluster.local 5 A 10.96.1.10" in lines


def test_block(world: World) -> None:
    lines = explain(world, "--as", "birch/api-0", "web.acorn.svc.cluster.local", "AAAA")
    assert holds(lines, "judged", "→ block as nxdomain")
    assert holds(lines, "rule test/other at", "policy.rego:3")
    assert "because another namespace" in lines
    assert holds(lines, "answer NXDOMAIN from policy")
    assert "extended error 15: test/other: another namespace" in lines


def test_rewrite(world: World) -> None:
    lines = explain(world, "--as", "acorn/web-0", "--tcp", "web.internal.example")
    assert holds(lines, "over tcp")
    assert holds(lines, "judged web.internal.example → rewrite to web.acorn.svc.cluster.local")
    assert sum(line.startswith("judged") for line in lines) == 2
    assert "web.internal.example 5 A 10.96.1.10" in lines


def test_a_client_nobody_knows(world: World) -> None:
    lines = explain(world, "--as", "198.51.100.7", "web.acorn.svc.cluster.local")
    assert lines[0] == "client 198.51.100.7, kind external: not an address of this cluster"
    assert holds(lines, "rule test/nobody")


def test_nothing_is_written_down(world: World) -> None:
    explain(world, "--as", "acorn/web-0", "web.acorn.svc.cluster.local")
    assert not world.audit.exists()


def test_two_clients(world: World) -> None:
    lines = explain(world, "--as", "acorn/web-0", "--vs", "birch/api-0", "web.acorn.svc.cluster.local")
    assert "compared verdict: allow ≠ block" in lines
    assert "compared rule: test/rest ≠ test/other" in lines
    assert "compared answer: NOERROR 10.96.1.10 ≠ NXDOMAIN" in lines
    same = explain(world, "--as", "acorn/web-0", "--vs", "birch/api-0", "www.shop.example")
    assert "compared the same verdicts and the same answer for both" in same


def test_input(world: World) -> None:
    done = run(
        "explain", "--conf", str(world.corefile), "--as", "acorn/web-0", "--input", "web.acorn.svc.cluster.local"
    )
    shown = re.search(r"^input\s+(\{.*?^\s{10}\})", done.stdout, re.DOTALL | re.MULTILINE)
    assert shown is not None
    document = json.loads(shown[1])
    assert document["client"]["pod"] == "web-0"
    assert document["target"]["name"] == "web"
    assert document["query"]["type"] == "A"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--as", "acorn/gone", "www.example"), "the cluster has no such pod"),
        (("--as", "nonsense", "www.example"), "expected NAMESPACE/POD or an IP address"),
        (("--as", "127.0.0.1", "a..b"), "a..b"),
        (("--as", "127.0.0.1", "www.example", "NOTYPE"), "NOTYPE"),
        (("--as", "acorn/web-0", "--vs", "acorn/gone", "www.shop.example"), "--vs acorn/gone"),
    ],
    ids=["no pod", "no client", "no name", "no type", "no second pod"],
)
def test_what_cannot_be_asked_is_one_line(world: World, words: tuple[str, ...], said: str) -> None:
    done = run("explain", "--conf", str(world.corefile), *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert done.stdout == ""


def test_version() -> None:
    done = run("version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"dnspolicy {dnspolicy.__version__} (Python 3.")


def test_no_command() -> None:
    done = run()
    assert done.returncode == 2
    assert "COMMAND" in done.stderr


AT_AN_API_SERVER = """
.:1053 {{
    kubernetes cluster.local {{
        endpoint {url}
        pods verified
        startup_timeout {timeout}
    }}
}}
"""


def test_the_cluster_of_an_api_server_is_loaded_first(tmp_path: Path) -> None:
    fake = FakeApiServer()
    for item in (namespace("shop"), service("shop", "web", "10.96.0.1"), pod("shop", "web-0", "10.1.0.1")):
        fake.put(item)
    corefile = tmp_path / "Corefile"
    with in_thread(fake) as threaded:
        corefile.write_text(AT_AN_API_SERVER.format(url=threaded.server.url, timeout="20s"))
        done = run("explain", "--conf", str(corefile), "--as", "shop/web-0", "web.shop.svc.cluster.local")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("client    shop/web-0 (10.1.0.1), kind pod")
    assert "web.shop.svc.cluster.local 5 A 10.96.0.1" in done.stdout


def test_an_api_server_that_is_away_is_named(tmp_path: Path) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text(AT_AN_API_SERVER.format(url="http://127.0.0.1:1", timeout="100ms"))
    done = run("explain", "--conf", str(corefile), "--as", "10.1.0.1", "web.shop.svc.cluster.local")
    assert done.returncode == 0
    assert "unreachable: 127.0.0.1:1" in done.stderr
    assert "extended error 14" in done.stdout
    done = run("explain", "--conf", str(corefile), "--as", "shop/web-0", "web.shop.svc.cluster.local")
    assert done.returncode == 2
    assert "--as shop/web-0: the cluster is not loaded" in done.stderr
