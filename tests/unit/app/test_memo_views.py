"""Rooms that know the client, under finished answers and a cache: what a server without either gives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import dns.message
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnspolicy.app import resolver
from dnspolicy.cluster.objects import Namespace, Pod, Port, Service, ServiceKind, key_of
from dnspolicy.server import front
from dnspolicy.testing.clock import FakeClock
from tests.unit.app.one import One

KUBERNETES = """
    cache 30
    kubernetes cluster.local {
        manifests cluster
        pods verified
        ttl 7
    }
"""
HOSTS = """
    hosts {
        %s static.example
        fallthrough cluster.local zone.example
    }
"""
BLOCK = ". {\n    bind 127.0.0.1%s" + HOSTS + KUBERNETES + "}\n"
NAMESPACES = ("red", "blue")
CLIENTS = ("127.10.0.1", "127.10.0.2", "127.10.0.3")
VIEW = "\n    metadata\n    view one {\n        expr %s\n    }"
REST = BLOCK % ("", "192.0.2.9")
ZONE = "@ 60 SOA ns h 1 1 1 1 30\nwww 60 A 192.0.2.1\nway 60 CNAME web.red.svc.cluster.local.\n"
TEMPLATES = """
    metadata
    acl red.svc.cluster.local {
        drop net 127.10.0.3
    }
    template IN TXT who.example {
        answer "{{ .Name }} 9 IN TXT {{ .Remote }} n-{{ .Meta `kubernetes/client-namespace` }}"
    }
    template IN A way.example {
        answer "{{ .Name }} 9 IN CNAME web.red.svc.cluster.local."
    }
    template IN A some.example {
        expr client_ip() != '127.10.0.2'
        answer "{{ .Name }} 9 IN A 192.0.2.1"
        fallthrough
    }
"""
REWRITES = r"""
    metadata
    rewrite name regex ^mine\.example\.$ web.{kubernetes/client-namespace}.svc.cluster.local. metadata answer auto
    rewrite continue ttl exact static.example 5-20
    rewrite continue ttl regex cluster\.local\.$ 3-5
    rewrite cname exact web.red.svc.cluster.local web.blue.svc.cluster.local
    file zone zone.example
"""
SETUPS = {
    "file": (BLOCK % ("\n    autopath resolv.conf", "192.0.2.7"), ("web.blue", "static.example.blue")),
    "pods": (
        BLOCK % ("\n    autopath @kubernetes", "192.0.2.7"),
        ("web.red.blue", "web.blue.red", "web.red.svc.red", "static.example.red"),
    ),
    "label": (
        BLOCK % (VIEW % "metadata('kubernetes/client-namespace') == 'red'", "192.0.2.7") + REST,
        ("static.example.", "web.red"),
    ),
    "pod label": (
        BLOCK % (VIEW % "metadata('kubernetes/client-label/app') == 'z'", "192.0.2.7") + REST,
        ("static.example.",),
    ),
    "address": (
        BLOCK % (VIEW % "client_ip() == '127.10.0.2' && bufsize() > 512", "192.0.2.7") + REST,
        ("static.example.",),
    ),
    "acl": (
        BLOCK
        % ("\n    acl {\n        block net 127.10.0.3\n        filter type TXT net 127.10.0.0/31\n    }", "192.0.2.7"),
        ("static.example.", "web.red"),
    ),
    "templates": (BLOCK % (TEMPLATES, "192.0.2.7"), ("who.example.", "way.example.", "some.example.")),
    "rewrites": (BLOCK % (REWRITES, "192.0.2.7"), ("mine.example.", "static.example.", "way.zone.example.")),
    "zone file": (
        BLOCK
        % (
            "\n    file zone zone.example\n    acl red.svc.cluster.local {\n        block net 127.10.0.3\n    }",
            "192.0.2.7",
        ),
        ("www.zone.example.", "way.zone.example.", "no.zone.example."),
    ),
    "addresses made of others": (
        BLOCK
        % (
            "\n    dns64 {\n        allow_ipv4\n    }\n    acl {\n        filter type AAAA net 127.10.0.3\n    }",
            "192.0.2.7",
        ),
        ("static.example.", "web.red"),
    ),
}
"""A Corefile, and the names that are asked in it: below svc.cluster.local, if they do not end in a dot."""
namespaces = st.builds(Namespace, st.sampled_from(NAMESPACES))
services = st.builds(
    lambda ns, ip: Service(ns, "web", ServiceKind.CLUSTER_IP, (ip,), (Port("http", "tcp", 80),)),
    st.sampled_from(NAMESPACES),
    st.sampled_from(("10.0.0.1", "10.0.0.2")),
)
pods = st.builds(
    lambda ns, ip, app, uid, finished: Pod(ns, f"p-{uid}", uid, (ip,), labels={"app": app}, finished=finished),
    st.sampled_from(NAMESPACES),
    st.sampled_from(CLIENTS),
    st.sampled_from(("x", "z")),
    st.sampled_from(("u1", "u2")),
    st.booleans(),
)
CLUSTER = (
    *map(Namespace, NAMESPACES),
    Service("red", "web", ServiceKind.CLUSTER_IP, ("10.0.0.1",), (Port("http", "tcp", 80),)),
    *(
        Pod(ns, f"p-{ip[-1]}", f"u{ip}", (ip,), labels={"app": "z" if ip == CLIENTS[2] else "x"})
        for ns, ip in zip(("red", "blue", "red"), CLIENTS, strict=True)
    ),
)  # fmt: skip
things = st.one_of(namespaces, services, services, pods, pods)


@st.composite
def walks(draw: st.DrawFn, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    asked = st.tuples(st.sampled_from(names), st.sampled_from(("A", "A", "TXT", "AAAA")), st.booleans())
    ask = st.tuples(st.just("ask"), st.sampled_from(CLIENTS), asked)
    change = st.one_of(
        st.tuples(st.just("put"), things),
        st.tuples(st.just("delete"), things),
        st.tuples(st.just("pass"), st.sampled_from((0.4, 1.0, 4.0, 31.0))),
    )
    return draw(st.lists(st.one_of(ask, ask, change), min_size=20, max_size=50))


class _Views(One):
    """With the cluster, asked for names below its zone unless they end in a dot."""

    def __init__(self, folder: Path, clock: FakeClock, memo: bool, corefile: str = "Corefile") -> None:
        super().__init__(folder / corefile, clock, memo)
        self.app.view.apply(CLUSTER)

    async def question(self, question: tuple[str, str, bool], source: str, number: int) -> bytes:
        name, rdtype, edns = question
        name = name if name.endswith(".") else f"{name}.svc.cluster.local"
        query = dns.message.make_query(name, rdtype, use_edns=0 if edns else -1, id=number)
        return await self.ask(query.to_wire(), source)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    made = {name: tmp_path_factory.mktemp("setup") for name in SETUPS}
    for name, folder in made.items():
        (folder / "cluster").mkdir()
        (folder / "Corefile").write_text(SETUPS[name][0])
        (folder / "Corefile.uncached").write_text(SETUPS[name][0].replace("    cache 30\n", ""))
        (folder / "zone").write_text(ZONE)
        (folder / "resolv.conf").write_text("search blue.svc.cluster.local red.svc.cluster.local\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "IDENTITY_WAIT", 0.001)
        patch.setattr(resolver, "RESOLV_CONF", tmp_path_factory.mktemp("etc") / "none")
        yield made


@pytest.mark.parametrize("setup", SETUPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_finished_answers_are_exact(folders: dict[str, Path], setup: str, data: st.DataObject) -> None:
    steps = data.draw(walks(SETUPS[setup][1]))
    assert asyncio.run(_walk(folders[setup], steps)) is None


async def _walk(folder: Path, steps: list[tuple[object, ...]]) -> str | None:
    """The first difference, if there is one."""
    clock = FakeClock()
    servers = [
        _Views(folder, clock, True),
        _Views(folder, clock, False),
        _Views(folder, clock, False, "Corefile.uncached"),
    ]
    for number, step in enumerate(steps):
        match step:
            case ("ask", str(client), question):
                quick, slow, plain = [await server.question(question, client, number) for server in servers]  # type: ignore[arg-type]
                if quick != slow or _timeless(slow) != _timeless(plain):
                    return f"{step}\n{quick!r}\n{_timeless(quick)}\n{_timeless(slow)}\ninstead of\n{_timeless(plain)}"
            case ("put", thing):
                for server in servers:
                    server.app.view.apply([thing])
            case ("delete", thing):
                for server in servers:
                    server.app.view.apply([], [key_of(thing)])  # type: ignore[arg-type]
            case ("pass", float(seconds)):
                clock.advance(seconds)
    return None


def _timeless(wire: bytes) -> object:
    """A reply without its TTLs, which a cache counts down."""
    if not wire:
        return None
    reply = dns.message.from_wire(wire)
    return reply.rcode(), [[rrset.to_text().split(" ", 2)[::2] for rrset in part] for part in reply.sections[1:]]


@pytest.mark.parametrize(
    ("setup", "client", "question", "records"),
    [
        pytest.param("file", 0, ("web.blue", "A", False), ["web.red.svc.cluster.local.", "10.0.0.1"], id="file"),
        pytest.param("pods", 0, ("web.red.red", "A", True), ["web.red.svc.cluster.local.", "10.0.0.1"], id="pods"),
        pytest.param("pods", 0, ("static.example.red", "A", True), ["static.example.", "192.0.2.7"], id="name alone"),
        pytest.param("pods", 1, ("web.red.red", "A", True), [], id="list of another"),
        pytest.param("label", 0, ("static.example.", "A", True), ["192.0.2.7"], id="label"),
        pytest.param("label", 1, ("static.example.", "A", True), ["192.0.2.9"], id="another label"),
        pytest.param("address", 1, ("static.example.", "A", True), ["192.0.2.7"], id="address"),
        pytest.param("address", 1, ("static.example.", "A", False), ["192.0.2.9"], id="question"),
        pytest.param("acl", 2, ("static.example.", "A", False), [], id="acl"),
        pytest.param("templates", 1, ("who.example.", "TXT", False), ['"127.10.0.2" "n-blue"'], id="template"),
        pytest.param("rewrites", 0, ("mine.example.", "A", False), ["10.0.0.1"], id="label in a name"),
        pytest.param("rewrites", 0, ("static.example.", "A", False), ["192.0.2.7"], id="ttl"),
        pytest.param("zone file", 0, ("www.zone.example.", "A", False), ["192.0.2.1"], id="zone file"),
        pytest.param(
            "addresses made of others", 0, ("static.example.", "AAAA", False), ["64:ff9b::c000:207"], id="dns64"
        ),
    ],
)
def test_answers_are_finished_and_used(
    folders: dict[str, Path], setup: str, client: int, question: tuple[str, str, bool], records: list[str]
) -> None:
    """The property above would hold for a memo that remembers nothing."""

    async def scene() -> tuple[list[str], int]:
        one = _Views(folders[setup], FakeClock(), memo=True)
        replies = [await one.question(question, CLIENTS[client], 7) for _ in range(2)]
        assert replies[0] == replies[1]
        assert one.app.memo is not None
        return [r.to_text() for rrset in dns.message.from_wire(replies[0]).answer for r in rrset], one.app.memo.size

    assert asyncio.run(scene()) == (records, 1)


@pytest.mark.parametrize(
    ("setup", "name", "client"), [("file", "web.blue", 0), ("pods", "web.gold.svc.red", 0)], ids=["file", "pods"]
)
def test_a_name_that_appears_earlier_in_the_list_is_found(
    folders: dict[str, Path], setup: str, name: str, client: int
) -> None:
    """What was found rests on all names that were not."""

    async def scene() -> list[int]:
        one = _Views(folders[setup], FakeClock(), memo=True)
        one.app.view.apply([Namespace("gold")])
        found = []
        for service in (None, Service("blue", "web", ServiceKind.CLUSTER_IP, ("10.0.0.2",), ()),
                        Service("gold", "web", ServiceKind.CLUSTER_IP, ("10.0.0.3",), ())):  # fmt: skip
            one.app.view.apply([service] if service is not None else [])
            replies = [
                dns.message.from_wire(await one.question((name, "A", True), CLIENTS[client], 7)) for _ in range(2)
            ]
            assert replies[0] == replies[1]
            found.append(replies[0].rcode())
            found += [int(r.to_text()[-1]) for rrset in replies[0].answer for r in rrset if r.rdtype == 1]
        return found

    assert asyncio.run(scene()) == {"file": [0, 1, 0, 2, 0, 2], "pods": [3, 3, 0, 3]}[setup]
