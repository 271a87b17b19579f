"""What a source of the API server is told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dnspolicy.cluster.objects import Kind

TURN = 0.002
"""Seconds for which objects are read before others on the event loop have their turn."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """Which API server, as whom: a kubeconfig file, else an endpoint, else the pod's own service account.

    `context` empty means the current one. `certificate`, `key` and `ca` go with `endpoint`. `service_account` is the
    folder with `token` and `ca.crt`.
    """

    kubeconfig: Path | None = None
    context: str = ""
    endpoint: str = ""
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    service_account: Path = SERVICE_ACCOUNT

    def __str__(self) -> str:
        if self.kubeconfig is not None:
            return f"kubeconfig {self.kubeconfig}" + (f" context {self.context}" if self.context else "")
        return f"endpoint {self.endpoint}" if self.endpoint else "in-cluster"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How hard the API server may be asked; 0 is no limit. `qps` requests a second, `burst` of them at once."""

    qps: float = 0.0
    burst: int = 0
    max_inflight: int = 0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Equal options are the same source. Of `kinds`, those in `optional` may be forbidden: the index does without."""

    connect: Connect = Connect()
    kinds: tuple[Kind, ...] = tuple(Kind)
    optional: tuple[Kind, ...] = (Kind.NODE,)
    limits: Limits = Limits()
    snapshot: Path | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """All in seconds.

    A watch is asked to end after `watch_least` to `watch_most`; `grace` later it is given up. Once a server has sent a
    bookmark, silence of `quiet` is too long: it sends one a minute. `initial_quiet` is the same for the first part of a
    streamed list, `page` for one page of a list. Pauses after failures double from `pause_first` to `pause_most`; a
    watch that held for `steady` ends them. What is optional and forbidden is tried again after `forbidden`. Tokens are
    read again after `token`. The snapshot is written `settle` after a change, `snapshot_least` apart.
    """

    watch_least: float = 240.0
    watch_most: float = 480.0
    grace: float = 15.0
    quiet: float = 150.0
    initial_quiet: float = 10.0
    page: float = 60.0
    pause_first: float = 0.8
    pause_most: float = 30.0
    steady: float = 5.0
    forbidden: float = 300.0
    token: float = 60.0
    settle: float = 5.0
    snapshot_least: float = 30.0
    snapshot_most: float = 600.0
