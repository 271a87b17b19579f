"""Reads configuration and credentials of clusters with the `kubernetes` package; the only part that imports it.

`python -m dnspolicy.cluster.apiserver.connection` is a program of its own: the package takes 40 MB that a server should
not hold for the sake of some lines of text. It reads a request as JSON from standard input and writes credentials.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.cluster.apiserver.credentials import Credentials, Request
from dnspolicy.cluster.apiserver.options import Connect


def main() -> int:
    """0 with credentials on standard output, 1 with the complaint on standard error."""
    from kubernetes.config import ConfigException  # here, so that reading this module costs nothing

    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    try:
        request = Request.read(sys.stdin.buffer.read())
        found = _in_cluster(request.connect) if request.connect.kubeconfig is None else _kubeconfig(request)
    except (ConfigException, OSError, ValueError, TypeError, AttributeError, KeyError) as problem:
        print(str(problem) or type(problem).__name__, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


def _in_cluster(connect: Connect) -> Credentials:
    from kubernetes.client import Configuration
    from kubernetes.config.incluster_config import InClusterConfigLoader

    token, ca = connect.service_account / "token", connect.service_account / "ca.crt"
    configuration, make = Configuration(), _untyped(InClusterConfigLoader)
    make(token_filename=str(token), cert_filename=str(ca)).load_and_set(configuration)
    return Credentials(host=configuration.host, token_file=str(token), ca=ca.read_text(), files=(str(ca),))


def _kubeconfig(request: Request) -> Credentials:
    import yaml
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader

    path = request.connect.kubeconfig
    assert path is not None
    try:
        document = yaml.safe_load(path.read_text())
    except yaml.YAMLError as problem:
        raise ValueError(f"no YAML: {problem}") from None
    loader = _untyped(KubeConfigLoader)(document, request.connect.context or None, config_base_path=str(path.parent))
    configuration = Configuration()
    if request.authenticate:
        loader.load_and_set(configuration)
    else:
        loader._load_cluster_info()  # all but the credential plugins, which may ask people
        loader._set_config(configuration)
    return _credentials(loader, configuration, path)


def _credentials(loader: Any, configuration: Any, path: Path) -> Credentials:
    from kubernetes.config import kube_config

    user = loader._user.value if loader._user is not None else {}
    if not getattr(loader, "host", ""):
        raise ValueError("the cluster of the context has no server")
    if getattr(loader, "proxy", None):
        raise ValueError("proxy-url is not supported")
    expires = getattr(loader, "expiry", None)
    token_file = user.get("tokenFile") if "token" not in user else None
    made = set(kube_config._temp_files.values())
    named = [configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file]
    return Credentials(
        host=configuration.host,
        authorization=getattr(loader, "token", ""),
        token_file=str(path.parent / token_file) if token_file else "",
        ca=_read(configuration.ssl_ca_cert),
        certificate=_read(configuration.cert_file),
        key=_read(configuration.key_file),
        verify=bool(configuration.verify_ssl),
        server_name=getattr(loader, "tls_server_name", "") or "",
        expires=expires.timestamp() if isinstance(expires, datetime) else None,
        files=(str(path), *(name for name in named if name and name not in made)),
        plugin="exec" in user,
    )


def _untyped(value: Any) -> Any:
    return value


def _read(path: str | None) -> str:
    return Path(path).read_text() if path else ""


if __name__ == "__main__":
    sys.exit(main())
