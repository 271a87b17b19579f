from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.plugins.bufsize import Config


def bound(words: str, tmp_path: Path) -> tuple[Config | None, str]:
    path = tmp_path / "Corefile"
    path.write_text(f". {{\n bufsize {words}\n}}\n")
    complaints = Complaints()
    return bind(load(path, {}).blocks[0].directives[0], Config, complaints), str(complaints)


@pytest.mark.parametrize(("words", "size"), [("", 1232), ("512", 512), ("700", 700), ("4096", 4096)])
def test_sizes(words: str, size: int, tmp_path: Path) -> None:
    made, complaints = bound(words, tmp_path)
    assert made is not None, complaints
    assert made.size == size


@pytest.mark.parametrize("words", ["511", "4097", "-1", "1k", "big"])
def test_sizes_that_cannot_be(words: str, tmp_path: Path) -> None:
    made, complaints = bound(words, tmp_path)
    assert made is None
    assert f'"{words}" is not right for size; expected a whole number from 512 to 4096' in complaints


def test_one_word_only(tmp_path: Path) -> None:
    made, complaints = bound("512 600", tmp_path)
    assert made is None
    assert '"600" is one word too many' in complaints
