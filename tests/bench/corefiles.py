"""Corefiles for both servers that read them: kubeadm's, and shorter ones for what kubeadm's cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench import cluster
from tests.bench.servers import free_port

IDLE = (
    "acl idle.example {\n        block net 192.0.2.0/24\n    }",
    "rewrite name idle.example other.example",
    "minimal",
    "header {\n        response clear ra\n    }",
    'template IN A idle.example {\n        answer "{{ .Name }} 60 IN A 192.0.2.1"\n    }',
    "hosts {\n        192.0.2.2 idle.example\n        fallthrough\n    }",
)
"""Directives that have nothing to do with the names that are asked."""


def kubeadm(port: int, upstream: int, source: str, *, pods: str = "insecure", more: Sequence[str] = ()) -> str:
    """The Corefile of kubeadm, at other addresses and without `lameduck`, which would only delay the end of the run.

    `source` says where the cluster comes from. Without an upstream nothing is forwarded.
    """
    forward = (f"forward . 127.0.0.1:{upstream} {{\n        max_concurrent 1000\n    }}", "loop") if upstream else ()
    directives = (
        "bind 127.0.0.1",
        "errors",
        f"health 127.0.0.1:{free_port()}",
        f"ready 127.0.0.1:{free_port()}",
        f"kubernetes {cluster.ZONE} in-addr.arpa ip6.arpa {{\n        {source}\n        pods {pods}\n"
        "        fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }",
        "prometheus 127.0.0.1:0",
        f"cache 30 {{\n        disable success {cluster.ZONE}\n        disable denial {cluster.ZONE}\n    }}",
        *forward,
        "reload",
        "loadbalance",
        *more,
    )
    return _block(port, directives)


def own(folder: Path) -> tuple[str, ...]:
    """What dnspolicy does beside: policy and audit."""
    return (
        f"policy {{\n        rego {folder / 'policy'}\n    }}",
        f"audit {{\n        file {folder / 'audit.jsonl'}\n    }}",
    )


def hits(port: int, hosts: Path) -> str:
    """CoreDNS with the cluster's names in a cache."""
    source = f"hosts {hosts} {cluster.ZONE} {{\n        ttl 5\n    }}"
    return _block(port, ("bind 127.0.0.1", "errors", "prometheus 127.0.0.1:0", "cache", source))


def _block(port: int, directives: Sequence[str]) -> str:
    return f".:{port} {{\n" + "".join(f"    {one}\n" for one in directives) + "}\n"
