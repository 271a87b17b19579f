"""`deploy/` as it is, on a real API server: what it applies, may do and serves."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.message
import dns.name
import dns.rdata
import pytest
from dns.rdtypes.ANY.SOA import SOA

from tests.conftest import NETWORK
from tests.contract.clusters import endpoints, namespace, node, pod, service
from tests.deploy.test_manifests import DEPLOY, METRIC, queries
from tests.e2e.process import COMMAND, Server, answers, ask, eventually, get, run
from tests.peers.find import find
from tests.real.cluster import PROGRAMS, RealCluster
from tests.real.kubelet import SYSTEM, Container, Kubectl, token_of
from tests.real.outside import HELD, NAME, outside
from tests.real.places import Pod
from tests.real.serving import ADDRESS

pytestmark = pytest.mark.real(NETWORK, "kubectl", "unshare", *PROGRAMS)

SPACE = "shop"
HOST, CLIENT = "10.9.0.1", "10.1.0.7"
CORE = ("endpoints", "services", "pods", "namespaces")
"""What CoreDNS's own ClusterRole lists and watches, beside endpointslices."""
METRICS = f"http://{ADDRESS}:9153/metrics"
NONSENSE = """package dnspolicy

decision := {"action": input.query.name, "rule": "test/nonsense"}
"""
OTHERWISE = """package dnspolicy

decision := {"action": "block", "rule": "test/candidate", "reason": "why"}
"""
CANDIDATE = """policy {
        candidate {
            rego /etc/dnspolicy/candidate
        }
"""
ENGINES = """
opa.test:53 {
    policy {
        opa unix:///run/nobody.sock
    }
    alarms {
        names 8
        length 1
        entropy 0
        queries 8
    }
}
pdp.test:53 {
    policy {
        grpc unix:/run/nobody.sock
    }
}
fed.test:53 {
    policy {
        opa unix:///run/nobody.sock
        data names file /etc/dnspolicy/candidate/names.txt
        data others file /etc/dnspolicy/nothing.txt
    }
}
beside.test:53 {
    policy {
        rego /etc/dnspolicy/policies
        candidate {
            opa unix:///run/nobody.sock
        }
    }
}
bundle.test:53 {
    policy {
        bundle BUNDLE {
            every 1s
        }
    }
}
"""
"""Every engine there is, none of which is well."""
QUESTIONS = (
    ("kubernetes.default.svc.cluster.local", "A"),
    (f"web.{SPACE}.svc.cluster.local", "A"),
    (f"web.{SPACE}.svc.cluster.local", "AAAA"),
    (f"_http._tcp.web.{SPACE}.svc.cluster.local", "SRV"),
    (f"peers.{SPACE}.svc.cluster.local", "A"),
    (f"one.peers.{SPACE}.svc.cluster.local", "A"),
    (f"10-1-0-7.{SPACE}.pod.cluster.local", "A"),
    (f"nothing.{SPACE}.svc.cluster.local", "A"),
    ("nothing.nowhere.svc.cluster.local", "A"),
    ("dns-version.cluster.local", "TXT"),
    ("cluster.local", "NS"),
    ("20.2.96.10.in-addr.arpa", "PTR"),
    ("7.0.1.10.in-addr.arpa", "PTR"),
)


@pytest.fixture(scope="module")
def cluster(real_cluster: RealCluster) -> Iterator[RealCluster]:
    """A namespace, a service with an address, a headless one, a pod that asks and the node it runs on."""
    control = real_cluster.control
    for item in (
        namespace(SPACE),
        service(SPACE, "web", "10.96.2.20"),
        service(SPACE, "peers", "None"),
        endpoints(SPACE, "peers-1", "peers", ("10.1.0.7", "one"), ("10.1.0.8", "two")),
        pod(SPACE, "asker", CLIENT),
        node("node-1", HOST),
    ):
        control.put(item)
    yield real_cluster
    control.remove("Node", "", "node-1")
    control.empty(SPACE)


@pytest.fixture(scope="module")
def kubectl(cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """With `deploy/kubernetes` applied."""
    command = Kubectl(tmp_path_factory.mktemp("kubectl"), cluster)
    command("apply", "-k", str(DEPLOY / "kubernetes"))
    yield command
    command("delete", "--wait=false", "-k", str(DEPLOY / "serving"))


@contextlib.contextmanager
def deployed(kubectl: Kubectl, cluster: RealCluster, folder: Path, account: str = "dnspolicy") -> Iterator[Launched]:
    """The container of the Deployment, as a process with the arguments, files and ports that it has in the cluster."""
    place = Pod(folder, cluster, token_of(cluster, account))
    server = Container(kubectl, place, "dnspolicy", "dnspolicy").start()
    try:
        yield Launched(server, place)
    finally:
        server.kill()


class Launched:
    """A server and the pod it runs in."""

    def __init__(self, server: Server, place: Pod) -> None:
        self.server = server
        self.place = place

    def records(self) -> list[dict[str, Any]]:
        """Ends it; the audit records it wrote."""
        self.server.child.send_signal(signal.SIGTERM)
        assert self.server.child.stdout is not None
        lines = [json.loads(line) for line in self.server.child.stdout if line.startswith("{")]
        self.server.wait()
        return [line for line in lines if line.get("type") == "query"]


def state() -> tuple[int, str]:
    """What the readiness probe sees; code 0 while nobody listens."""
    try:
        return get(f"http://{ADDRESS}:8181/ready")
    except OSError:
        return 0, ""


def await_ready() -> None:
    eventually(lambda: state()[0] == 200)


def asked(name: str, kind: str = "A", source: str = CLIENT, port: int = 53) -> dns.message.Message:
    return ask((ADDRESS, port), name, kind, source=source)


def test_manifests_are_taken_by_the_api_server(kubectl: Kubectl) -> None:
    """With strict validation: no field is unknown and no value out of bounds."""
    for folder in ("kubernetes", "opa", "serving"):
        told = kubectl("apply", "--validate=strict", "--server-side", "--force-conflicts", "-k", str(DEPLOY / folder))
        assert "deployment.apps/dnspolicy serverside-applied" in told
        template = kubectl.get("deployment", "dnspolicy")["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert labels.get("k8s-app") == ("kube-dns" if folder == "serving" else None)
        assert template["spec"]["serviceAccountName"] == "dnspolicy"
        beside = [container["name"] for container in template["spec"].get("initContainers", [])]
        assert beside == (["opa"] if folder == "opa" else [])


def test_the_account_may_read_what_policies_want_when_it_is_granted(cluster: RealCluster, kubectl: Kubectl) -> None:
    rights = str(DEPLOY / "feeds" / "rbac.yaml")
    told = kubectl("apply", "--validate=strict", "--server-side", "-f", rights)
    try:
        assert told.count("serverside-applied") == 8
        account = f"--as=system:serviceaccount:{SYSTEM}:dnspolicy"
        assert "[dns-data]" in kubectl("auth", "can-i", "--list", "-n", SYSTEM, account)
        assert kubectl("auth", "can-i", "watch", "clusterroles.rbac.authorization.k8s.io", account).strip() == "yes"
        assert "[dns-policy]" in kubectl("auth", "can-i", "--list", "-n", SPACE, account)
        assert "[dns-data]" not in kubectl("auth", "can-i", "--list", "-n", SPACE, account)
    finally:
        kubectl("delete", "-f", rights)


def test_a_cluster_can_be_written_to_a_folder(cluster: RealCluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """By the command in the walk through a roll-out, whose outcome tools take for a cluster."""
    page = (DEPLOY.parent / "docs" / "rollout.md").read_text()
    (words,) = re.findall(r"^kubectl (get .*) > cluster/all.yaml$", page, re.MULTILINE)
    (tmp_path / "all.yaml").write_text(kubectl(*words.split()))
    policies = [str(DEPLOY.parent / "policies" / name) for name in ("lib", "tenant-isolation")]
    done = run("policy", "cost", *policies, "--cluster", str(tmp_path), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cluster"]["clients"] >= 2


def test_the_account_may_list_and_watch_five_resources(cluster: RealCluster, kubectl: Kubectl) -> None:
    def rights(account: str) -> set[str]:
        told = kubectl("auth", "can-i", "--list", f"--as=system:serviceaccount:{SYSTEM}:{account}")
        return {" ".join(line.split()) for line in told.splitlines()}

    assert rights("dnspolicy") - rights("nobody") == {
        f"{name} [] [] [list watch]"
        for name in ("namespaces", "nodes", "pods", "services", "endpointslices.discovery.k8s.io")
    }


def test_it_serves_in_the_cluster_with_the_rights_it_is_given(
    cluster: RealCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    with deployed(kubectl, cluster, tmp_path) as launched:
        await_ready()
        assert answers(asked(f"web.{SPACE}.svc.cluster.local")) == ["10.96.2.20"]
        assert answers(asked(f"peers.{SPACE}.svc.cluster.local", source=HOST)) != []
        assert get(f"http://{ADDRESS}:8080/health") == (200, "OK")
        records = launched.records()
    clients = {record["client"]["ip"]: record["client"] for record in records}
    assert (clients[CLIENT]["kind"], clients[CLIENT]["namespace"], clients[CLIENT]["pod"]) == ("pod", SPACE, "asker")
    assert (clients[HOST]["kind"], clients[HOST]["node"]) == ("host", "node-1")


def test_every_series_that_is_looked_at_is_in_the_scrape(
    cluster: RealCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    """After some questions, one of them repeated over TCP for the cache, and a policy that says what cannot be.

    Beside that policy a candidate that wants another thing, and engines that are not there.
    """
    with outside(), bundle(tmp_path) as (url, withdraw), deployed(kubectl, cluster, tmp_path / "pod") as launched:
        await_ready()
        corefile = launched.place.etc.joinpath("coredns/Corefile").read_text()
        more = corefile.replace("policy {\n", CANDIDATE) + ENGINES.replace("BUNDLE", url)
        launched.place.mount("dnspolicy/candidate", {"policy.rego": OTHERWISE, "names.txt": "a.test\n"})
        launched.place.mount("coredns", {"Corefile": more})
        launched.server.child.send_signal(signal.SIGHUP)
        eventually(lambda: "dnspolicy_policy_bundle_confirmed_seconds{" in get(METRICS)[1])
        withdraw()
        for number in range(20):
            for engine in ("opa", "pdp", "bundle", "fed", "beside"):
                asked(f"n{number}.more.{engine}.test")
        for name, kind in (*QUESTIONS, (NAME, "A")):
            asked(name, kind)
        assert answers(ask((ADDRESS, 53), NAME, source=CLIENT, tcp=True)) == [HELD]
        launched.place.mount("dnspolicy/policies", {"policy.rego": NONSENSE})
        eventually(lambda: asked(QUESTIONS[0][0]).rcode() and "policy_failures_total{" in get(METRICS)[1])
        wanted = {name for _, query in queries() for name in METRIC.findall(query)}
        missing = wanted - scraped()
    assert missing == set()


def scraped() -> set[str]:
    return set(re.findall(r"^(\w+)[{ ]", get(METRICS)[1], re.MULTILINE))


@contextlib.contextmanager
def bundle(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """The URL of one, and what makes it go away."""
    (folder / "web").mkdir()
    (folder / "rules").mkdir()
    (folder / "rules" / "policy.rego").write_text(OTHERWISE)
    made = folder / "web" / "bundle.tar.gz"
    words = [COMMAND, "policy", "bundle", str(folder / "rules"), "-o", str(made), "--revision", "1"]
    subprocess.run(words, check=True, capture_output=True)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/bundle.tar.gz", made.unlink
        finally:
            server.shutdown()


def test_policy_and_corefile_are_taken_up_when_a_configmap_changes(
    cluster: RealCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    name = f"web.{SPACE}.svc.cluster.local"
    with deployed(kubectl, cluster, tmp_path) as launched:
        await_ready()
        assert answers(asked(name)) == ["10.96.2.20"]
        text = launched.place.etc.joinpath("dnspolicy/policies/policy.rego").read_text()
        launched.place.mount("dnspolicy/policies", {"policy.rego": text.replace('"allow"', '"block"')})
        eventually(lambda: asked(name).rcode() == 3)
        corefile = launched.place.etc.joinpath("coredns/Corefile").read_text()
        less = re.sub(r"    policy \{.*?\n    \}\n", "", corefile, flags=re.DOTALL)
        launched.place.mount("coredns", {"Corefile": less.replace("ttl 30", "ttl 7")})
        launched.server.child.send_signal(signal.SIGHUP)
        eventually(lambda: asked(name).rcode() == 0)
        assert asked(name).answer[0].ttl == 7


def test_with_the_rights_of_coredns_it_is_ready_and_says_what_is_missing(
    cluster: RealCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    cluster.grant(f"system:serviceaccount:{SYSTEM}:older", *CORE, "endpointslices")
    with deployed(kubectl, cluster, tmp_path, "older") as launched:
        await_ready()
        assert answers(asked(f"web.{SPACE}.svc.cluster.local")) == ["10.96.2.20"]
        launched.server.await_line("nodes")


def test_without_endpointslices_it_is_not_ready_and_says_so(
    cluster: RealCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    cluster.grant(f"system:serviceaccount:{SYSTEM}:poor", *CORE)
    with deployed(kubectl, cluster, tmp_path, "poor") as launched:
        launched.server.await_line("endpointslices")
        code, body = eventually(lambda: found if (found := state())[0] else None)
        assert code == 503
        assert "endpointslices" in body


@pytest.mark.real("coredns")
def test_it_answers_as_coredns_beside_it(cluster: RealCluster, kubectl: Kubectl, tmp_path: Path) -> None:
    with (
        outside(),
        deployed(kubectl, cluster, tmp_path / "ours") as launched,
        coredns(cluster, tmp_path / "theirs", launched),
    ):
        await_ready()
        eventually(lambda: answers(asked(QUESTIONS[1][0], port=5353)))
        for name, kind in (*QUESTIONS, (NAME, "A"), (f"{NAME}.{SPACE}.svc.cluster.local", "A"), ("nothing.test", "A")):
            assert content(asked(name, kind)) == content(asked(name, kind, port=5353)), (name, kind)


@contextlib.contextmanager
def coredns(cluster: RealCluster, folder: Path, beside: Launched) -> Iterator[None]:
    """With the same Corefile but for what CoreDNS does not know, on other ports, with its own rights."""
    cluster.grant(f"system:serviceaccount:{SYSTEM}:coredns", *CORE, "endpointslices")
    place = Pod(folder, cluster, token_of(cluster, "coredns"))
    text = (beside.place.etc / "coredns" / "Corefile").read_text()
    text = re.sub(r"    (?:policy|audit) \{.*?\n    \}\n", "", text, flags=re.DOTALL)
    for ours, theirs in ((".:53", ".:5353"), ("health", "health :8090"), ("ready", "ready :8191"), (":9153", ":9154")):
        text = re.sub(rf"(?<!\w){re.escape(ours)}\b(?! *:)", theirs, text)
    place.mount("coredns", {"Corefile": text})
    words = [*place.within, str(find("coredns")), "-conf", "/etc/coredns/Corefile"]
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(words, stdout=log, stderr=log, env=place.environment)
        try:
            yield
        finally:
            child.kill()
            child.wait()


def content(reply: dns.message.Message) -> tuple[object, ...]:
    """All of a reply but the id, the order of records and serials."""
    sections = (reply.answer, reply.authority, reply.additional)
    records = (sorted(shown(rrset.name, rrset.ttl, rdata) for rrset in s for rdata in rrset) for s in sections)
    return (reply.rcode(), reply.flags, *map(tuple, records))


def shown(owner: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> str:
    """A record; serials follow the clock of each server."""
    text = rdata.replace(serial=0) if isinstance(rdata, SOA) else rdata
    return f"{owner} {ttl} {text}"
