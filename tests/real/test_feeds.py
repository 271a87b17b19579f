"""Objects of a real API server as data of a policy: what the account may not read is not there, until it may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import NETWORK
from tests.contract.clusters import LIMITED, namespace, pod, service
from tests.deploy.test_manifests import DEPLOY
from tests.e2e.process import Server, eventually, get
from tests.real.cluster import PROGRAMS, RealCluster, kubeconfig
from tests.real.pods import Question, ask
from tests.real.serving import ADDRESS

pytestmark = pytest.mark.real(NETWORK, *PROGRAMS)

SPACE, CLIENT = "feeds", "10.7.0.1"
NAME = f"web.{SPACE}.svc.cluster.local"
RESOURCES = ("namespaces", "nodes", "pods", "services", "endpointslices")
ROLES = "data roles is not there"
PATH = "/apis/rbac.authorization.k8s.io/v1"
COREFILE = """
.:53 {{
    bind {address}
    ready {address}:8181
    policy {{
        rego {rules}
        timeout 2s
        data roles kubernetes roles.rbac.authorization.k8s.io rules {{
            required
        }}
        data site configmap kube-system/dns-data
    }}
    kubernetes cluster.local {{
        kubeconfig {kubeconfig}
    }}
}}
"""
RULES = f"""package dnspolicy

default decision := {{"action": "block", "rule": "test/none", "reason": "nothing says so"}}

decision := {{"action": "allow", "rule": "test/both", "reason": "a role and a list say so"}} if {{
	data.roles["{SPACE}"].reader.rules[_].verbs[_] == "get"
	data.site["names.json"][input.query.name]
}}
"""


@pytest.fixture
def cluster(real_cluster: RealCluster) -> Iterator[RealCluster]:
    control = real_cluster.control
    control.put(namespace(SPACE))
    control.put(pod(SPACE, "asker", CLIENT))
    control.put(service(SPACE, "web", "10.96.7.1"))
    real_cluster.grant(LIMITED, *RESOURCES)
    yield real_cluster
    for kind in ("clusterrole", "clusterrolebinding"):
        control.call("DELETE", f"{PATH}/{kind}s/system:dnspolicy-rbac")
    for kind in ("role", "rolebinding"):
        control.call("DELETE", f"{PATH}/namespaces/kube-system/{kind}s/dnspolicy-data")
    control.call("DELETE", "/api/v1/namespaces/kube-system/configmaps/dns-data")
    control.call("DELETE", f"{PATH}/namespaces/{SPACE}/roles/reader")
    control.empty(SPACE)


def grant(cluster: RealCluster, name: str) -> None:
    """What `deploy/feeds` gives under a name, to the user of the test."""
    for item in yaml.safe_load_all((DEPLOY / "feeds" / "rbac.yaml").read_text()):
        if item["metadata"]["name"] != name:
            continue
        if "subjects" in item:
            item["subjects"] = [{"kind": "User", "name": LIMITED, "apiGroup": "rbac.authorization.k8s.io"}]
        space = item["metadata"].get("namespace")
        place = f"/namespaces/{space}" if space else ""
        code, said = cluster.control.call("POST", f"{PATH}{place}/{item['kind'].lower()}s", item)
        assert code == 201, said


def objects(cluster: RealCluster) -> None:
    """A role, and a ConfigMap with a list of names."""
    rules = [{"apiGroups": [""], "resources": ["services"], "verbs": ["get"]}]
    data = {"names.json": json.dumps({NAME: True})}
    for path, body in (
        (f"{PATH}/namespaces/{SPACE}/roles", {"metadata": {"name": "reader"}, "rules": rules}),
        ("/api/v1/namespaces/kube-system/configmaps", {"metadata": {"name": "dns-data"}, "data": data}),
    ):
        code, said = cluster.control.call("POST", path, body)
        assert code == 201, said


def readiness() -> tuple[int, str]:
    try:
        return get(f"http://{ADDRESS}:8181/ready")
    except OSError:
        return 0, ""


def seen() -> str:
    return ask(ADDRESS, Question(CLIENT, NAME)).code


def test_what_may_not_be_read_is_not_there_until_it_may(cluster: RealCluster, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rule.rego").write_text(RULES)
    config = kubeconfig(tmp_path / "kubeconfig", cluster.url, LIMITED, cluster.authority.certificate)
    corefile = tmp_path / "Corefile"
    corefile.write_text(COREFILE.format(address=ADDRESS, rules=tmp_path / "rules", kubeconfig=config))
    objects(cluster)
    server = Server("--conf", str(corefile))
    try:
        assert 'resource "roles"' in server.await_line("data roles from roles.rbac.authorization.k8s.io: forbidden")
        assert 'resource "configmaps"' in server.await_line("data site from kube-system/dns-data: forbidden")
        eventually(lambda: readiness()[0] == 503 and ROLES in readiness()[1])
        assert seen() == "SERVFAIL"
        grant(cluster, "system:dnspolicy-rbac")
        eventually(lambda: readiness()[0] == 200)
        assert seen() == "NXDOMAIN"
        grant(cluster, "dnspolicy-data")
        eventually(lambda: seen() == "NOERROR")
    finally:
        server.kill()
