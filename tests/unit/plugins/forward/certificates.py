"""Certificates for upstreams, made by openssl in a folder of the test's."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import msgspec

NAME = "dns.lab.test"


class Certificate(msgspec.Struct, frozen=True):
    """One that signs itself."""

    cert: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert, self.key)
        return context


def make(folder: Path, stem: str, *names: str) -> Certificate:
    """A certificate for these names, as openssl writes them: `DNS:a.test`, `IP:127.0.0.1`."""
    made = Certificate(folder / f"{stem}.pem", folder / f"{stem}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", made.key, "-out", made.cert, "-days", "2", "-subj", f"/CN={stem}",
         "-addext", f"subjectAltName={','.join(names)}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return made
