"""A whole server whose policy is an OPA's: what clients get, and what operators see, while OPA is well and not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dns.rcode
import pytest

from dnspolicy.testing.opa import FakeOpa
from tests.e2e.process import answers, ask, eventually, free_port, get, own_ip, run, serving

HOSTS = "10.0.0.1 a.test\n10.0.0.2 b.evil.test\n"


class Site:
    """A server and the OPA that it asks. `on_error` is what it does without OPA."""

    def __init__(self, folder: Path, opa: FakeOpa, on_error: str) -> None:
        self.folder = folder
        self.opa = opa
        self.ip = own_ip()
        self.port = free_port(self.ip)
        self.metrics = free_port(self.ip)
        (folder / "hosts").write_text(HOSTS)
        self.corefile = folder / "Corefile"
        self.corefile.write_text(
            f""".:{self.port} {{
    bind {self.ip}
    policy {{
        opa {opa.url} {{
            hold 10ms
        }}
        timeout 2s
        reload 50ms
        on_error {on_error}
    }}
    audit {{
        file audit.jsonl
    }}
    prometheus {self.ip}:{self.metrics}
    hosts hosts {{
        ttl 1
    }}
}}
"""
        )

    def ask(self, name: str) -> tuple[list[str], str]:
        """Answers and rcode."""
        reply = ask((self.ip, self.port), name)
        return answers(reply), dns.rcode.to_text(reply.rcode())

    def metric(self, name: str) -> float:
        page = get(f"http://{self.ip}:{self.metrics}/metrics")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))


def says(document: Any) -> dict[str, str]:
    evil = document["query"]["name"].endswith("evil.test")
    return {"action": "block" if evil else "allow", "rule": "no/evil" if evil else "ok", "reason": "as it is"}


@pytest.fixture
def opa(tmp_path: Path) -> Any:
    with FakeOpa(says) as running:
        yield running


def test_the_story(tmp_path: Path, opa: FakeOpa) -> None:
    site = Site(tmp_path, opa, "block")
    with serving(site.corefile) as server:
        assert site.ask("a.test") == (["10.0.0.1"], "NOERROR")
        assert site.ask("b.evil.test") == ([], "NXDOMAIN")
        opa.stop()
        eventually(lambda: site.ask("a.test") == ([], "SERVFAIL"))
        assert site.metric("dnspolicy_opa_failures_total") > 0
        assert site.metric("dnspolicy_policy_failures_total") > 0
        opa.start()
        eventually(lambda: site.ask("a.test") == (["10.0.0.1"], "NOERROR"))
        assert server.terminate() == 0
    seen = run("observe", str(tmp_path / "audit.jsonl"), "--origin", "failure", "-o", "json").stdout.splitlines()
    failure = json.loads(seen[0])
    assert (failure["rule"], failure["rcode"]) == ("failure/unavailable", "SERVFAIL")
    assert "OPA: " in failure["reason"]


def test_the_last_known_decision_without_opa(tmp_path: Path, opa: FakeOpa) -> None:
    site = Site(tmp_path, opa, "last_known")
    with serving(site.corefile):
        assert site.ask("a.test")[0] == ["10.0.0.1"]
        opa.stop()
        eventually(lambda: site.ask("a.test") and site.metric("dnspolicy_opa_failures_total") > 0)
        assert site.ask("a.test") == (["10.0.0.1"], "NOERROR")
        assert site.ask("never.test")[1] == "SERVFAIL"


def test_a_server_starts_without_its_opa(tmp_path: Path, opa: FakeOpa) -> None:
    opa.stop()
    site = Site(tmp_path, opa, "block")
    with serving(site.corefile) as server:
        assert site.ask("a.test")[1] == "SERVFAIL"
        assert any("OPA at http://" in line for line in server.said)
        opa.start()
        eventually(lambda: site.ask("a.test") == (["10.0.0.1"], "NOERROR"))
