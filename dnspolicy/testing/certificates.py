"""Certificates for tests, made by the `openssl` command: one authority, servers and clients it vouches for."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

_NEW = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]


class Authority:
    """Keeps its own and all it makes in a folder, as PEM: `authority.crt`, and NAME.crt and NAME.key.

    Raises FileNotFoundError without `openssl`, CalledProcessError when it cannot.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "authority.crt"
        self._make(
            "authority", "/CN=test authority", ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
        )

    def server(self, name: str, *, ips: tuple[str, ...] = ("127.0.0.1",)) -> tuple[Path, Path]:
        """Certificate and key of a server that is reached as `localhost` and by these addresses."""
        names = ",".join(("DNS:localhost", *(f"IP:{ip}" for ip in ips)))
        return self._make(name, f"/CN={name}", (f"subjectAltName={names}", "extendedKeyUsage=serverAuth"), signed=True)

    def client(self, name: str, group: str = "") -> tuple[Path, Path]:
        """Certificate and key of a client: a user, as Kubernetes sees it, in a group."""
        subject = f"/O={group}/CN={name}" if group else f"/CN={name}"
        return self._make(name, subject, ("extendedKeyUsage=clientAuth",), signed=True)

    def listening(self, name: str) -> ssl.SSLContext:
        """TLS for a server that also takes clients with certificates of this authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.certificate))
        context.verify_mode = ssl.CERT_OPTIONAL
        certificate, key = self.server(name)
        context.load_cert_chain(certificate, key)
        return context

    def _make(self, name: str, subject: str, extensions: tuple[str, ...], *, signed: bool = False) -> tuple[Path, Path]:
        certificate, key = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        words = ["openssl", *_NEW, "-subj", subject, "-keyout", str(key), "-out", str(certificate)]
        for extension in extensions:
            words += ["-addext", extension]
        if signed:
            words += ["-CA", str(self.certificate), "-CAkey", str(self._folder / "authority.key")]
            words += ["-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(words, check=True, capture_output=True)
        return certificate, key
