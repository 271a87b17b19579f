"""What a Corefile as a whole is refused for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.cli.main import main

AUTOPATH = {
    "no kubernetes": ("", ["autopath: no search lists are known to 'kubernetes' here"]),
    "kubernetes without its cluster": ("kubernetes cluster.local {\nkubeconfig none\n}", ["none: no such file"]),
}


@pytest.mark.parametrize(("beside", "complaints"), list(AUTOPATH.values()), ids=list(AUTOPATH))
def test_one_mistake_is_one_complaint(
    beside: str, complaints: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Corefile"
    path.write_text(f".:53 {{\n{beside}\nautopath @kubernetes\n}}\n")
    assert main(["check", "--conf", str(path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(complaints)
    assert all(complaint in line for complaint, line in zip(complaints, said, strict=True))
