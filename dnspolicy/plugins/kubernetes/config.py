"""What the `kubernetes` directive says."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Zone
from dnspolicy.plugins.kubernetes.selector import Selector, parse_selector

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
    """`kubernetes [ZONES…] { … }`. `ttl` in seconds; `fallthrough` is None when absent, empty for all names."""

    zones: Annotated[tuple[Zone, ...], Positional] = ()
    manifests: str | None = None
    endpoint: Words = ()
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
        if self.manifests is not None and self.endpoint:
            raise ValueError("manifests and endpoint are two sources of the same cluster; give one of them")
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

    def no_source(self) -> str | None:
        """The complaint when the directive names no source of the cluster; None when it names one."""
        if self.manifests is not None or self.endpoint:
            return None
        return "no source of the cluster; expected `manifests DIR` or `endpoint URL`"
