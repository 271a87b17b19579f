"""The linter finds nothing in the library, neither in one policy with `lib` nor in all of them together."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.cli.main import main
from tests.unit.policies.library import POLICIES

LIBRARY = sorted({path.parent for path in POLICIES.glob("*/*.rego")})


@pytest.mark.parametrize(
    "folders", [*([POLICIES / "lib", one] for one in LIBRARY), LIBRARY], ids=[*(one.name for one in LIBRARY), "all"]
)
def test_nothing_is_found(folders: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["policy", "lint", "--strict", *map(str, dict.fromkeys(folders))])
    assert (code, capsys.readouterr().out) == (0, "nothing found\n")
