"""Every program that a test or a measurement can need beside this project, with the version that is meant."""

from __future__ import annotations

from enum import StrEnum

import msgspec

KUBERNETES = "v1.34.4"
"""As in `kube/go.mod`. Its etcd, in `etcd/go.mod`, must be able to report the progress of watches."""
STAMP = f"-X k8s.io/component-base/version.gitVersion={KUBERNETES}"
"""Lets programs built from `kube` say their version."""


class How(StrEnum):
    """Where a program comes from.

    A Go module that can be installed by its path; one that cannot, because it replaces others, by way of a module of
    our own in `kube` or `etcd`; a Debian package.
    """

    GO = "go install"
    KUBE = "kube"
    ETCD = "etcd"
    APT = "apt-get install"


class Peer(msgspec.Struct, frozen=True):
    """`origin` is what `how` takes. `says` is what the output of `program *asks` must hold."""

    program: str
    how: How
    origin: str
    asks: tuple[str, ...]
    says: str
    why: str

    @property
    def command(self) -> str:
        """What an operator would type to get it."""
        if self.how in (How.KUBE, How.ETCD):
            return (
                f"go build -C tests/peers/{self.how} -ldflags '{STAMP}' -o $PWD/.peers/bin/{self.program} {self.origin}"
            )
        return f"{self.how} {self.origin}"


PEERS = (
    Peer(
        "opa", How.GO, "github.com/open-policy-agent/opa@v1.20.2", ("version",), "Version: 1.20.2", "policies, judged"
    ),
    Peer("coredns", How.GO, "github.com/coredns/coredns@v1.15.0", ("-version",), "CoreDNS-1.15.0", "answers, compared"),
    Peer("etcd", How.ETCD, "go.etcd.io/etcd/server/v3", ("--version",), "etcd Version: 3.6.5", "clusters' objects"),
    Peer("kube-apiserver", How.KUBE, "k8s.io/kubernetes/cmd/kube-apiserver", ("--version",), KUBERNETES, "clusters"),
    Peer(
        "kubectl", How.KUBE, "k8s.io/kubernetes/cmd/kubectl", ("version", "--client"), KUBERNETES, "manifests, applied"
    ),
    Peer("unbound", How.APT, "unbound", ("-V",), "Version 1.", "measured beside"),
    Peer("knotd", How.APT, "knot", ("-V",), "Knot DNS", "measured beside, zone transfers"),
    Peer("go", How.APT, "golang-go", ("version",), "go version go1.", "a decision point, built from its source"),
    Peer("dnsperf", How.APT, "dnsperf", ("-h",), "dnsperf", "load"),
    Peer("dig", How.APT, "bind9-dnsutils", ("-v",), "DiG 9.", "questions"),
    Peer("openssl", How.APT, "openssl", ("version",), "OpenSSL 3.", "certificates and keys of test clusters"),
    Peer("unshare", How.APT, "util-linux", ("--version",), "util-linux", "network namespaces"),
    Peer("ip", How.APT, "iproute2", ("-V",), "iproute2", "addresses in them"),
)
BY_PROGRAM = {peer.program: peer for peer in PEERS}
