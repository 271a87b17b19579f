"""The server in the cluster's place of the DNS server: 10.96.0.10, port 53, with the library's tenants kept apart."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.process import Server, serving
from tests.peers.find import CHECKOUT
from tests.real.cluster import ADMIN, RealCluster, kubeconfig

ADDRESS = "10.96.0.10"
METRICS = "127.0.0.1:9153"
_COREFILE = """
.:53 {{
    bind {address}
    errors
    prometheus {metrics}
    policy {{
        rego {policies}/lib
        rego {policies}/tenant-isolation
        timeout 2s
    }}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods verified
    }}
}}
"""


@contextlib.contextmanager
def dns_server(cluster: RealCluster, folder: Path) -> Iterator[Server]:
    """Running, and ready once the cluster is loaded."""
    config = kubeconfig(folder / "kubeconfig", cluster.url, ADMIN, cluster.authority.certificate)
    corefile = folder / "Corefile"
    policies = CHECKOUT / "policies"
    corefile.write_text(_COREFILE.format(address=ADDRESS, metrics=METRICS, policies=policies, kubeconfig=config))
    with serving(corefile) as server:
        yield server
