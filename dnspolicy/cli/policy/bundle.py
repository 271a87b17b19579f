"""`dnspolicy policy bundle`: make a bundle that this server and OPA load, or look into one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.bundle import (
    Algorithm,
    Bundle,
    BundleError,
    BundleFile,
    Contents,
    Limits,
    Manifest,
    Signer,
    Trust,
    build,
    open_bundle,
    signing_key,
    verification_key,
)
from dnspolicy.bundle.package import package_of
from dnspolicy.corefile.regular import read_regular
from dnspolicy.engines.rego import ENTRYPOINT, load
from dnspolicy.engines.rego import Limits as PolicyLimits
from dnspolicy.engines.rego.errors import refuse
from dnspolicy.engines.rego.opening import read_yaml
from dnspolicy.engines.rego.sources import Sources, read
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.model.printable import printable

REFUSED = 1
_MAX_KEY = 1 << 20
_ALGORITHMS = [a.value for a in Algorithm]
_DATA_ONLY = "no *.rego file"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bundle",
        help="make a bundle, or look into one",
        description="Put folders of policies and data into one archive that this server and OPA load: the same bytes "
        "for the same content. Policies are checked when they have the entrypoint. Exit code 1 when something is "
        "refused.",
    )
    parser.add_argument("folders", nargs="*", metavar="DIR", help="folder with policies and data")
    parser.add_argument("-o", "--output", default="bundle.tar.gz", metavar="FILE", help="default: %(default)s")
    parser.add_argument("-r", "--revision", default="", metavar="TEXT", help="what the bundle calls itself")
    parser.add_argument(
        "--root", action="append", metavar="PATH", help="part of data it owns, `a/b`; may be repeated (default: all)"
    )
    parser.add_argument("--tests", action="store_true", help="include *_test.rego")
    parser.add_argument("-e", "--entrypoint", metavar="RULE", help=f"what the server asks for (default: {ENTRYPOINT})")
    parser.add_argument("--signing-key", metavar="FILE", help="private key in PEM, or a secret")
    parser.add_argument("--signing-alg", choices=_ALGORITHMS, metavar="ALG", help="default: RS256, or the curve's")
    parser.add_argument("--keyid", default="", metavar="ID", help="name of the key, written into the signature")
    parser.add_argument("--scope", default="", metavar="TEXT", help="what the signature is for, or must be for")
    parser.add_argument("--inspect", metavar="FILE", help="list what is in a bundle")
    parser.add_argument("--verification-key", metavar="FILE", help="with --inspect: check the signature with this key")
    parser.add_argument("--verification-alg", choices=_ALGORITHMS, metavar="ALG", help="default: by the kind of key")
    parser.add_argument("-f", "--format", choices=("pretty", "json"), default="pretty", help="default: %(default)s")
    return parser


def run(args: argparse.Namespace) -> int:
    """0, or 1 when something is refused."""
    if bool(args.folders) == bool(args.inspect):
        print("give folders to put into a bundle, or --inspect FILE", file=sys.stderr)
        return REFUSED
    try:
        return _inspect(args) if args.inspect else _make(args)
    except PolicyLoadError as problem:
        print(problem, file=sys.stderr)
        return REFUSED


def _make(args: argparse.Namespace) -> int:
    folders = [Path(folder) for folder in args.folders]
    sources, complaints = read(folders, PolicyLimits(), args.tests)
    if complaints := [c for c in complaints if c.what != _DATA_ONLY]:
        raise refuse(complaints)
    _check(folders, sources, args.entrypoint)
    data = msgspec.json.encode(msgspec.json.decode(sources.data), order="deterministic")
    manifest = Manifest(args.revision, tuple(args.root) if args.root else None, rego_version=1)
    archive = build(Contents(data, _policies(folders, sources), manifest), _signer(args))
    made = _opened(args.output, archive, args)
    try:
        Path(args.output).write_bytes(archive)
    except OSError as problem:
        raise BundleError(f"{args.output} cannot be written: {problem.strerror}") from None
    signed = f", signed with {made.signed}" if made.signed else ""
    print(f"{args.output}: {len(sources.policies)} policies, {len(data)} bytes of data{signed}")
    return 0


def _check(folders: Sequence[Path], sources: Sources, entrypoint: str | None) -> None:
    """The checks of the server, for what it would ask. Raises PolicyLoadError."""
    wanted = tuple((entrypoint or ENTRYPOINT).split(".")[1:-1])
    if entrypoint or any(package_of(source.text) == wanted for source in sources.policies):
        load(folders, entrypoint or ENTRYPOINT)


def _policies(folders: Sequence[Path], sources: Sources) -> tuple[BundleFile, ...]:
    """By their paths below their folder, which stands in front when there are several."""
    found = []
    for source in sources.policies:
        path = Path(source.file)
        folder = next(folder for folder in folders if path.is_relative_to(folder))
        place = path.relative_to(folder).as_posix() if path != folder else path.name
        front = f"{folder.resolve().name}/" if len(folders) > 1 and path != folder else ""
        found.append(BundleFile(front + place, source.text.encode()))
    return tuple(found)


def _signer(args: argparse.Namespace) -> Signer | None:
    if not args.signing_key:
        return None
    algorithm = Algorithm(args.signing_alg) if args.signing_alg else None
    key, agreed = signing_key(args.signing_key, _raw(args.signing_key, _MAX_KEY), algorithm)
    return Signer(key, agreed, args.keyid, args.scope)


def _opened(name: str, archive: bytes, args: argparse.Namespace) -> Bundle:
    """What was made, read again: whatever would be refused later is refused now."""
    if not args.signing_key:
        return open_bundle(name, archive, read_yaml=read_yaml)
    signer = _signer(args)
    assert signer is not None
    public = signer.public()
    key = verification_key(args.signing_key, public, signer.algorithm, args.keyid)
    return open_bundle(name, archive, read_yaml=read_yaml, trust=Trust((key,), "", args.scope))


def _inspect(args: argparse.Namespace) -> int:
    raw = _raw(args.inspect, Limits().packed)
    trust = Trust(unchecked=True)
    if args.verification_key:
        algorithm = Algorithm(args.verification_alg) if args.verification_alg else None
        key = verification_key(args.verification_key, _raw(args.verification_key, _MAX_KEY), algorithm)
        trust = Trust((key,), "", args.scope)
    bundle = open_bundle(args.inspect, raw, read_yaml=read_yaml, trust=trust)
    rows = [_row(file) for file in bundle.files]
    if args.format == "json":
        manifest = msgspec.to_builtins(bundle.manifest)
        print(json.dumps({"manifest": manifest, "signed": bundle.signed, "files": rows}, indent=2))
        return 0
    print(f"revision  {printable(bundle.manifest.revision) or '-'}")
    print(f"roots     {', '.join(printable(root) or '(all)' for root in bundle.manifest.owned)}")
    print(f"signed    {bundle.signed or 'no'}")
    for row in rows:
        print(f"{row['size']:>9}  {row['file']}  {row.get('package', '')}".rstrip())
    return 0


def _row(file: BundleFile) -> dict[str, Any]:
    row: dict[str, Any] = {"file": file.path, "size": len(file.raw)}
    if file.path.endswith(".rego"):
        row["package"] = printable(".".join(package_of(file.raw.decode(errors="replace")) or ("?",)))
    return row


def _raw(path: str, most: int) -> bytes:
    try:
        return read_regular(Path(path), most).raw
    except (OSError, ValueError) as problem:
        raise BundleError(f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
