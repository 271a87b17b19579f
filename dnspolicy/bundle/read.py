"""A bundle, read and checked."""

from __future__ import annotations

from typing import Any

import msgspec

from dnspolicy.bundle import manifest as manifests
from dnspolicy.bundle import signature
from dnspolicy.bundle.digest import ReadYaml
from dnspolicy.bundle.errors import BundleError
from dnspolicy.bundle.gunzip import gunzip
from dnspolicy.bundle.keys import NOBODY, Trust
from dnspolicy.bundle.limits import USUAL, Limits
from dnspolicy.bundle.manifest import Manifest
from dnspolicy.bundle.package import package_of
from dnspolicy.bundle.tar import Entry, entries

BundleFile = Entry
DATA = ("data.json", "data.yaml", "data.yml")
_BUILD_REGO = "build it with `opa build -t rego`"
_NOT_HERE = {
    "patch.json": ("a delta bundle, which only a server that has the former one could use", "serve whole bundles"),
    "policy.wasm": ("policies in WebAssembly, which is not run here", _BUILD_REGO),
    "plan.json": ("policies as a plan, which is not run here", _BUILD_REGO),
    "plan.pb": ("policies as a plan, which is not run here", _BUILD_REGO),
    ".manifest.pb": ("a manifest in another form than JSON", _BUILD_REGO),
}


class Bundle(msgspec.Struct, frozen=True):
    """`files` are policies and data, sorted; `others` is how many more there were, which mean nothing here.

    `signed` says with which key the signature was checked, or is empty.
    """

    name: str
    manifest: Manifest
    files: tuple[BundleFile, ...]
    signed: str = ""
    others: int = 0


def open_bundle(name: str, raw: bytes, *, read_yaml: ReadYaml, trust: Trust = NOBODY, limits: Limits = USUAL) -> Bundle:
    """Unpack a bundle and check its paths, its signature and that it stays within its roots.

    Tests (`*_test.rego`) are left out. Work for a second and more when it is large. Raises BundleError with the name.
    """
    try:
        return _opened(name, raw, read_yaml, trust, limits)
    except BundleError as problem:
        raise problem.of(name) from None


def _opened(name: str, raw: bytes, read_yaml: ReadYaml, trust: Trust, limits: Limits) -> Bundle:
    found = entries(gunzip(raw, limits), limits)
    for file in found:
        _check_name(file.path)
    signatures = next((file.raw for file in found if file.path == signature.FILE), None)
    vouched = [file for file in found if file.path != signature.FILE]
    signed = signature.verify(vouched, signatures, trust, read_yaml)
    written = next((file.raw for file in vouched if file.path == manifests.FILE), None)
    manifest = manifests.parse(written) if written is not None else Manifest()
    files = [file for file in vouched if _is_policy(file.path) or _is_data(file.path)]
    for file in files:
        _check_roots(file, manifest.owned, read_yaml)
    kept = sorted((f for f in files if not f.path.endswith("_test.rego")), key=lambda file: file.path)
    others = len(vouched) - len(files) - (written is not None)
    return Bundle(name, manifest, tuple(kept), signed, others)


def _is_policy(path: str) -> bool:
    return path.endswith(".rego")


def _is_data(path: str) -> bool:
    return path.rpartition("/")[2] in DATA


def _check_name(path: str) -> None:
    """Refuse what OPA would read otherwise than we do."""
    last = path.rpartition("/")[2]
    for name, (what, remedy) in _NOT_HERE.items():
        if last == name or (name == ".manifest.pb" and last.endswith(name)):
            raise BundleError(what, path, remedy)
    for own in (manifests.FILE, signature.FILE):
        if path.endswith(own.removeprefix(".") if own == signature.FILE else own) and path != own:
            raise BundleError(f"in another place than /{own}", path)
    hidden = any(part.startswith(".") for part in path.split("/"))
    if hidden and (_is_policy(path) or _is_data(path)):
        raise BundleError("policies and data with a name that begins with a dot", path)


def _check_roots(file: Entry, roots: tuple[str, ...], read_yaml: ReadYaml) -> None:
    shown = ", ".join(repr(root) for root in roots) or "none"
    if _is_policy(file.path):
        if roots == ("",):
            return
        package = package_of(_text(file))
        if package is None:
            raise BundleError("its package cannot be made out", file.path, "begin with a plain `package a.b`")
        if not manifests.within(package, roots):
            raise BundleError(f"package {'.'.join(package)} lies outside of the roots {shown}", file.path)
        return
    path = tuple(file.path.split("/")[:-1])
    outside = None if manifests.within(path, roots) else _outside(path, _data(file, read_yaml), roots)
    if outside is not None:
        raise BundleError(f"data.{'.'.join(outside)} lies outside of the roots {shown}", file.path)


def _outside(path: tuple[str, ...], value: Any, roots: tuple[str, ...]) -> tuple[str, ...] | None:
    """A place at or below `path` that no root covers."""
    if manifests.within(path, roots):
        return None
    if not isinstance(value, dict) or not manifests.above(path, roots):
        return path
    found = (_outside((*path, str(key)), below, roots) for key, below in value.items())
    return next((place for place in found if place is not None), None)


def _data(file: Entry, read_yaml: ReadYaml) -> Any:
    if not file.path.endswith(".json"):
        return read_yaml(file.raw)
    try:
        return msgspec.json.decode(file.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BundleError(f"not JSON: {problem}", file.path) from None


def _text(file: Entry) -> str:
    try:
        return file.raw.decode()
    except UnicodeDecodeError:
        raise BundleError("not UTF-8", file.path) from None
