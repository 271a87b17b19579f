"""`firewall` and `opa` blocks of a Corefile: what clients get."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from dnspolicy.cluster.objects import Namespace, Pod, Port, Service, ServiceKind
from dnspolicy.model.errors import ConfigError
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.opa import FakeOpa
from dnspolicy.testing.opatricks import Trick
from tests.unit.app.one import One

KUBERNETES = "kubernetes cluster.local {\n manifests cluster\n pods verified\n }\n"
HOSTS = """hosts {
    192.0.2.1 good.example
    10.0.0.1 bad.example
    192.0.2.2 both.example
    10.0.0.2 both.example
    fallthrough
}
"""
TENANTS = """firewall query {
    allow [kubernetes/client-namespace] !~ '^tenant-'
    allow [kubernetes/namespace] == [kubernetes/client-namespace]
    allow [kubernetes/namespace] == 'default'
    block true
}
"""
CLUSTER = [
    *(Namespace(name) for name in ("tenant-a", "tenant-b", "default", "system")),
    *(
        Service(namespace, "web", ServiceKind.CLUSTER_IP, (f"10.96.0.{number}",), (Port("", 80, "TCP"),))
        for number, namespace in enumerate(("tenant-a", "tenant-b", "default"), 1)
    ),
    Pod("tenant-a", "one", "uid-1", ("10.1.0.1",)),
    Pod("system", "two", "uid-2", ("10.1.0.2",)),
]
TENANT, SYSTEM, NOBODY = "10.1.0.1", "10.1.0.2", "10.1.0.99"


@pytest.fixture
def opa() -> Iterator[FakeOpa]:
    with FakeOpa("allow") as running:
        yield running


def corefile(folder: Path, inside: str) -> Path:
    (folder / "cluster").mkdir(exist_ok=True)
    path = folder / "Corefile"
    path.write_text(f". {{\nbind 127.0.0.1\n{KUBERNETES}{HOSTS}{inside}\n}}\n")
    return path


def answers(path: Path, *questions: tuple[str, str]) -> list[str]:
    """For each client and name the addresses, or the response code."""

    async def scene() -> list[str]:
        one = One(path, FakeClock(), memo=True)
        one.app.view.apply(CLUSTER)
        try:
            return [await ask(one, *question) for question in questions]
        finally:
            await one.app.engines.stop()

    return asyncio.run(scene())


async def ask(one: One, client: str, name: str) -> str:
    reply = dns.message.from_wire(await one.ask(dns.message.make_query(name, "A").to_wire(), client))
    found = sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset)
    return " ".join(found) or dns.rcode.to_text(reply.rcode())


def test_tenants_of_the_original_page(tmp_path: Path) -> None:
    own, other, shared = (f"web.{namespace}.svc.cluster.local" for namespace in ("tenant-a", "tenant-b", "default"))
    found = answers(
        corefile(tmp_path, TENANTS),
        *((TENANT, own), (TENANT, other), (TENANT, shared), (SYSTEM, other), (SYSTEM, "good.example")),
        *((NOBODY, own), (NOBODY, "good.example")),
    )
    assert found == ["10.96.0.1", "NXDOMAIN", "10.96.0.3", "10.96.0.2", "192.0.2.1", "NXDOMAIN", "NXDOMAIN"]


def test_all_addresses_of_an_answer(tmp_path: Path) -> None:
    path = corefile(tmp_path, "firewall response {\n refuse incidr(response_ip, '10.0.0.0/8')\n }")
    found = answers(path, *((SYSTEM, f"{name}.example") for name in ("good", "bad", "both")))
    assert found == ["192.0.2.1", "REFUSED", "REFUSED"]


def engine(opa: FakeOpa, direction: str = "query", fields: str = "") -> str:
    block = f"opa other {{\n endpoint {opa.url}/v1/data/dns/action\n {fields}\n }}\n"
    return f"{block}firewall {direction} {{\n opa other\n }}"


def test_an_engine_is_told_what_is_known(tmp_path: Path, opa: FakeOpa) -> None:
    told: list[object] = []

    def says(document: object) -> str:
        told.append(document)
        return "allow"

    opa.says = says
    path = corefile(tmp_path, engine(opa, fields="fields client_ip name rcode kubernetes/client-namespace"))
    assert answers(path, (TENANT, "good.example"), (NOBODY, "good.example")) == ["192.0.2.1"] * 2
    assert told == [
        {"client_ip": TENANT, "name": "good.example.", "kubernetes/client-namespace": "tenant-a"},
        {"client_ip": NOBODY, "name": "good.example."},
    ]


@pytest.mark.parametrize(
    ("says", "found"),
    [
        pytest.param("block", "NXDOMAIN", id="block"),
        pytest.param("refuse", "REFUSED", id="refuse"),
        pytest.param("yes", "SERVFAIL", id="another word"),
        pytest.param({"action": "allow"}, "SERVFAIL", id="an object"),
        pytest.param(True, "SERVFAIL", id="true"),
    ],
)
def test_an_engine_decides(tmp_path: Path, opa: FakeOpa, says: object, found: str) -> None:
    opa.says = says
    for direction in ("query", "response"):
        assert answers(corefile(tmp_path, engine(opa, direction)), (SYSTEM, "good.example")) == [found]


@pytest.mark.parametrize("direction", ["query", "response"])
def test_an_engine_that_says_nothing_allows_nothing(tmp_path: Path, direction: str) -> None:
    with FakeOpa() as silent:
        assert answers(corefile(tmp_path, engine(silent, direction)), (SYSTEM, "good.example")) == ["NXDOMAIN"]


@pytest.mark.parametrize(
    "trick", [trick for trick in Trick if trick.name in ("HUNG", "CLOSE", "ERROR", "HTML", "EMPTY", "HALF")]
)
def test_an_engine_that_fails_allows_nothing(tmp_path: Path, opa: FakeOpa, trick: Trick) -> None:
    opa.trick = trick
    assert answers(corefile(tmp_path, engine(opa)), (SYSTEM, "good.example")) == ["SERVFAIL"]


def test_an_engine_that_is_gone_allows_nothing(tmp_path: Path, opa: FakeOpa) -> None:
    text = engine(opa)
    opa.stop()
    assert answers(corefile(tmp_path, text), (SYSTEM, "good.example")) == ["SERVFAIL"]


def test_an_answer_is_judged_by_every_address(tmp_path: Path, opa: FakeOpa) -> None:
    opa.says = lambda document: "block" if document["response_ip"].startswith("10.") else "allow"
    path = corefile(tmp_path, engine(opa, "response"))
    assert answers(path, (SYSTEM, "good.example"), (SYSTEM, "both.example")) == ["192.0.2.1", "NXDOMAIN"]


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        pytest.param(TENANTS + TENANTS, "two lists for query", id="two lists"),
        pytest.param("firewall query {\n opa other\n }", "no engine is called 'other'", id="no engine"),
        pytest.param("opa other {\n endpoint http://127.0.0.1/v1/data/x\n }", "no rule names it", id="no rule"),
        pytest.param(TENANTS + "policy {\n rego .\n }", "put the lists into the policy block", id="beside a policy"),
        pytest.param("firewall query {\n }", "expected rules", id="nothing in it"),
        pytest.param("firewall query {\n allow port == '1'\n }", "rule 1: 'port' differs", id="port"),
        pytest.param("opa other {\n endpoint http://127.0.0.1\n }", "the whole URL of a rule", id="no path"),
        pytest.param("opa other {\n endpoint ftp://127.0.0.1/x\n }", "expected http://", id="scheme"),
    ],
)
def test_what_is_refused_names_its_place(tmp_path: Path, inside: str, why: str) -> None:
    path = corefile(tmp_path, inside)
    with pytest.raises(ConfigError, match=why) as problem:
        answers(path)
    assert str(path) in str(problem.value)


def test_lists_beside_a_candidate(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "policy.rego").write_text(
        'package dnspolicy\n\ndecision := {"action": "allow", "rule": "new", "reason": "open"}\n'
    )
    inside = f"policy {{\n{TENANTS}candidate {{\n rego new\n }}\n }}"
    other = "web.tenant-b.svc.cluster.local"
    assert answers(corefile(tmp_path, inside), (TENANT, other), (SYSTEM, other)) == ["NXDOMAIN", "10.96.0.2"]


def test_an_engine_that_keeps_failing_is_left_alone_for_a_while(tmp_path: Path, opa: FakeOpa) -> None:
    opa.trick = Trick.NO_HTTP
    path, clock = corefile(tmp_path, engine(opa)), FakeClock()

    async def scene() -> list[str]:
        one = One(path, clock, memo=True)
        one.app.view.apply(CLUSTER)
        found = []
        for _ in range(9):
            found.append(await ask(one, SYSTEM, "good.example"))
            clock.advance(0.1)
        await one.app.engines.stop()
        return found

    assert asyncio.run(scene()) == ["SERVFAIL"] * 9
    assert 0 < opa.asked < 9
