"""As whom to speak to the API server, and how to find out."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import msgspec

from dnspolicy.cluster.apiserver.options import Connect
from dnspolicy.corefile.credentials import present
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.printable import printable

LOADING_SECONDS = 60.0
"""For credential plugins, which may have to ask somebody else."""
_MEMORY = "/dev/shm"
_PROGRAM = "dnspolicy.cluster.apiserver.connection"


class Request(msgspec.Struct, frozen=True):
    """What `connection` is asked. Without `authenticate` no credential plugin runs."""

    connect: Connect
    authenticate: bool

    def written(self) -> bytes:
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def read(cls, text: bytes) -> Request:
        return msgspec.json.decode(text, type=cls, dec_hook=lambda kind, value: kind(value))


class Credentials(msgspec.Struct, frozen=True):
    """`authorization` is the whole header. Certificates and keys are PEM text. `expires` is Unix time (seconds).

    When one of `files` changes, all of this may read differently.
    """

    host: str
    authorization: str = ""
    token_file: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True
    server_name: str = ""
    expires: float | None = None
    files: tuple[str, ...] = ()
    plugin: bool = False

    def __repr__(self) -> str:
        return f"Credentials(host={self.host!r})"


def load(connect: Connect, authenticate: bool = True) -> Credentials:
    """Find the credentials; waits for files and programs. Raises ConfigError."""
    if connect.kubeconfig is None and connect.endpoint:
        return _of_endpoint(connect)
    check_files(connect)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _PROGRAM],
            env=_environment(),
            input=Request(connect, authenticate).written(),
            capture_output=True,
            timeout=LOADING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ConfigError(f"{connect}: {printable(str(problem))}") from None
    said = printable(done.stderr.decode(errors="replace").strip())
    if done.returncode != 0:
        raise ConfigError(f"{connect}: {said or 'loading failed'}")
    found = msgspec.json.decode(done.stdout, type=Credentials)
    if authenticate and found.plugin and not (found.authorization or found.certificate):
        raise ConfigError(f"{connect}: the credential plugin gave nothing: {said}")
    return found


class NotInCluster(ConfigError):
    """The pod's own service account is meant, and this is no pod of a cluster."""


def check_files(connect: Connect) -> None:
    """Raise ConfigError when what must be there is not; NotInCluster when that is what only a pod has."""
    if connect.kubeconfig is not None:
        if not connect.kubeconfig.is_file():
            raise ConfigError(f"kubeconfig {connect.kubeconfig}: no such file")
        return
    if connect.endpoint:
        return
    missing = [name for name in ("token", "ca.crt") if not (connect.service_account / name).is_file()]
    if missing or not os.environ.get("KUBERNETES_SERVICE_HOST"):
        what = (
            f"{connect.service_account / missing[0]} is not there" if missing else "KUBERNETES_SERVICE_HOST is not set"
        )
        raise NotInCluster(
            f"no source of the cluster, and this is no pod of it ({what}); "
            "expected `manifests DIR`, `kubeconfig FILE` or `endpoint URL`"
        )


def _of_endpoint(connect: Connect) -> Credentials:
    paths = (connect.ca, connect.certificate, connect.key)
    ca, certificate, key = (_text(path) if path is not None else "" for path in paths)
    files = tuple(str(path) for path in paths if path is not None)
    return Credentials(connect.endpoint.rstrip("/"), ca=ca, certificate=certificate, key=key, files=files)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"tls: {path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from None


def tls_context(credentials: Credentials) -> ssl.SSLContext | None:
    """None for plain HTTP. Raises ConfigError when certificates cannot be used."""
    if not credentials.host.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cadata=credentials.ca or None)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the authorities of many clusters lack what it wants
        if not credentials.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credentials.certificate:
            present(context, credentials.certificate.encode(), credentials.key.encode())
    except (ssl.SSLError, OSError, ValueError) as problem:
        raise ConfigError(f"certificates of {credentials.host}: {problem}") from None
    return context


def _environment() -> dict[str, str]:
    """The package writes keys to temporary files: into memory, where there is such a place."""
    found = dict(os.environ)
    if os.access(_MEMORY, os.W_OK):
        found.setdefault("TMPDIR", _MEMORY)
    return found
