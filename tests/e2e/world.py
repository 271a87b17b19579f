"""A small cluster, a policy and a Corefile in a folder."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.e2e.process import free_port, own_ip
from tests.scenarios.cluster import manifests, merged

POLICY = """package dnspolicy

decision := {"action": "block", "rule": "test/other", "reason": "another namespace"} if {
	input.target.namespace
	input.client.namespace != input.target.namespace
} else := {"action": "block", "rule": "test/nobody", "reason": "no pod asks"} if {
	input.target.namespace
	not input.client.namespace
} else := {"action": "rewrite", "name": "web.acorn.svc.cluster.local", "rule": "test/rename", "reason": "renamed"} if {
	input.query.name == "web.internal.example"
} else := {"action": "allow", "rule": "test/rest", "reason": "the rest"}
"""
CLUSTER = {
    "namespaces": {"acorn": {"team": "a"}, "birch": {}},
    "pods": {"acorn/web-0": {"ip": "127.10.1.1", "labels": {"app": "web"}}, "birch/api-0": "127.20.1.1"},
    "services": {"acorn/web": "10.96.1.10", "birch/db": "10.96.2.20"},
}
WEB, API = "127.10.1.1", "127.20.1.1"
COREFILE = """
.:{port} {{
    bind {ip}
    errors
    policy {{
        rego policy
        timeout 5s
        reload 100ms
    }}
    {audit}
    kubernetes cluster.local in-addr.arpa {{
        manifests cluster
        pods verified
    }}
    hosts {{
        203.0.113.10 www.shop.example
        fallthrough
    }}
    {more}
}}
"""
AUDIT = "audit {\n file audit.jsonl\n fold 0\n level full\n }"


class World:
    """`server` is where the Corefile listens."""

    def __init__(self, folder: Path, *, audit: str = AUDIT, more: str = "") -> None:
        self.folder = folder
        ip = own_ip()
        self.server = (ip, free_port(ip))
        for name in ("policy", "cluster"):
            (folder / name).mkdir()
        self.write("policy/policy.rego", POLICY)
        self.change({})
        self.corefile = folder / "Corefile"
        self.corefile.write_text(COREFILE.format(ip=ip, port=self.server[1], audit=audit, more=more))
        self.audit = folder / "audit.jsonl"

    def write(self, path: str, text: str) -> None:
        """Replace a file in one go."""
        new = self.folder / ".new"
        new.write_text(text)
        new.rename(self.folder / path)

    def change(self, change: dict[str, dict[str, object]]) -> None:
        """The cluster with a change."""
        cluster = merged(merged({}, CLUSTER), change)
        self.write("cluster/cluster.yaml", yaml.safe_dump_all(manifests(cluster)))
