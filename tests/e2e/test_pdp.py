"""`dnspolicy pdp`, and servers that ask it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.process import COMMAND, Server, answers, ask, eventually, free_port, get, run, serving
from tests.e2e.world import API, WEB, World

ALLOW = 'package dnspolicy\ndecision := {"action": "allow", "rule": "test/all", "reason": "all"}\n'


@contextlib.contextmanager
def deciding(folder: Path, *words: str) -> Iterator[Server]:
    """A decision point for the policy in a folder, killed if the test did not end it."""
    (folder / "Pdpfile").write_text(".:53 {\n    policy {\n        rego policy\n        reload 50ms\n    }\n}\n")
    server = Server("--conf", str(folder / "Pdpfile"), *words, command=(COMMAND, "pdp"))
    try:
        server.await_line("policy revision ")
        yield server
    finally:
        server.kill()


def asking(world: World, target: str) -> Path:
    """The Corefile of that world, whose policy is decided elsewhere."""
    text = world.corefile.read_text()
    before, _, rest = text.partition("policy {")
    _, _, after = rest.partition("}")
    world.corefile.write_text(
        f"{before}policy {{\n        grpc {target} {{\n hold 50ms\n }}\n        timeout 2s\n    }}{after}"
    )
    return world.corefile


def test_a_server_answers_as_the_policy_of_a_decision_point_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    socket = f"unix:{tmp_path / 's'}"
    with deciding(tmp_path, "--listen", socket) as point, serving(asking(world, socket)) as server:
        assert any(line.endswith("(grpc, rego)") for line in server.said)

        def web(source: str) -> list[str]:
            return answers(ask(world.server, "web.acorn.svc.cluster.local", source=source))

        assert (web(WEB), web(API)) == (["10.96.1.10"], [])
        world.write("policy/policy.rego", ALLOW)
        eventually(lambda: web(API) == ["10.96.1.10"])
        point.kill()
        eventually(lambda: ask(world.server, "other.acorn.svc.cluster.local", source=API).rcode().name == "SERVFAIL")
    with deciding(tmp_path, "--listen", socket), serving(world.corefile):
        assert answers(ask(world.server, "web.acorn.svc.cluster.local", source=API)) == ["10.96.1.10"]


def test_a_server_starts_before_its_decision_point(tmp_path: Path) -> None:
    world = World(tmp_path)
    socket = f"unix:{tmp_path / 's'}"
    with serving(asking(world, socket)) as server:
        assert any("not reached so far" in line for line in server.said)
        assert ask(world.server, "web.acorn.svc.cluster.local", source=WEB).rcode().name == "SERVFAIL"
        with deciding(tmp_path, "--listen", socket):
            eventually(lambda: answers(ask(world.server, "web.acorn.svc.cluster.local", source=WEB)) == ["10.96.1.10"])


def test_it_has_pages_of_its_own_and_ends_well(tmp_path: Path) -> None:
    World(tmp_path)
    port, page = free_port("127.0.0.1"), free_port("127.0.0.1")
    words = ("--listen", f"127.0.0.1:{port}", "--listen", f"unix:{tmp_path / 's'}", "--http", f"127.0.0.1:{page}")
    with deciding(tmp_path, *words) as point:
        assert f"decision point on 127.0.0.1:{port}, unix:{tmp_path / 's'}" in point.said
        status, metrics = get(f"http://127.0.0.1:{page}/metrics")
        assert status == 200
        assert "dnspolicy_policy_info{" in metrics
        assert [get(f"http://127.0.0.1:{page}/{path}")[0] for path in ("health", "ready")] == [200, 200]
        assert point.terminate() == 0
        assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("corefile", "words", "says"),
    [
        pytest.param(".:53 {\n    whoami\n}\n", (), "whoami", id="Corefile"),
        pytest.param(".:53 {\n    loop\n}\n", (), "no policy block", id="no policy"),
        pytest.param(".:53 {\n    policy {\n        rego p\n    }\n}\n", (), "no such folder: p", id="folder"),
        pytest.param(
            ".:53 {\n    policy {\n        grpc a:1\n    }\n}\nb:53 {\n    policy {\n        grpc b:1\n    }\n}\n",
            (),
            "2 different policies",
            id="two policies",
        ),
        pytest.param(".:53 {\n}\n", ("--listen", "nonsense"), "not an address", id="address"),
        pytest.param(".:53 {\n}\n", ("--socket-mode", "999"), "not a mode", id="mode"),
        pytest.param(".:53 {\n}\n", ("--tls-cert", "x"), "go together", id="certificate without key"),
        pytest.param(
            ".:53 {\n    policy {\n        grpc 127.0.0.1:1\n    }\n}\n",
            ("--listen", "192.0.2.1:1"),
            "cannot listen on 192.0.2.1:1",
            id="foreign address",
        ),
    ],
)
def test_what_cannot_be_is_said_with_exit_code_2(
    tmp_path: Path, corefile: str, words: tuple[str, ...], says: str
) -> None:
    (tmp_path / "Corefile").write_text(corefile)
    ended = run("pdp", "--conf", str(tmp_path / "Corefile"), *words)
    assert ended.returncode == 2
    assert says in ended.stderr
