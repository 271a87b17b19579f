"""A server that has its cluster from an API server."""

from __future__ import annotations

from pathlib import Path

import dns.rcode
import pytest
from dns.edns import EDECode

from dnspolicy.testing.apiserver import FakeApiServer, in_thread
from tests.contract.clusters import namespace, pod, service
from tests.e2e.process import NOT_READY, Server, answers, ask, eventually, free_port, get, own_ip, run, serving

NXDOMAIN, SERVFAIL = dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL
WEB = "web.shop.svc.cluster.local"
COREFILE = """
.:{port} {{
    bind {ip}
    kubernetes cluster.local {{
        endpoint {url}
        startup_timeout {timeout}
        pods verified
        {more}
    }}
    ready {ip}:{ready}
    forward . 127.0.0.1:1
}}
"""


class Site:
    def __init__(self, folder: Path, url: str, timeout: str = "20s", more: str = "") -> None:
        self.ip = own_ip()
        self.server, self.ready = (self.ip, free_port(self.ip)), free_port(self.ip)
        self.corefile = folder / "Corefile"
        words = {"ip": self.ip, "port": self.server[1], "ready": self.ready}
        self.corefile.write_text(COREFILE.format(url=url, timeout=timeout, more=more, **words))

    def said(self, name: str) -> list[str]:
        return answers(ask(self.server, name))


def shop() -> FakeApiServer:
    server = FakeApiServer()
    for item in (namespace("shop"), service("shop", "web", "10.96.0.1"), pod("shop", "web-0", "10.1.0.1")):
        server.put(item)
    return server


def test_names_follow_the_api_server_and_outlive_it(tmp_path: Path) -> None:
    with in_thread(shop()) as threaded:
        site = Site(tmp_path, threaded.server.url)
        with serving(site.corefile):
            assert site.said(WEB) == ["10.96.0.1"]
            assert site.said("10-1-0-1.shop.pod.cluster.local") == ["10.1.0.1"]

            threaded.server.remove("Service", "shop", "web")
            threaded.server.put(service("shop", "api", "10.96.0.2"))
            eventually(lambda: site.said("api.shop.svc.cluster.local") == ["10.96.0.2"])
            assert ask(site.server, WEB).rcode() == NXDOMAIN

            threaded.stop()
            assert site.said("api.shop.svc.cluster.local") == ["10.96.0.2"]
            assert get(f"http://{site.ip}:{site.ready}/ready")[0] == 200


def test_without_an_api_server_no_name_of_the_cluster_leaves(tmp_path: Path) -> None:
    site = Site(tmp_path, "http://127.0.0.1:1", timeout="100ms", more="fallthrough")
    server = Server("--conf", str(site.corefile))
    try:
        server.await_line(NOT_READY)
        for name in (WEB, f"gone.{WEB}"):
            reply = ask(site.server, name)
            assert reply.rcode() == SERVFAIL
            assert [error.code for error in reply.extended_errors()] == [EDECode.NOT_READY]
        code, text = get(f"http://{site.ip}:{site.ready}/ready")
        assert code == 503
        assert "EndpointSlice, Pod (unreachable: 127.0.0.1:1: Connection refused)" in text
        server.await_line("pods: unreachable: 127.0.0.1:1")
    finally:
        server.terminate()


def test_what_is_forbidden_is_named(tmp_path: Path) -> None:
    fake = shop()
    fake.access.deny("pods")
    with in_thread(fake) as threaded:
        site = Site(tmp_path, threaded.server.url, timeout="500ms")
        server = Server("--conf", str(site.corefile))
        try:
            server.await_line("pods: forbidden: pods is forbidden: User ")
            assert site.said(WEB) == ["10.96.0.1"]
            assert ask(site.server, f"gone.{WEB}").rcode() == SERVFAIL
            assert "Pod (forbidden: pods is forbidden: User" in get(f"http://{site.ip}:{site.ready}/ready")[1]
        finally:
            server.terminate()


def test_a_restart_during_an_outage_serves_the_snapshot(tmp_path: Path) -> None:
    with in_thread(shop()) as threaded:
        site = Site(tmp_path, threaded.server.url, more="snapshot known")
        with serving(site.corefile) as server:
            server.terminate()
        threaded.stop()
        with serving(site.corefile) as server:
            server.await_line("from snapshot")
            assert site.said(WEB) == ["10.96.0.1"]
            assert ask(site.server, f"gone.{WEB}").rcode() == NXDOMAIN


CHECKS = {
    "away": ("endpoint http://127.0.0.1:1", 0, "zones ."),
    "no kubeconfig": ("kubeconfig none", 2, "none: no such file"),
    "no pod of a cluster": ("pods verified", 0, "this is no pod of one, so nothing was looked at there"),
    "no certificate": ("endpoint https://127.0.0.1:1\n tls c k ca", 2, "cannot be read"),
}


@pytest.mark.parametrize(("line", "code", "said"), list(CHECKS.values()), ids=list(CHECKS))
def test_check_asks_no_api_server(tmp_path: Path, line: str, code: int, said: str) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:1053 {{\n kubernetes cluster.local {{\n {line}\n }}\n}}\n")
    done = run("check", "--conf", str(corefile))
    assert done.returncode == code
    assert said in done.stdout + done.stderr
