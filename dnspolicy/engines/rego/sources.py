"""Policies and data as they lie in folders.

`*.rego` are policies (`*_test.rego` only where tests are wanted). `data.json`, `data.yaml` and `data.yml` are data, put
at the path of their folder below the folder given, as `opa run --bundle DIR` does. Entries whose name begins with a dot
are left out, so a mounted ConfigMap is read once.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePosixPath

import msgspec

from dnspolicy.corefile.regular import NotRegular, files_below, read_regular
from dnspolicy.engines.rego.datafile import Merged, parse_data
from dnspolicy.engines.rego.errors import Complaint

DATA_FILES = ("data.json", "data.yaml", "data.yml")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy may cost. Bytes for sizes, seconds of CPU for one rule, wall seconds for the whole check.

    `evaluation_bytes` is for one evaluation, in the server too, where the binding can limit it.
    """

    files: int = 2_000
    policy_bytes: int = 2 * 1024 * 1024
    data_bytes: int = 128 * 1024 * 1024
    lines: int = 20_000
    columns: int = 1_024
    rule_seconds: float = 2.0
    check_seconds: float = 60.0
    check_bytes: int = 2 * 1024 * 1024 * 1024
    evaluation_bytes: int = 64 * 1024 * 1024


class SourceFile(msgspec.Struct, frozen=True):
    """A file of policies or data. `relative` is its place, as below a folder; `file` is how it is named to people."""

    file: str
    relative: str
    raw: bytes


class Source(msgspec.Struct, frozen=True):
    """One Rego file. `file` is how it is named to people."""

    file: str
    text: str


class Sources(msgspec.Struct, frozen=True):
    """All files of one revision. `data` is one JSON object; `revision` the first 12 hex digits of their SHA-256.

    `places`: key of the data → the first file that has something below it.
    """

    policies: tuple[Source, ...]
    data: bytes
    revision: str
    places: Mapping[str, str] = {}


def read(
    folders: Sequence[Path], limits: Limits, tests: bool = False, more: Sequence[SourceFile] = ()
) -> tuple[Sources, list[Complaint]]:
    """Read the folders (or single files) in order, then `more`. What cannot be read is a complaint."""
    complaints: list[Complaint] = []
    policies: list[Source] = []
    merged = Merged()
    digest = hashlib.sha256()
    data_bytes = 0
    for count, each in enumerate(chain(_files(folders, limits, tests, complaints), more)):
        if count >= limits.files:
            complaints.append(Complaint(each.file, 0, 0, f"more than {limits.files} files"))
            break
        raw, path, place = each.raw, Path(each.file), PurePosixPath(each.relative)
        if not _fits(each.file, raw, limits, complaints):
            continue
        digest.update(f"{each.relative}\0{len(raw)}\0".encode() + raw)
        if path.suffix == ".rego":
            policies.append(Source(each.file, _text(each.file, raw, complaints)))
            continue
        data_bytes += len(raw)
        merged.add(each.file, place.parent.parts, parse_data(path, raw, complaints), complaints)
    given = [str(folder) for folder in folders] or ["the bundles"]
    if data_bytes > limits.data_bytes:
        complaints.append(Complaint(given[0], 0, 0, f"more than {limits.data_bytes} bytes of data"))
    if not complaints and not any(not s.file.endswith("_test.rego") for s in policies):
        complaints.append(Complaint(", ".join(given), 0, 0, "no *.rego file", "give a folder with policies"))
    sources = Sources(tuple(policies), merged.encoded(complaints), digest.hexdigest()[:12], merged.places)
    return sources, complaints


def data_files(folders: Sequence[Path]) -> Iterator[int]:
    """The sizes of the data files, in bytes."""
    for _, path in _walk(folders, False, []):
        if path.name in DATA_FILES:
            with suppress(OSError):
                yield path.stat().st_size


def _files(folders: Sequence[Path], limits: Limits, tests: bool, complaints: list[Complaint]) -> Iterator[SourceFile]:
    for relative, path in _walk(folders, tests, complaints):
        raw = _bytes(path, limits, complaints)
        if raw is not None:
            yield SourceFile(str(path), relative.as_posix(), raw)


def _walk(folders: Sequence[Path], tests: bool, complaints: list[Complaint]) -> Iterator[tuple[Path, Path]]:
    """Pairs of (path below the folder given, path), sorted, each real file once."""

    def failed(problem: OSError) -> None:
        complaints.append(_unreadable(problem.filename, problem))

    seen: set[str] = set()
    for folder in folders:
        for relative, path in _entries(folder, failed):
            if not _wanted(path, tests):
                _leads_somewhere(path, failed)
                continue
            real = os.path.realpath(path)  # unlike Path.resolve, it does not raise when links go round in circles
            if real not in seen:
                seen.add(real)
                yield relative, path


def _entries(folder: Path, failed: Callable[[OSError], None]) -> Iterator[tuple[Path, Path]]:
    """All files of a folder, or the one file that was given instead."""
    try:
        single = stat.S_ISREG(folder.stat().st_mode)
    except OSError as problem:
        failed(problem)
        return
    if single:
        yield Path(folder.name), folder
        return
    for path in files_below(folder, failed):
        yield path.relative_to(folder), path


def _leads_somewhere(path: Path, failed: Callable[[OSError], None]) -> None:
    """A link to a folder that is not there any more looks like a file."""
    try:
        if path.is_symlink():
            path.stat()
    except OSError as problem:
        failed(problem)


def _wanted(path: Path, tests: bool) -> bool:
    if path.suffix == ".rego":
        return tests or not path.name.endswith("_test.rego")
    return path.name in DATA_FILES


def _bytes(path: Path, limits: Limits, complaints: list[Complaint]) -> bytes | None:
    limit = limits.policy_bytes if path.suffix == ".rego" else limits.data_bytes
    try:
        return read_regular(path, limit).raw
    except NotRegular as problem:
        complaints.append(Complaint(str(path), 0, 0, str(problem)))
    except OSError as problem:
        complaints.append(_unreadable(path, problem))
    return None


def _unreadable(path: Path | str, problem: OSError) -> Complaint:
    missing = isinstance(problem, FileNotFoundError)
    what = "no such file or folder" if missing else f"cannot be read: {problem.strerror or problem}"
    return Complaint(str(path), 0, 0, what, unchecked=True)


def _fits(file: str, raw: bytes, limits: Limits, complaints: list[Complaint]) -> bool:
    limit = limits.policy_bytes if file.endswith(".rego") else limits.data_bytes
    if len(raw) > limit:
        complaints.append(Complaint(file, 0, 0, f"longer than {limit} bytes", "split it"))
    return len(raw) <= limit


def _text(file: str, raw: bytes, complaints: list[Complaint]) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        complaints.append(Complaint(file, line, 1, "not UTF-8"))
        return ""
