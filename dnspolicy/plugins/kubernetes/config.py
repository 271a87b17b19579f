"""What the `kubernetes` directive says."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Zone
from dnspolicy.corefile.selector import Selector, parse_selector

_URL = re.compile(r"https?://[^\s/?#]+(/\S*)?\Z")


Words = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class PodMode(StrEnum):
    """Which names of pods are answered."""

    DISABLED = "disabled"
    INSECURE = "insecure"
    VERIFIED = "verified"


class Ignore(StrEnum):
    """What is answered as if it were not there."""

    EMPTY_SERVICE = "empty_service"


class Quirks(StrEnum):
    """Whose answers are given where this server would rather give others."""

    COREDNS = "coredns"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`kubernetes [ZONES…] { … }`. `ttl` in seconds; `fallthrough` is None when absent, empty for all names.

    The cluster is `manifests`, or the API server of `kubeconfig` (file, context), else of `endpoint`, else the one this
    process runs in. `tls` is certificate, key and authority.
    """

    zones: Annotated[tuple[Zone, ...], Positional] = ()
    manifests: str | None = None
    kubeconfig: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=2)] = ()
    endpoint: Words = ()
    tls: Annotated[tuple[str, ...], msgspec.Meta(min_length=3, max_length=3)] = ()
    apiserver_qps: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    apiserver_burst: Annotated[int, msgspec.Meta(ge=0)] = 0
    apiserver_max_inflight: Annotated[int, msgspec.Meta(ge=0)] = 0
    startup_timeout: Duration = Duration(5.0)
    snapshot: str | None = None
    pods: PodMode = PodMode.DISABLED
    namespaces: Words = ()
    namespace_labels: Words = ()
    labels: Words = ()
    endpoint_pod_names: bool = False
    ttl: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 5
    noendpoints: bool = False
    fallthrough: tuple[Zone, ...] | None = None
    ignore: Ignore | None = None
    quirks: Quirks | None = None

    def __post_init__(self) -> None:
        if self.manifests is not None:
            self._only_manifests()
        for url in self.endpoint:
            if not _URL.match(url):
                raise ValueError(f"endpoint {url!r} is no URL; expected http://HOST:PORT or https://HOST:PORT")
        if self.namespaces and self.namespace_labels:
            raise ValueError("namespaces and namespace_labels cannot both be given")
        if self.noendpoints and self.ignore is Ignore.EMPTY_SERVICE:
            raise ValueError("ignore empty_service looks at endpoints; remove it or noendpoints")
        for option, words in (("labels", self.labels), ("namespace_labels", self.namespace_labels)):
            try:
                parse_selector(" ".join(words))
            except ValueError as problem:
                raise ValueError(f"{option}: {problem}") from None

    @property
    def selector(self) -> Selector:
        """Which services, slices and pods are seen."""
        return parse_selector(" ".join(self.labels))

    @property
    def namespace_selector(self) -> Selector:
        """Which namespaces are seen."""
        return parse_selector(" ".join(self.namespace_labels))

    def _only_manifests(self) -> None:
        for option, given in (("kubeconfig", self.kubeconfig), ("endpoint", self.endpoint)):
            if given:
                raise ValueError(f"manifests and {option} are two sources of the same cluster; give one of them")
        if self.snapshot is not None:
            raise ValueError("snapshot keeps what an API server said; manifests are files already")
