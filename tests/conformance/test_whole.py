"""The cases that need a whole server: with manifests on loopback, and with an API server at their own addresses."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.rrset
import msgspec
import pytest
import yaml

from dnspolicy.testing.upstream import FakeUpstream, in_thread
from tests.conformance import process, suite, upstreams, whole
from tests.conformance.suite import Raw
from tests.conformance.whole import CLIENTS, SERVER, Places
from tests.conftest import NETWORK
from tests.e2e.process import COMMAND, eventually, free_port, get
from tests.real.cluster import ADMIN, PROGRAMS, RealCluster, kubeconfig
from tests.real.loading import loaded
from tests.real.space import holding

PATIENCE = 8.0
WHOLE = whole.load()
NAMES = sorted({case["cfg"] for case in WHOLE.cases if case["cfg"]})
_KUBERNETES = re.compile(r"kubernetes ([^{]+) \{")
_PAGES = {"127.0.0.1:8080": "health", "127.0.0.1:9153": "metrics", "127.0.0.1:8181": "ready"}


class World(msgspec.Struct, frozen=True):
    """`source`: the option that says where the cluster is."""

    places: Places
    source: str
    upstreams: dict[str, FakeUpstream]


@contextlib.contextmanager
def name_servers() -> Iterator[dict[str, FakeUpstream]]:
    with contextlib.ExitStack() as stack:
        found = {}
        for name, held in WHOLE.upstreams.items():
            found[name] = stack.enter_context(in_thread(FakeUpstream()))
            for (owner, kind), script in upstreams.scripts(held).items():
                found[name].on(owner, script, qtype=kind)
        yield found


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cluster")
    places = Places(process.own_address())
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(places.objects()))
    with name_servers() as found:
        yield World(places, f"manifests {folder}", found)


@pytest.fixture(scope="module")
def cluster(real_cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("credentials")
    path = kubeconfig(folder / "config", real_cluster.url, ADMIN, real_cluster.authority.certificate)
    places = Places()
    others = [ip for ip in (places.second, *CLIENTS.values()) if ":" in ip or not ip.startswith("10.")]
    with holding(*others), loaded(real_cluster.control, places.objects()), name_servers() as found:
        yield World(places, f"kubeconfig {path}", found)


@pytest.mark.parametrize("name", NAMES)
def test_over_manifests(name: str, laptop: World, tmp_path: Path) -> None:
    assert differences(name, laptop, tmp_path) == []


@pytest.mark.real(NETWORK, *PROGRAMS)
@pytest.mark.parametrize("name", NAMES)
def test_over_an_api_server(name: str, cluster: World, tmp_path: Path) -> None:
    assert differences(name, cluster, tmp_path) == []


def differences(name: str, world: World, folder: Path) -> list[str]:
    """What is wrong with any case of a Corefile, in words."""
    cases = [case for case in WHOLE.cases if case["cfg"] == name]
    with Server(name, world, folder, six=any(case.get("from") == "ds6" for case in cases)) as server:
        return [f"{case['id']}: {text}" for case in cases for text in server.observe(case)]


class Server:
    """One that runs a Corefile, and asks itself what the cases ask. `six`: somebody asks over IPv6."""

    def __init__(self, name: str, world: World, folder: Path, *, six: bool) -> None:
        self._world = world
        self._address = world.places.of(SERVER)
        self._port = free_port(self._address)
        self._pages = {what: f"127.0.0.1:{free_port('127.0.0.1')}" for what in _PAGES.values()}
        for file, text in WHOLE.files.items():
            (folder / file).write_text(text)
        bind = f"bind {self._address}" + (f" {world.places.second}" if six else "")
        self._text = self._filled(WHOLE.corefiles[name], bind, folder)
        self._path, self._log = folder / "Corefile", folder / "log"
        self._path.write_text(self._text)
        zones = _KUBERNETES.search(self._text)
        self._zones = zones[1].split() if zones else []
        ttl = re.search(r"^ *ttl (\d+)$", self._text, re.MULTILINE)
        self._ttl = int(ttl[1]) if ttl else 5
        self._halts = "loop\n" in self._text
        self._sink = self._log.open("w")

    def _filled(self, text: str, bind: str, folder: Path) -> str:
        values = {"bind": bind, "port": str(self._port), "ip": self._address, "dir": str(folder)}
        values |= {"source": self._world.source, **self._pages}
        values |= {f"upstream:{name}": found.address for name, found in self._world.upstreams.items()}
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return self._world.places.text(text)

    def __enter__(self) -> Server:
        for upstream in self._world.upstreams.values():
            upstream.asked.clear()
        words = [COMMAND, "serve", "--conf", str(self._path)]
        self._child = subprocess.Popen(words, stdout=self._sink, stderr=self._sink)
        eventually(lambda: "is ready" in self._log.read_text() or self._child.poll() is not None)
        assert "is ready" in self._log.read_text(), self._log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        try:
            self._child.wait(PATIENCE)
        finally:
            self._child.kill()
            self._sink.close()

    def observe(self, case: Raw) -> list[str]:
        """What is wrong with one case."""
        if "http" in case:
            return self._page(case)
        if "path" in case:
            return self._search(case)
        if case.get("op") == "halts":
            self._child.wait(PATIENCE)
            return self._unlogged(case)
        if case.get("op") in ("axfr", "ixfr-old"):
            return self._transferred(case)
        return self._asked(case)

    def _asked(self, case: Raw) -> list[str]:
        sent = whole.message(case)
        replies = [self._ask(case, sent, case.get("pause", 0) * n) for n in range(_times(case))]
        found = whole.wrong(case, self._zones, self._ttl, sent, replies[-1]) if "rcode" in case else []
        if case.get("op") == "rotates":
            orders = {str(reply.answer) for reply in replies}
            found += [] if len(orders) > 1 else ["the order never changes"]
        asked = Counter(one.name for upstream in self._world.upstreams.values() for one in upstream.questions)
        for name, times in case.get("asked", {}).items():
            seen = asked[name.rstrip(".")] + asked[name]
            found += [] if seen == times else [f"{name} was asked for {seen} times"]
        if "md" in case:
            found += self._labelled(case, sent.id)
        return found + self._unlogged(case)

    def _ask(self, case: Raw, sent: dns.message.Message, pause: float) -> dns.message.Message:
        time.sleep(pause)
        client = CLIENTS[case.get("from", "nobody")]
        server = self._world.places.second if ":" in client else self._address
        over = dns.query.tcp if case.get("proto") == "tcp" else dns.query.udp
        return over(
            sent,
            server,
            PATIENCE,
            self._port,
            self._world.places.of(client),
            one_rr_per_rrset=True,
            ignore_trailing=False,
        )

    def _search(self, case: Raw) -> list[str]:
        """Each name over UDP and TCP, and what comes at the end."""
        kind, found = case["ask"].split()[1], []
        steps = [step.split() for step in case["path"]]
        for proto in ("udp", "tcp"):
            for name, rcode in steps:
                last = [name, rcode] == steps[-1]
                wanted = {**case, "q": f"{name} {kind}", "rcode": rcode, "proto": proto, "an": case["final"]}
                if not last:
                    wanted |= {"an": (), "au": ["SOA"]}
                elif kind == "SRV":
                    wanted["ad"] = [f"{text.split()[-1]} A 10.244.2.1{n}" for n, text in enumerate(case["final"])]
                found += self._asked({key: value for key, value in wanted.items() if key not in ("path", "final")})
        return found

    def _page(self, case: Raw) -> list[str]:
        place, _, path = case["http"].partition("/")
        code, body = get(f"http://{self._pages[_PAGES[place]]}/{path}")
        wrong = [] if code == case.get("status", 200) else [f"status {code}"]
        wrong += [f"it says {body!r}"] if "body" in case and body.strip() != case["body"] else []
        return wrong + [f"nothing like {text}" for text in case.get("body_has", ()) if not re.search(text, body, re.M)]

    def _transferred(self, case: Raw) -> list[str]:
        name, kind = case["q"].split()
        query = dns.message.make_query(name, kind)
        if kind == "IXFR":
            asked = query.question[0].name
            query.authority.append(dns.rrset.from_text(asked, 0, "IN", "SOA", "ns. host. 1 0 0 0 0"))
        first = self._ask({**case, "proto": "tcp"}, query, 0)
        if dns.rcode.to_text(first.rcode()) != case["rcode"] or case["rcode"] != "NOERROR":
            return [] if dns.rcode.to_text(first.rcode()) == case["rcode"] else [f"rcode {first.rcode()}"]
        found = suite.records_of(first.answer)
        wanted = {suite.parse(text, name, self._ttl) for text in _set_of(case)}
        ends = [] if (found[0].type, found[-1].type) == ("SOA", "SOA") else ["no SOA at both ends"]
        unlike = set(found[1:-1]) ^ wanted if wanted else set()
        return [*ends, *map(str, unlike), *([] if len(found) > 20 else ["too few records"])]

    def _labelled(self, case: Raw, number: int) -> list[str]:
        line = re.compile(rf"MD {number} (\S.*)")
        text = eventually(lambda: line.search(self._log.read_text()))
        assert text is not None
        head = re.search(r'MD \{>id\} ([^"]*)"', self._text)
        assert head is not None
        labels = re.findall(r"\{/([^}]*)\}", head[1])
        pairs = zip(labels, text[1].strip().split("|"), strict=True)
        found = {label: value for label, value in pairs if value not in ("-", "")}
        return [] if found == whole.metadata_wanted(case) else [f"labels {found}"]

    def _unlogged(self, case: Raw) -> list[str]:
        wanted = [self._world.places.text(text) for text in case.get("log_has", ())]
        with contextlib.suppress(AssertionError):
            eventually(lambda: all(re.search(text, self._log.read_text()) for text in wanted))
        return [f"not logged: {text}" for text in wanted if not re.search(text, self._log.read_text())]


def _times(case: Raw) -> int:
    return 30 if case.get("op") == "rotates" else int(case.get("repeat", 1))


def _set_of(case: Raw) -> list[str]:
    if "set_of" not in case:
        return []
    found: list[str] = yaml.safe_load((suite.HERE / case["set_of"]).read_text())["set"]
    return found
