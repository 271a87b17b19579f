"""Folders of policies, written for one test."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from dnspolicy.engines.rego import Loaded, load
from dnspolicy.model.errors import PolicyLoadError

ALLOW = '{"action": "allow", "rule": "r", "reason": "why"}'
_PACKAGE = re.compile(r"^package ", re.MULTILINE)


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files; a *.rego file without a package gets `dnspolicy`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        body = textwrap.dedent(text).lstrip("\n")
        head = "package dnspolicy\n" if name.endswith(".rego") and not _PACKAGE.search(body) else ""
        path.write_text(head + body)
    return folder


def loaded(folder: Path, rego: str, **files: str) -> Loaded:
    """Load one policy without a process of its own: 30 ms instead of 300."""
    return load([write(folder, {"policy.rego": rego, **files})], isolated=False)


def complaints(folder: Path, rego: str, **files: str) -> str:
    """What is said of a policy that is refused; empty when it is not."""
    try:
        loaded(folder, rego, **files)
    except PolicyLoadError as problem:
        return str(problem)
    return ""
