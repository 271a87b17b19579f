"""`dnspolicy serve` from its first line to its last."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path

import dns.message
import pytest

from dnspolicy.testing.upstream import FakeUpstream, Script, in_thread, record
from tests.e2e.process import NOT_READY, READY, Server, answers, ask, eventually, free_port, get, run, serving
from tests.e2e.world import API, WEB, World

ALLOW = 'package dnspolicy\ndecision := {"action": "allow", "rule": "test/all", "reason": "all"}\n'


def test_first_lines_name_zones_addresses_and_revision(tmp_path: Path) -> None:
    world = World(tmp_path)
    ip, port = world.server
    with serving(world.corefile) as server:
        assert any(line == f"zones . on {ip}, port {port}" for line in server.said)
        assert any(line.startswith("policy revision ") for line in server.said)
        assert server.said[-1].startswith("dnspolicy ")


def test_pods_get_the_answers_that_are_theirs(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile):
        for tcp in (False, True):
            assert answers(ask(world.server, "web.acorn.svc.cluster.local", source=WEB, tcp=tcp)) == ["10.96.1.10"]
            assert ask(world.server, "web.acorn.svc.cluster.local", source=API, tcp=tcp).rcode().name == "NXDOMAIN"
            assert answers(ask(world.server, "web.internal.example", source=WEB, tcp=tcp)) == ["10.96.1.10"]
            assert answers(ask(world.server, "www.shop.example", source=API, tcp=tcp)) == ["203.0.113.10"]


def test_the_server_sees_changes_of_its_files_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path)

    def web(source: str) -> list[str]:
        return answers(ask(world.server, "web.acorn.svc.cluster.local", source=source))

    with serving(world.corefile):
        assert web(WEB) == ["10.96.1.10"]
        world.change({"services": {"acorn/web": "10.96.1.99"}})
        eventually(lambda: web(WEB) == ["10.96.1.99"])
        assert web(API) == []
        world.write("policy/policy.rego", ALLOW)
        eventually(lambda: web(API) == ["10.96.1.99"])


def test_sigterm_answers_what_is_under_way_and_exits_0(tmp_path: Path) -> None:
    slow = Script(answer=(record("slow.example", "A", "203.0.113.9"),), delay=0.6)
    with in_thread(FakeUpstream()) as upstream:
        upstream.on("slow.example", slow)
        world = World(tmp_path, more=f"forward . {upstream.address}")
        got: list[dns.message.Message] = []
        with serving(world.corefile) as server:
            asking = threading.Thread(target=lambda: got.append(ask(world.server, "slow.example", source=WEB)))
            asking.start()
            eventually(lambda: upstream.asked)
            assert server.terminate() == 0
            asking.join()
    assert answers(got[0]) == ["203.0.113.9"]
    types = [json.loads(line)["type"] for line in world.audit.read_text().splitlines()]
    assert types == ["start", "query", "stop"]


def test_sigint_ends_it_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile) as server:
        server.child.send_signal(2)
        assert server.wait() == 0
        assert not any("Traceback" in line for line in server.said)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_a_port_in_use_is_one_line(tmp_path: Path, kind: socket.SocketKind) -> None:
    world = World(tmp_path)
    ip, port = world.server
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(world.server)
        with contextlib.suppress(OSError):
            held.listen()
        done = run("serve", "--conf", str(world.corefile))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"cannot listen on {ip}:{port}: the port is in use; stop what listens there or choose another port"
    ]


def test_an_address_of_another_machine_is_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.corefile.write_text(world.corefile.read_text().replace(f"bind {world.server[0]}", "bind 192.0.2.1"))
    done = run("serve", "--conf", str(world.corefile))
    assert done.returncode == 2
    assert done.stderr == f"cannot listen on 192.0.2.1:{world.server[1]}: this machine has no such address\n"


def test_a_second_port_of_http_in_use_is_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    ip = world.server[0]
    with socket.socket() as held:
        held.bind((ip, 0))
        held.listen()
        port = held.getsockname()[1]
        world.corefile.write_text(world.corefile.read_text().replace("errors", f"errors\nhealth {ip}:{port}"))
        done = run("serve", "--conf", str(world.corefile))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{ip}:{port}" in done.stderr


BROKEN = """
.:{port} {{
    bind {ip}
    polcy {{
        rego policy
    }}
    loadbalance sideways
    forward .
    policy {{
        rego policy
        timeout soon
    }}
    errors
    errors
}}
"""


def test_check_and_serve_have_the_same_complaints_all_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.corefile.write_text(BROKEN.format(ip=world.server[0], port=world.server[1]))
    served, checked = (run(word, "--conf", str(world.corefile)) for word in ("serve", "check"))
    assert served.returncode == checked.returncode == 2
    assert served.stderr == checked.stderr
    lines = served.stderr.splitlines()
    for line, word in ((4, "polcy"), (7, "sideways"), (8, "forward"), (11, "soon"), (14, "errors")):
        assert any(f"Corefile:{line}:" in said and word in said for said in lines), (line, word, lines)
    assert not any("Traceback" in said for said in lines)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("policy/policy.rego", "package dnspolicy\ndecision := {", "policy.rego:2:"),
        ("policy/policy.rego", "package elsewhere\nx := 1", "no rule data.dnspolicy.decision"),
    ],
    ids=["not Rego", "no entrypoint"],
)
def test_what_the_corefile_names_is_checked_too(tmp_path: Path, path: str, text: str, said: str) -> None:
    world = World(tmp_path)
    world.write(path, text)
    served, checked = (run(word, "--conf", str(world.corefile)) for word in ("serve", "check"))
    assert served.returncode == checked.returncode == 2
    assert said in served.stderr
    assert served.stderr == checked.stderr


def test_check_complains_of_a_manifest_that_serve_does_without(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("cluster/extra.yaml", "kind: [Service")
    checked = run("check", "--conf", str(world.corefile))
    assert checked.returncode == 2
    assert "extra.yaml:" in checked.stderr
    with serving(world.corefile) as server:
        assert any("extra.yaml:" in line for line in server.said)
        assert answers(ask(world.server, "web.acorn.svc.cluster.local", source=WEB)) == ["10.96.1.10"]


@pytest.mark.parametrize("word", ["serve", "check", "explain"])
def test_no_corefile(tmp_path: Path, word: str) -> None:
    more = ["--as", "127.0.0.1", "www.example"] if word == "explain" else []
    done = run(word, "--conf", str(tmp_path / "nowhere"), *more)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere" in done.stderr


def test_check_of_a_good_corefile(tmp_path: Path) -> None:
    world = World(tmp_path)
    done = run("check", "--conf", str(world.corefile))
    assert (done.returncode, done.stderr) == (0, "")
    assert str(world.corefile) in done.stdout
    assert not world.audit.exists()


def test_check_of_a_server_that_is_running(tmp_path: Path) -> None:
    world = World(tmp_path)
    with serving(world.corefile):
        assert run("check", "--conf", str(world.corefile)).returncode == 0
        assert answers(ask(world.server, "web.acorn.svc.cluster.local", source=WEB)) == ["10.96.1.10"]


def test_health_ready_and_metrics(tmp_path: Path) -> None:
    world = World(tmp_path)
    ip = world.server[0]
    health, ready, metrics = (free_port(ip) for _ in range(3))
    lines = f"errors\nhealth {ip}:{health}\nready {ip}:{ready}\nprometheus {ip}:{metrics}\ncache 30\n"
    world.corefile.write_text(world.corefile.read_text().replace("errors", lines))
    with serving(world.corefile):
        assert get(f"http://{ip}:{health}/health") == (200, "OK")
        assert get(f"http://{ip}:{ready}/ready")[0] == 200
        for _ in range(5):
            ask(world.server, "web.acorn.svc.cluster.local", source=WEB)
        ask(world.server, "web.acorn.svc.cluster.local", source=API)
        page = get(f"http://{ip}:{metrics}/metrics")[1]
    port = world.server[1]
    labels = f'family="1",proto="udp",server="dns://{ip}:{port}",type="A",view="",zone="."'
    assert f"coredns_dns_requests_total{{{labels}}} 6.0" in page.splitlines()
    for name in (
        "coredns_build_info", "coredns_dns_request_duration_seconds_bucket", "coredns_dns_responses_total",
        "coredns_dns_response_size_bytes_bucket", "coredns_cache_entries", "coredns_panics_total",
        "coredns_plugin_enabled", "dnspolicy_policy_info",
    ):  # fmt: skip
        assert f"\n{name}" in page, name


def test_a_server_without_its_cluster_is_not_ready_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    ip = world.server[0]
    ready = free_port(ip)
    text = world.corefile.read_text().replace("manifests cluster", "endpoint http://127.0.0.1:1")
    world.corefile.write_text(text.replace("errors", f"errors\nready {ip}:{ready}"))
    server = Server("--conf", str(world.corefile))
    try:
        server.await_line(NOT_READY)
        status, body = get(f"http://{ip}:{ready}/ready")
        assert (status, "kubernetes" in body) == (503, True)
        assert ask(world.server, "web.acorn.svc.cluster.local", source=WEB).rcode().name == "SERVFAIL"
        assert server.terminate() == 0
    finally:
        server.kill()


def test_a_server_whose_required_data_are_lacking_is_not_ready_until_they_are_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    ip = world.server[0]
    ready = free_port(ip)
    data = "rego policy\ndata listed file listed.json {\nrequired\nevery 100ms\n}"
    text = world.corefile.read_text().replace("rego policy", data)
    world.corefile.write_text(text.replace("errors", f"errors\nready {ip}:{ready}"))
    with serving(world.corefile, says=NOT_READY) as server:
        waits = "policy: data listed is not there"
        assert server.said[-1].endswith(f"{NOT_READY}{waits}")
        assert get(f"http://{ip}:{ready}/ready") == (503, f"{waits}\n")
        world.write("listed.json", "{}")
        server.await_line(READY)
        assert answers(ask(world.server, "web.acorn.svc.cluster.local", source=WEB)) == ["10.96.1.10"]


def test_health_is_a_lame_duck_before_the_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    ip = world.server[0]
    health = free_port(ip)
    lines = f"errors\nhealth {ip}:{health} {{\nlameduck 1s\n}}\n"
    world.corefile.write_text(world.corefile.read_text().replace("errors", lines))
    with serving(world.corefile) as server:
        server.child.terminate()
        assert answers(ask(world.server, "web.acorn.svc.cluster.local", source=WEB)) == ["10.96.1.10"]
        assert server.wait() == 0
