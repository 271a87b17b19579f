"""`python -m dnspolicy.policy.schema FOLDER` writes the JSON Schemas of input and decision."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from dnspolicy.policy.input import schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def files() -> dict[str, str]:
    """Name and text of every schema file."""
    return {
        f"{name}.json": json.dumps({"$schema": DIALECT, **_clean(document)}, indent=2, ensure_ascii=False) + "\n"
        for name, document in schema().items()
    }


def _clean(value: Any) -> Any:
    """The same with descriptions as paragraphs: a docstring brings its indentation along."""
    if isinstance(value, dict):
        return {
            k: inspect.cleandoc(v) if k == "description" and isinstance(v, str) else _clean(v) for k, v in value.items()
        }
    return [_clean(v) for v in value] if isinstance(value, list) else value


def main(folder: Path) -> None:
    """Write the files into `folder`, which must be there."""
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m dnspolicy.policy.schema FOLDER")
    main(Path(sys.argv[1]))
