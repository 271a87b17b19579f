from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from corefile_help import body, complaints_of, keys, load_text


def test_snippet_with_arguments(tmp_path: Path) -> None:
    text = "(up) {\n errors\n forward {args[0]} {args.1} x{args[0]}y\n}\n. {\n import up . 192.0.2.1\n}\n"
    corefile = load_text(tmp_path, text)
    assert body(corefile) == [["errors"], ["forward", ".", "192.0.2.1", "x.y"]]
    words = corefile.blocks[0].directives[1].words
    assert [(word.at.line, word.at.column) for word in words] == [(6, 12), (6, 14), (3, 29)]


def test_snippet_may_follow_its_use(tmp_path: Path) -> None:
    assert body(load_text(tmp_path, ". {\n import up\n}\n(up) {\n errors\n}\n")) == [["errors"]]


def test_snippet_within_a_directive(tmp_path: Path) -> None:
    text = "(opts) {\n ttl 5\n}\n. {\n kubernetes a.test {\n  pods verified\n  import opts\n }\n ready\n}\n"
    assert body(load_text(tmp_path, text)) == [
        ["kubernetes", "a.test", [["pods", "verified"], ["ttl", "5"]]],
        ["ready"],
    ]


def test_snippet_in_snippet_passes_arguments_on(tmp_path: Path) -> None:
    text = "(a) {\n log {args[0]}\n}\n(b) {\n import a {args[0]}.test\n}\n. {\n import b x\n}\n"
    assert body(load_text(tmp_path, text)) == [["log", "x.test"]]


def test_snippet_of_server_blocks(tmp_path: Path) -> None:
    text = "(zones) {\n {args[0]} {\n  errors\n }\n}\nimport zones a.test\nimport zones b.test\n"
    assert keys(load_text(tmp_path, text)) == [["dns://a.test.:53"], ["dns://b.test.:53"]]


def test_files_by_name_and_pattern(tmp_path: Path) -> None:
    conf = tmp_path / "conf.d"
    conf.mkdir()
    (conf / "b.server").write_text("b.test {\n import ../common\n}\n")
    (conf / "a.server").write_text("a.test {\n}\n")
    (conf / ".hidden.server").write_text("nonsense }")
    (conf / "folder.server").mkdir()
    (tmp_path / "common").write_text("errors\n")
    corefile = load_text(tmp_path, "import conf.d/*.server\n")
    assert keys(corefile) == [["dns://a.test.:53"], ["dns://b.test.:53"]]
    assert body(corefile, 1) == [["errors"]]
    assert [path.name for path in corefile.files] == ["Corefile", "a.server", "b.server", "common"]


def test_a_pattern_may_match_nothing(tmp_path: Path) -> None:
    assert body(load_text(tmp_path, ". {\n import custom/*.override\n errors\n}\n")) == [["errors"]]


@pytest.mark.parametrize("pattern", ["conf.d/*.server", "*/*.server"])
def test_a_folder_of_a_pattern_that_cannot_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    (tmp_path / "conf.d").mkdir()
    scandir = os.scandir

    def refuses(path: str | int | os.PathLike[str]) -> Any:  # as if who asks were not root
        if not isinstance(path, int) and Path(path).name == "conf.d":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuses)
    (line,) = complaints_of(tmp_path, f"import {pattern}\n. {{\n errors\n}}\n")
    assert line.startswith("Corefile:1:8: cannot list ")
    assert line.endswith('conf.d": Permission denied')


def test_a_file_brings_its_snippets(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("(x) {\n errors\n}\n")
    assert body(load_text(tmp_path, "import lib\n. {\n import x\n}\n")) == [["errors"]]


def test_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("errors\n")
    assert body(load_text(tmp_path, f". {{\n import {tmp_path}/lib\n}}\n")) == [["errors"]]


def test_complaint_in_an_imported_file_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("\n log {$NOPE}\n")
    assert complaints_of(tmp_path, ". {\n import lib\n}\n") == [
        'lib:2:6: environment variable "NOPE" is not set; expected it to be set, even if empty'
    ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("{$UP}", "192.0.2.1", id="dollar"),
        pytest.param("{%UP%}", "192.0.2.1", id="percent"),
        pytest.param("{$UP}:{%PORT%}", "192.0.2.1:53", id="within a word"),
        pytest.param('"{$UP} x"', "192.0.2.1 x", id="in quotes"),
        pytest.param("{$TWO}", "a b", id="value with a blank stays one word"),
        pytest.param("{$NESTED}", "{$UP}", id="value is not looked at again"),
        pytest.param("x{$EMPTY}", "x", id="empty"),
        pytest.param("{up}", "{up}", id="other braces"),
    ],
)
def test_environment(tmp_path: Path, word: str, expected: str) -> None:
    environ = {"UP": "192.0.2.1", "PORT": "53", "TWO": "a b", "NESTED": "{$UP}", "EMPTY": ""}
    assert body(load_text(tmp_path, f". {{\n forward {word}\n}}\n", environ)) == [["forward", expected]]


def test_environment_in_keys_and_imports(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("errors\n")
    corefile = load_text(
        tmp_path, "{$ZONE}:{$PORT} {\n import {$LIB}\n}\n", {"ZONE": "a.test", "PORT": "54", "LIB": "lib"}
    )
    assert keys(corefile) == [["dns://a.test.:54"]]
    assert body(corefile) == [["errors"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            ". {\n log {$HOSTNAM}\n}\n",
            'Corefile:2:6: environment variable "HOSTNAM" is not set; expected it to be set, even if empty; '
            'did you mean "HOSTNAME"?',
            id="variable not set",
        ),
        pytest.param(
            "(common) {\n}\n. {\n import comon\n}\n",
            'Corefile:4:9: no snippet and no file is called "comon"; expected a snippet, a file or a pattern; '
            'did you mean "common"?',
            id="no such snippet",
        ),
        pytest.param(
            ". {\n import\n}\n",
            "Corefile:2:2: import cannot be read; expected import NAME|FILE [ARGUMENT…]",
            id="no name",
        ),
        pytest.param(
            ". {\n import x {\n a\n }\n}\n",
            "Corefile:2:2: import cannot be read; expected import NAME|FILE [ARGUMENT…]",
            id="import with a block",
        ),
        pytest.param(
            "(a) {\n}\n(a) {\n}\n. {\n}\n",
            'Corefile:3:1: snippet "(a)" is defined twice; first at Corefile:1:1',
            id="defined twice",
        ),
        pytest.param(
            "(a) {\n import b\n}\n(b) {\n import a\n}\n. {\n import a\n}\n",
            'Corefile:5:9: import of "a" goes in a circle: (a) → (b) → (a)',
            id="snippets in a circle",
        ),
        pytest.param(
            "(a) {\n log {args[1]}\n}\n. {\n import a x\n}\n",
            "Corefile:2:6: there is no argument {args[1]}; expected an import with more than 1",
            id="argument missing",
        ),
        pytest.param(
            ". {\n log {args[0]}\n}\n",
            "Corefile:2:6: there is no argument {args[0]}; expected an import with more than 0",
            id="argument outside of an import",
        ),
    ],
)
def test_complaints(tmp_path: Path, text: str, expected: str) -> None:
    assert complaints_of(tmp_path, text, {"HOSTNAME": "x"}) == [expected]


def test_import_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    assert complaints_of(tmp_path, ". {\n import lib\n}\n") == ['Corefile:2:9: "lib" is not a regular file']


def test_a_file_that_imports_itself(tmp_path: Path) -> None:
    (line,) = complaints_of(tmp_path, ". {\n}\nimport ./Corefile\n")
    assert line.startswith('Corefile:3:8: import of "./Corefile" goes in a circle: ')


def test_imports_that_grow_without_end_are_stopped(tmp_path: Path) -> None:
    levels = "".join(f"(s{n}) {{\n" + f" import s{n + 1}\n" * 10 + "}\n" for n in range(9))
    text = levels + "(s9) {\n a b c d e f\n}\n. {\n import s0\n}\n"
    (line,) = complaints_of(tmp_path, text)
    assert line.endswith("imports grow to more than 1000000 words")


def test_words_that_grow_without_end_are_stopped(tmp_path: Path) -> None:
    double = "{args[0]}" * 100
    levels = "".join(f"(s{n}) {{\n import s{n + 1} {double}\n}}\n" for n in range(9))
    (line,) = complaints_of(tmp_path, levels + "(s9) {\n}\n. {\n import s0 xxxxxxxx\n}\n")
    assert "a word is too long" in line


def test_long_chains_of_imports_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"(s{n}) {{\n import s{n + 1}\n}}\n" for n in range(400))
    (line,) = complaints_of(tmp_path, levels + "(s400) {\n}\n. {\n import s0\n}\n")
    assert line.endswith("imports are nested more than 16 deep")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.part").write_text("")
    lines = complaints_of(tmp_path, ". {\n import *.part\n}\n")
    assert lines == ["Corefile:2:9: more than 256 files"]
