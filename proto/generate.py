"""Writes the code that protoc makes of `dnspolicy/v1/policy.proto`: `python proto/generate.py [FOLDER]`.

FOLDER stands in for the root of the repository. Go code is made where `protoc-gen-go` and `protoc-gen-go-grpc` are
found, and for FOLDER left out only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto" / "dnspolicy" / "v1"
PYTHON = "dnspolicy/engines/grpc/pb"
GO = "examples/engines/go/dnspolicyv1"


def main(arguments: list[str]) -> int:
    """The exit code of protoc."""
    out = Path(arguments[0]) if arguments else ROOT
    found: int = protoc.main(
        ["protoc", f"-I{PYTHON}={PROTO}", f"--python_out={out}", f"--pyi_out={out}", f"{PYTHON}/policy.proto"]
    )
    if found or arguments:
        return found
    plugins = [shutil.which(name) for name in ("protoc-gen-go", "protoc-gen-go-grpc")]
    if not all(plugins):
        print("no protoc-gen-go and protoc-gen-go-grpc: Go code stays as it is", file=sys.stderr)
        return 0
    ways = [
        f"--{kind}_{word}" for kind in ("go", "go-grpc") for word in (f"out={ROOT / GO}", "opt=paths=source_relative")
    ]
    return int(protoc.main(["protoc", f"-I{PROTO}", *ways, "policy.proto"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
