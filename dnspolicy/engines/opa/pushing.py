"""Puts folders of policies and data into an OPA, and takes away what an earlier push put there.

What was pushed is written down where OPA keeps the manifests of its bundles, which makes it say the revision in every
decision (`provenance`). Nothing is owned by that entry: it has a root of its own that holds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.engines.opa.admin import Admin, Refused
from dnspolicy.engines.rego.errors import refuse
from dnspolicy.engines.rego.sources import Limits, Sources, read
from dnspolicy.policy.engine import DataPath

_PACKAGE_STEP = "."


class Wanted(msgspec.Struct, frozen=True):
    """What is to be there. `files` says where a policy lies here; `revision` names all of it."""

    policies: dict[str, str]
    files: dict[str, str]
    data: dict[DataPath, Any]
    revision: str


class Change(msgspec.Struct, frozen=True):
    """One thing that was done: `+` new, `~` changed, `-` gone."""

    sign: str
    what: str


def wanted(folders: Sequence[Path], prefix: str) -> Wanted:
    """What is in the folders, tests left out. Blocks. Raises PolicyLoadError."""
    sources, complaints = read(list(folders), Limits())
    if complaints:
        raise refuse(complaints)
    files = {_name(Path(source.file), folders, prefix): source.file for source in sources.policies}
    texts = {source.file: source.text for source in sources.policies}
    policies = {name: texts[file] for name, file in files.items()}
    return Wanted(policies, files, _data(sources), sources.revision)


def push(admin: Admin, want: Wanted, prefix: str, *, only_show: bool = False) -> list[Change]:
    """Make it so; what was done. Blocks. Raises EngineUnavailable and Refused.

    A policy that does not compile leaves everything as it was before.
    """
    there = {name: text for name, text in admin.policies().items() if name.startswith(f"{prefix}/")}
    known = _known(admin, prefix)
    hashes = {_shown(path): _hash(document) for path, document in want.data.items()}
    put = {name: text for name, text in want.policies.items() if there.get(name) != text}
    gone = sorted(set(there) - set(want.policies))
    data = [path for path in want.data if known.data.get(_shown(path)) != hashes[_shown(path)]]
    lost = sorted(set(known.data) - set(hashes))
    changes = [
        *(Change("~" if name in there else "+", name) for name in put),
        *(Change("-", name) for name in gone),
        *(Change("~" if _shown(path) in known.data else "+", _called(path)) for path in data),
        *(Change("-", _called(_path(shown))) for shown in lost),
    ]
    if only_show or (not changes and known.revision == want.revision):
        return changes
    # Until all is there, no revision is to be believed; but what may be there by then must not be forgotten.
    _write(admin, prefix, "", {**hashes, **known.data, **dict.fromkeys(map(_shown, data), "")})
    try:
        _put_policies(admin, put, gone, there)
    except Refused:
        _write(admin, prefix, known.revision, known.data)
        raise
    for path in data:
        admin.put_data(path, want.data[path])
    for shown in lost:
        admin.delete_data(_path(shown))
    _write(admin, prefix, want.revision, hashes)
    return changes


def _write(admin: Admin, prefix: str, revision: str, hashes: Mapping[str, str]) -> None:
    note = {"revision": revision, "roots": [f"system/{prefix}"], "metadata": {"data": hashes}}
    admin.put_data(("system", "bundles", prefix), {"manifest": note})


class _Metadata(msgspec.Struct, frozen=True):
    data: dict[str, str] = {}


class _Note(msgspec.Struct, frozen=True):
    revision: str = ""
    metadata: _Metadata = _Metadata()

    @property
    def data(self) -> Mapping[str, str]:
        return self.metadata.data


def _known(admin: Admin, prefix: str) -> _Note:
    """What the last push wrote down; nothing when there was none, or OPA forgot."""
    found = admin.data(("system", "bundles", prefix, "manifest"))
    try:
        return msgspec.convert(found or {}, _Note)
    except msgspec.ValidationError:
        return _Note()


def _put_policies(admin: Admin, put: Mapping[str, str], gone: Sequence[str], there: Mapping[str, str]) -> None:
    """One after the other, as often as it helps: OPA compiles all at each step, and one may need another."""
    done: list[str] = []
    try:
        left = [*put.items(), *((name, None) for name in gone)]
        while left:
            refused: list[tuple[str, str | None]] = []
            problem: Refused | None = None
            for name, text in left:
                try:
                    admin.delete_policy(name) if text is None else admin.put_policy(name, text)
                    done.append(name)
                except Refused as failure:
                    problem = problem or failure
                    refused.append((name, text))
            if problem is not None and len(refused) == len(left):
                raise problem
            left = refused
    except Refused:
        _undo(admin, done, there)
        raise


def _undo(admin: Admin, done: Sequence[str], there: Mapping[str, str]) -> None:
    """Put back what was there; in the order that worked, turned round."""
    for name in reversed(done):
        if name in there:
            admin.put_policy(name, there[name])
        else:
            admin.delete_policy(name)


def _name(path: Path, folders: Sequence[Path], prefix: str) -> str:
    """The id of a policy: the prefix, the folder's name, and where it lies in there."""
    for number, folder in enumerate(folders):
        if path == folder:
            return f"{prefix}/{folder.name}"
        if path.is_relative_to(folder):
            name = folder.resolve().name
            again = sum(other.resolve().name == name for other in folders[:number])
            return f"{prefix}/{name}{f'-{again + 1}' if again else ''}/{path.relative_to(folder).as_posix()}"
    return f"{prefix}/{path.name}"


def _data(sources: Sources) -> dict[DataPath, Any]:
    """Documents to be put, each as a whole: below packages one for each key, so that no rule is in the way."""
    packages = {path for source in sources.policies for path in _packages(source.text)}
    return dict(_documents((), msgspec.json.decode(sources.data), packages))


def _documents(path: DataPath, value: Any, packages: set[DataPath]) -> Iterator[tuple[DataPath, Any]]:
    above = not path or any(package[: len(path)] == path for package in packages)
    if above and isinstance(value, dict):
        for key, below in value.items():
            yield from _documents((*path, key), below, packages)
    else:
        yield path, value


def _packages(text: str) -> Iterator[DataPath]:
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0] == "package":
            yield tuple(words[1].split(_PACKAGE_STEP))
            return


def _shown(path: DataPath) -> str:
    """A path as it is written down."""
    return msgspec.json.encode(path).decode()


def _path(shown: str) -> DataPath:
    try:
        return msgspec.json.decode(shown, type=tuple[str, ...])
    except msgspec.MsgspecError:
        raise Refused("what an earlier push wrote down cannot be read") from None


def _called(path: DataPath) -> str:
    """A path for people."""
    return ".".join(("data", *path))


def _hash(document: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest()[:16]
