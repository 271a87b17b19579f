"""The `data` option of a policy: documents that come from elsewhere and change by themselves."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Size
from dnspolicy.corefile.selector import parse_selector
from dnspolicy.policy.settings.web import WORDS, TlsWords, WebWords, check_url, without_secrets

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
_RESOURCE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?\Z")


class DataKind(StrEnum):
    """Where a document comes from."""

    FILE = "file"
    HTTP = "http"
    CONFIGMAP = "configmap"
    KUBERNETES = "kubernetes"
    PROMETHEUS = "prometheus"


class DataFormat(StrEnum):
    """How a document is written. `names`: one a line. `hosts`: lines of an address and names. `rpz`: a zone file."""

    JSON = "json"
    YAML = "yaml"
    NAMES = "names"
    HOSTS = "hosts"
    RPZ = "rpz"


_SUFFIXES = {
    ".json": DataFormat.JSON,
    ".yaml": DataFormat.YAML,
    ".yml": DataFormat.YAML,
    ".txt": DataFormat.NAMES,
    ".names": DataFormat.NAMES,
    ".hosts": DataFormat.HOSTS,
    ".rpz": DataFormat.RPZ,
    ".zone": DataFormat.RPZ,
}
_EVERY = {
    DataKind.FILE: 1.0,
    DataKind.HTTP: 60.0,
    DataKind.CONFIGMAP: 1.0,
    DataKind.KUBERNETES: 1.0,
    DataKind.PROMETHEUS: 15.0,
}
_OBJECTS = frozenset((DataKind.CONFIGMAP, DataKind.KUBERNETES))
_WEB = frozenset((DataKind.HTTP, DataKind.PROMETHEUS))
_ONLY: dict[str, frozenset[DataKind]] = {
    "as_": frozenset((DataKind.FILE, DataKind.HTTP)),
    "keep": frozenset((DataKind.HTTP,)),
    "wait": frozenset((DataKind.HTTP,)),
    "timeout": _WEB,
    "token_file": _WEB,
    "ca": _WEB,
    "certificate": _WEB,
    "selector": frozenset((DataKind.KUBERNETES,)),
    "poll": frozenset((DataKind.KUBERNETES,)),
    "query": frozenset((DataKind.PROMETHEUS,)),
    "by": frozenset((DataKind.PROMETHEUS,)),
}
"""Options that only some kinds have."""


class DataLine(WebWords, frozen=True, kw_only=True):
    """`data PATH KIND WORDS… { … }`. Times in seconds, `size` in bytes.

    `every` is how often a file is looked at and a web server asked, and the least time between two changes that objects
    make. What was last confirmed longer than `max_age` ago is taken away. Without a `required` document nothing is
    decided. `poll`: how often objects are listed that cannot be watched.
    """

    path: Annotated[str, Positional, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
    kind: Annotated[DataKind, Positional]
    words: Annotated[tuple[str, ...], Positional, msgspec.Meta(min_length=1)]
    as_: DataFormat | None = None
    every: Annotated[Duration | None, msgspec.Meta(ge=0.1, le=86_400)] = None
    max_age: Annotated[Duration | None, msgspec.Meta(ge=0.1)] = None
    size: Annotated[Size, msgspec.Meta(ge=1, le=1 << 30)] = Size(64 << 20)
    required: bool = False
    selector: str = ""
    poll: Annotated[Duration, msgspec.Meta(ge=0.1, le=86_400)] = Duration(15.0)
    query: str = ""
    by: WORDS = ()

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(self):
            kinds = _ONLY.get(field.name)
            if kinds is not None and self.kind not in kinds and getattr(self, field.name) != field.default:
                raise ValueError(f"{field.name.rstrip('_')} is not for data of kind {self.kind.value}")
        TlsWords.__post_init__(self)
        if self.kind is not DataKind.KUBERNETES and len(self.words) != 1:
            raise ValueError(f"{self.kind.value} takes one word, not {len(self.words)}; see '{self.words[1]}'")
        if self.kind in _WEB:
            check_url(self.place)
        if self.kind in _OBJECTS:
            self._check_objects()
        elif self.kind is DataKind.PROMETHEUS and not self.query:
            raise ValueError("data of kind prometheus lacks its query")
        elif self.kind is not DataKind.PROMETHEUS and self._format is None:
            raise ValueError(f"'{self.place}': say how it is written with `as {'|'.join(DataFormat)}`")

    @property
    def steps(self) -> tuple[str, ...]:
        """Where it lies below `data`."""
        return tuple(self.path.split("."))

    @property
    def place(self) -> str:
        """The file, the URL, the object or the resource."""
        return self.words[0]

    @property
    def shown(self) -> str:
        """The same without what may be secret in a URL."""
        return without_secrets(self.place) if self.kind in _WEB else self.place

    @property
    def of_cluster(self) -> bool:
        """Whether it comes from the cluster."""
        return self.kind in _OBJECTS

    @property
    def period(self) -> float:
        """`every`, or what is usual for the kind."""
        return float(self.every) if self.every is not None else _EVERY[self.kind]

    @property
    def format(self) -> DataFormat:
        found = self._format
        assert found is not None
        return found

    @property
    def _format(self) -> DataFormat | None:
        path = urlsplit(self.place).path if self.kind is DataKind.HTTP else self.place
        return self.as_ or _SUFFIXES.get(PurePosixPath(path).suffix.lower())

    def _check_objects(self) -> None:
        if self.kind is DataKind.CONFIGMAP:
            space, slash, name = self.place.partition("/")
            if not slash or not _NAME.match(space) or not _NAME.match(name):
                raise ValueError(f"'{self.place}' is not NAMESPACE/NAME")
            return
        if not _RESOURCE.match(self.place):
            raise ValueError(f"'{self.place}' is no resource, such as pods or roles.rbac.authorization.k8s.io")
        parse_selector(self.selector)


def check_lines(lines: tuple[DataLine, ...]) -> None:
    """Raises ValueError when two documents would lie in each other."""
    for number, line in enumerate(lines):
        for other in lines[:number]:
            short = min(len(line.steps), len(other.steps))
            if line.steps[:short] == other.steps[:short]:
                raise ValueError(f"data '{line.path}' and data {other.path} lie in each other")
