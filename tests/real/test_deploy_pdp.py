"""`deploy/pdp` and `deploy/pdp-sidecar` on a real API server, their containers as processes that ask each other."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import grpc
import pytest

from tests.conftest import NETWORK
from tests.contract.clusters import namespace, pod, service
from tests.deploy.test_manifests import DEPLOY
from tests.e2e.process import COMMAND, Server, answers, ask, eventually, get
from tests.peers.find import find
from tests.real.cluster import PROGRAMS, RealCluster
from tests.real.kubelet import Container, Kubectl, token_of
from tests.real.places import Pod
from tests.real.serving import ADDRESS

pytestmark = pytest.mark.real(NETWORK, "kubectl", "unshare", *PROGRAMS)

SPACE, CLIENT = "points", "10.8.0.7"
WEB = f"web.{SPACE}.svc.cluster.local"
RULES = """package dnspolicy

default decision := {"action": "allow", "rule": "test/rest", "reason": "nothing is against it"}

decision := {"action": "block", "rule": "test/secret", "reason": "nobody's"} if {
	input.query.name == "secret.SPACE.svc.cluster.local"
}
""".replace("SPACE", SPACE)
(COMMANDS,) = re.findall(r"^   ```sh\n(.*?)^   ```$", (DEPLOY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
_NUMBERS = count()


@pytest.fixture(scope="module")
def cluster(real_cluster: RealCluster) -> Iterator[RealCluster]:
    for item in (namespace(SPACE), service(SPACE, "web", "10.96.2.21"), pod(SPACE, "asker", CLIENT)):
        real_cluster.control.put(item)
    yield real_cluster
    real_cluster.control.empty(SPACE)


@pytest.fixture
def kubectl(cluster: RealCluster, tmp_path: Path) -> Iterator[Kubectl]:
    command = Kubectl(tmp_path, cluster)
    yield command
    for folder in ("pdp", "pdp-sidecar"):
        command("delete", "--wait=false", "--ignore-not-found", "-k", str(DEPLOY / folder))


def certify(kubectl: Kubectl, folder: Path) -> None:
    """What the page says about certificates, as it stands there."""
    command = find("kubectl")
    assert command is not None
    env = os.environ | {"KUBECONFIG": str(kubectl.config), "PATH": f"{command.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-ec", COMMANDS], cwd=folder, env=env, check=True, capture_output=True)


def applied(kubectl: Kubectl, folder: str) -> str:
    """With strict validation: no field is unknown and no value out of bounds."""
    return kubectl("apply", "--validate=strict", "--server-side", "--force-conflicts", "-k", str(DEPLOY / folder))


def patient(container: Container) -> Container:
    """With time to decide, as this machine may be busy."""
    corefile = (container.place.etc / "coredns" / "Corefile").read_text()
    container.place.mount("coredns", {"Corefile": corefile.replace("policy {", "policy {\n        timeout 2s")})
    return container


def judging(container: Container) -> Container:
    """With the rules of this test."""
    container.place.mount("dnspolicy/policies", {"policy.rego": RULES})
    return patient(container)


class Deployed:
    """Two decision points and a server, each in a pod."""

    def __init__(self, kubectl: Kubectl, cluster: RealCluster, folder: Path, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.points: dict[str, Server] = {}
        self.addresses = {x: kubectl.get("service", f"dnspolicy-pdp-{x}")["spec"]["clusterIP"] for x in "ab"}
        self._containers = {
            x: judging(Container(kubectl, Pod(folder / x, cluster, ""), f"dnspolicy-pdp-{x}", "pdp")) for x in "ab"
        }
        place = Pod(folder / "server", cluster, token_of(cluster, "dnspolicy"))
        self._server = patient(Container(kubectl, place, "dnspolicy", "dnspolicy"))

    def start_point(self, x: str) -> None:
        """In a cluster its address is the pod's, and that of its Service leads there."""
        address = self.addresses[x]
        instead = {"[::]:9191": f"{address}:9191", "--http=:": f"--http={address}:"}
        self.points[x] = point = self._containers[x].start(instead)
        self._stack.callback(point.kill)
        point.await_line("decision point on")
        assert get(f"http://{address}:9192/ready") == get(f"http://{address}:9192/health") == (200, "OK")

    @property
    def variables(self) -> dict[str, str]:
        """What the kubelet tells of Services."""
        return {f"DNSPOLICY_PDP_{x.upper()}_SERVICE_HOST": address for x, address in self.addresses.items()}

    def start_server(self) -> Server:
        server = self._server.start(env=self.variables)
        self._stack.callback(server.kill)
        await_ready()
        return server

    def check(self) -> subprocess.CompletedProcess[str]:
        place = self._server.place
        words = [*place.within, COMMAND, "check", "--conf", "/etc/coredns/Corefile"]
        env = os.environ | place.environment | self.variables
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False)

    def renew(self) -> None:
        """Secrets, as the kubelet writes them anew."""
        self._server.mount()
        patient(self._server)
        for container in self._containers.values():
            container.mount()
            judging(container)

    def measured(self, metric: str, x: str) -> float:
        name = f'{metric}{{target="{self.addresses[x]}:9191"}} '
        lines = get(f"http://{ADDRESS}:9153/metrics")[1].splitlines()
        return next((float(line.removeprefix(name)) for line in lines if line.startswith(name)), 0.0)


@pytest.fixture
def deployed(kubectl: Kubectl, cluster: RealCluster, tmp_path: Path) -> Iterator[Deployed]:
    certify(kubectl, tmp_path)
    applied(kubectl, "pdp")
    with contextlib.ExitStack() as stack:
        found = Deployed(kubectl, cluster, tmp_path, stack)
        for x in "ab":
            found.start_point(x)
        found.start_server()
        eventually(lambda: all(found.measured("dnspolicy_grpc_up", x) for x in "ab"))
        yield found


def await_ready() -> None:
    def code() -> int:
        try:
            return get(f"http://{ADDRESS}:8181/ready")[0]
        except OSError:
            return 0

    eventually(lambda: code() == 200)


def rcode(name: str) -> int:
    return int(ask((ADDRESS, 53), name, source=CLIENT).rcode())


def unheard() -> str:
    """A name that nobody asked for, so that it must be decided."""
    return f"n{next(_NUMBERS)}.{SPACE}.svc.cluster.local"


def test_two_points_are_taken_by_the_api_server(kubectl: Kubectl) -> None:
    told = applied(kubectl, "pdp")
    for made in ("networkpolicy.networking.k8s.io/dnspolicy-pdp", "poddisruptionbudget.policy/dnspolicy-pdp"):
        assert f"{made} serverside-applied" in told
    selected = [kubectl.get("service", f"dnspolicy-pdp-{x}")["spec"]["selector"] for x in "ab"]
    pods = [kubectl.get("deployment", f"dnspolicy-pdp-{x}")["spec"]["template"]["metadata"]["labels"] for x in "ab"]
    fits = [[selector.items() <= labels.items() for labels in pods] for selector in selected]
    assert fits == [[True, False], [False, True]]


def test_nothing_else_is_another_when_it_is_a_sidecar(kubectl: Kubectl) -> None:
    applied(kubectl, "kubernetes")
    before = kubectl.get("deployment", "dnspolicy")["spec"]["template"]["spec"]
    applied(kubectl, "pdp-sidecar")
    after = kubectl.get("deployment", "dnspolicy")["spec"]["template"]["spec"]
    assert [one["name"] for one in after.pop("initContainers")] == ["pdp"]
    after["volumes"] = [one for one in after["volumes"] if one["name"] not in ("pdp", "pdp-config")]
    mounts = after["containers"][0]["volumeMounts"]
    after["containers"][0]["volumeMounts"] = [one for one in mounts if one["name"] != "pdp"]
    assert after == before


def test_check_finds_nothing_wrong(deployed: Deployed) -> None:
    done = deployed.check()
    assert (done.returncode, done.stderr) == (0, "")


def test_the_second_decides_when_the_first_is_gone(deployed: Deployed) -> None:
    assert answers(ask((ADDRESS, 53), WEB, source=CLIENT)) == ["10.96.2.21"]
    assert rcode(f"secret.{SPACE}.svc.cluster.local") == 3
    before = deployed.measured("dnspolicy_grpc_questions_total", "b")
    assert deployed.points["a"].terminate() == 0
    assert rcode(unheard()) == 3
    assert deployed.measured("dnspolicy_grpc_questions_total", "b") > before
    deployed.start_point("a")
    eventually(lambda: deployed.measured("dnspolicy_grpc_up", "a"))


def test_without_any_the_failure_table_decides(deployed: Deployed) -> None:
    assert rcode(WEB) == 0
    for point in deployed.points.values():
        point.kill()
    eventually(lambda: not any(deployed.measured("dnspolicy_grpc_up", x) for x in "ab"))
    assert rcode(WEB) == 0
    assert rcode(unheard()) == 2
    assert rcode("www.example.org") == 2


def test_nobody_without_a_certificate_may_ask(deployed: Deployed, tmp_path: Path) -> None:
    credentials = grpc.ssl_channel_credentials((tmp_path / "ca.crt").read_bytes())
    named = (("grpc.ssl_target_name_override", "dnspolicy-pdp"),)
    target = f"{deployed.addresses['a']}:9191"
    with grpc.secure_channel(target, credentials, named) as channel:
        ask = channel.unary_unary("/dnspolicy.v1.PolicyService/GetInfo")
        with pytest.raises(grpc.RpcError) as problem:
            ask(b"", timeout=20.0)
    assert problem.value.code() is grpc.StatusCode.UNAVAILABLE


def test_certificates_of_another_authority_are_taken_up(
    deployed: Deployed, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = {x: deployed.measured("dnspolicy_grpc_connects_total", x) for x in "ab"}
    certify(kubectl, tmp_path_factory.mktemp("new"))
    deployed.renew()
    for x in "ab":
        eventually(lambda x=x: deployed.measured("dnspolicy_grpc_connects_total", x) > before[x])
        assert rcode(unheard()) == 3
    eventually(lambda: all(deployed.measured("dnspolicy_grpc_up", x) for x in "ab"))


def test_the_sidecar_decides(kubectl: Kubectl, cluster: RealCluster, tmp_path: Path) -> None:
    applied(kubectl, "pdp-sidecar")
    here, beside = Pod(tmp_path / "server", cluster, token_of(cluster, "dnspolicy")), Pod(tmp_path / "pdp", cluster, "")
    socket = tmp_path / "pdp" / "run" / "pdp"
    socket.mkdir()
    (tmp_path / "server" / "run" / "pdp").symlink_to(socket)  # an emptyDir that both see
    point = judging(Container(kubectl, beside, "dnspolicy", "pdp"))
    server = patient(Container(kubectl, here, "dnspolicy", "dnspolicy"))
    with contextlib.ExitStack() as stack:
        started = point.start({"--http=:": f"--http={ADDRESS}:"})
        stack.callback(started.kill)
        started.await_line("decision point on")
        stack.callback(server.start().kill)
        await_ready()
        assert answers(ask((ADDRESS, 53), WEB, source=CLIENT)) == ["10.96.2.21"]
        assert rcode(f"secret.{SPACE}.svc.cluster.local") == 3
        assert "dnspolicy_pdp_decisions_total{" in get(f"http://{ADDRESS}:9192/metrics")[1]
