"""The policies of the library in a real OPA."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.peers.find import find
from tests.unit.policies.library import Document


def evaluated(folders: Iterable[Path], data: Mapping[str, Any], query: str, scratch: Path) -> Any:
    """The value of a query over policies and data; None when it is undefined."""
    (scratch / "data.json").write_text(json.dumps(data))
    words = [word for path in (scratch / "data.json", *folders) for word in ("-d", str(path))]
    done = subprocess.run(
        [str(find("opa")), "eval", "-f", "json", "--import", "rego.v1", *words, query], capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    return found["result"][0]["expressions"][0]["value"] if found else None


def decisions(
    folders: Iterable[Path], data: Mapping[str, Any], documents: Sequence[Document], scratch: Path
) -> list[Any]:
    """What `opa eval` decides of each document, in one run; None where nothing is decided."""
    query = "{at: v | some at, d in data.asked; v := data.dnspolicy.decision with input as d}"
    found = evaluated(folders, {**data, "asked": documents}, query, scratch)
    return [found.get(str(at)) for at in range(len(documents))]
