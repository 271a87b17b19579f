"""Loading: files and data, and policies that would hold or crash the process that checks them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dnspolicy.corefile.regular import fingerprint
from dnspolicy.engines.rego import Limits, load
from dnspolicy.engines.rego.sources import Sources, read
from dnspolicy.model.errors import PolicyLoadError
from tests.unit.engines.rego_folders import ALLOW, write

pytestmark = pytest.mark.usefixtures("binding")
DECIDES = f"decision := {ALLOW}\n"


def merges(times: int) -> str:
    """A mapping of merges of merges, each eight times the one inside it."""
    text = "&a0 {x: 1}"
    for depth in range(1, times):
        text = f"&a{depth} {{<<: [{text}{f', *a{depth - 1}' * 8}]}}"
    return f"top: {text}\n"


MERGES = merges(20)


def sources(*folders: Path, limits: Limits | None = None) -> Sources:
    found, complaints = read(folders, limits or Limits())
    assert [str(c) for c in complaints] == []
    return found


def data(folder: Path) -> object:
    return msgspec.json.decode(sources(folder).data)


def refused(*folders: Path, limits: Limits | None = None) -> str:
    with pytest.raises(PolicyLoadError) as problem:
        load(folders, limits=limits or Limits())
    return str(problem.value)


def test_data_lies_at_the_path_of_its_folder(tmp_path: Path) -> None:
    files = {
        "p.rego": DECIDES,
        "data.json": '{"a": {"x": 1}}',
        "a/data.yaml": "y: 2\n",
        "a/b/data.yml": "z: [1, text, null]\n",
        "a/other.json": '{"not": "read"}',
        "a/p_test.rego": "test_x := 1",
    }
    assert data(write(tmp_path, files)) == {"a": {"x": 1, "y": 2, "b": {"z": [1, "text", None]}}}
    assert [Path(s.file).name for s in sources(tmp_path).policies] == ["p.rego"]


def test_yaml_is_read_as_json_would_be(tmp_path: Path) -> None:
    write(tmp_path, {"p.rego": DECIDES, "data.yaml": "day: 2026-01-01\n1: one\ntrue: yes\n"})
    assert data(tmp_path) == {"day": "2026-01-01", "1": "one", "true": True}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"data.json": "{"}, "data.json:1:2: ", id="broken JSON"),
        pytest.param({"data.json": '{\n "a": x}'}, "data.json:2:7: ", id="place in JSON"),
        pytest.param({"data.json": "[1]"}, "data.json:1:1: data must be an object", id="array"),
        pytest.param({"data.yaml": "a: [1"}, "data.yaml:2:1: ", id="broken YAML"),
        pytest.param({"data.yaml": "[" * 100_000}, "data.yaml:1:1: nested deeper", id="YAML brackets"),
        pytest.param({"data.yaml": "- " * 100_000}, "data.yaml:1:1: nested deeper", id="YAML dashes"),
        pytest.param({"data.yaml": "a: [1, .nan]"}, "data.yaml:1:1: nan is no number", id="not a number"),
        pytest.param({"data.yaml": "a: !!bool x"}, "a value does not fit its tag", id="YAML value and tag"),
        pytest.param({"data.yaml": MERGES}, "`<<` merges too much", id="YAML merges of merges"),
        pytest.param({"data.yaml": "a: 1\na: 2\n"}, "data.yaml:2:1: key 'a' stands twice", id="key twice"),
        pytest.param({"data.yaml": "a: !!python/object:os.system x\n"}, "data.yaml:1:4: ", id="YAML tag"),
        pytest.param({"data.json": '{"a":' * 200 + "1" + "}" * 200}, "nested deeper than 100", id="deep"),
        pytest.param({"data.json": '{"a": 1}', "data.yaml": "a: 2"}, "data.a has another value", id="conflict"),
        pytest.param(
            {"data.json": '{"a": 1}', "a/data.json": '{"b": 2}'}, "data.a has another value", id="value in the way"
        ),
    ],
)
def test_bad_data_is_named(tmp_path: Path, files: dict[str, str], says: str) -> None:
    assert says in refused(write(tmp_path, {"p.rego": DECIDES, **files}))


def test_a_yaml_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    write(tmp_path, {"p.rego": DECIDES, "data.yaml": "\n".join(lines)})
    assert "more than 5000000 values" in refused(tmp_path)


def test_files_that_cannot_be_used_are_named_all_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"p.rego": DECIDES, "data.json": "{"})
    (tmp_path / "latin.rego").write_bytes(b"package a\n# \xe4\n")
    (tmp_path / "long.rego").write_text("package a\n" + "#" * 5_000)
    found = refused(tmp_path, tmp_path / "nowhere", limits=Limits(policy_bytes=4_000))
    assert "latin.rego:2:1: not UTF-8" in found
    assert "long.rego: longer than 4000 bytes" in found
    assert "nowhere: no such file or folder" in found
    assert "data.json:1:2" in found


def test_a_folder_without_policies(tmp_path: Path) -> None:
    assert "no *.rego file" in refused(write(tmp_path, {"x_test.rego": "test_x := 1"}))


def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "..2026_01_01", {"p.rego": DECIDES, "data.json": '{"a": 1}'})
    (tmp_path / "..data").symlink_to("..2026_01_01")
    for name in ("p.rego", "data.json"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    assert len(sources(tmp_path).policies) == 1
    assert data(tmp_path) == {"a": 1}


def test_links_that_lead_to_themselves_are_complaints(tmp_path: Path) -> None:
    write(tmp_path, {"p.rego": DECIDES})
    (tmp_path / "loop.rego").symlink_to("loop.rego")
    assert "loop.rego: cannot be read: Too many levels of symbolic links" in refused(tmp_path)


def test_folders_that_lead_into_themselves_end(tmp_path: Path) -> None:
    write(tmp_path, {"p.rego": DECIDES})
    (tmp_path / "loop").symlink_to(tmp_path)
    assert len(sources(tmp_path, tmp_path / "loop").policies) == 1


def unlisted(monkeypatch: pytest.MonkeyPatch, folder: Path, error: int) -> None:
    """Let nobody list a folder, as if who asks were not root."""
    scandir = os.scandir

    def refuses(path: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
        if Path(path) == folder:
            raise OSError(error, os.strerror(error), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuses)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(errno.EACCES, "cannot be read: Permission denied", id="locked"),
        pytest.param(errno.ENOENT, "no such file or folder", id="gone meanwhile"),
    ],
)
@pytest.mark.parametrize("below", ["", "shop", "shop/web"], ids=["itself", "subfolder", "deeper"])
def test_a_folder_that_cannot_be_listed_is_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, error: int, says: str
) -> None:
    write(tmp_path, {"p.rego": DECIDES, "shop/q.rego": "q := 1\n", "shop/web/data.json": "{}"})
    unlisted(monkeypatch, tmp_path / below, error)
    assert f"{tmp_path / below}: {says}" in refused(tmp_path)


def test_a_link_to_a_folder_that_is_not_there_is_a_complaint(tmp_path: Path) -> None:
    write(tmp_path, {"p.rego": DECIDES})
    (tmp_path / "shop").symlink_to(tmp_path / "gone")
    assert refused(tmp_path) == f"{tmp_path}/shop: no such file or folder"


def test_a_folder_below_one_that_is_locked_is_a_complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = write(tmp_path, {"shop/p.rego": DECIDES}) / "shop"
    stat = os.stat

    def refuses(path: str | os.PathLike[str], **options: object) -> os.stat_result:
        if Path(path) == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refuses)
    assert refused(locked) == f"{locked}: cannot be read: Permission denied"
    assert fingerprint((locked,)) == frozenset()


def test_the_revision_follows_names_and_bytes(tmp_path: Path) -> None:
    one = sources(write(tmp_path / "one", {"p.rego": DECIDES, "data.json": "{}"}))
    same = sources(write(tmp_path / "same", {"p.rego": DECIDES, "data.json": "{}"}))
    named = sources(write(tmp_path / "named", {"q.rego": DECIDES, "data.json": "{}"}))
    other = sources(write(tmp_path / "other", {"p.rego": DECIDES, "data.json": '{"a": 1}'}))
    assert one.revision == same.revision
    assert len({one.revision, named.revision, other.revision}) == 3
    assert len(one.revision) == 12


@pytest.mark.parametrize(
    ("rego", "says"),
    [
        pytest.param(
            "slow if {\n r := numbers.range(1, 5000)\n some x in r\n some y in r\n x + y == 1\n}\n" + DECIDES,
            "evaluation of rule data.dnspolicy.slow took longer than 0.3 s",
            id="rule that takes long",
        ),
        pytest.param("x := " + "[" * 60 + "\n", "reading the file ", id="parser that hangs"),
        pytest.param(
            "big := {s | r := numbers.range(1, 3000); some x in r; some y in r; s := [x, y]}\n" + DECIDES,
            "evaluation of rule data.dnspolicy.big ",
            id="memory or time",
        ),
    ],
)
def test_a_policy_that_would_hold_the_server_is_refused_by_name(tmp_path: Path, rego: str, says: str) -> None:
    found = refused(write(tmp_path, {"p.rego": rego}), limits=Limits(rule_seconds=0.3, check_bytes=400 << 20))
    assert found.startswith(f"{tmp_path}/p.rego: {says}")


def test_the_check_says_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"p.rego": 'decision := {"action": "allow"} if input.client.namespace == data.n\n', "data.json": '{"n": "a"}'},
    )
    assert load([tmp_path]) == load([tmp_path], isolated=False)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('refused.site := "no limit" if not data.site.limit', "{folder}/data.json: no limit"),
        ('refused.other := "not there" if not data.other', "data other: not there"),
        ("refused.site := 1", "data data.dnspolicy.refused: it is to hold texts, by keys of the data"),
        ('refused contains "text"', "data data.dnspolicy.refused: it is to hold texts, by keys of the data"),
        ('refused.site := "a limit" if data.site.limit > 1', None),
    ],
    ids=["by its file", "of no file", "no text", "no keys", "nothing"],
)
def test_a_policy_may_refuse_its_data(tmp_path: Path, rule: str, says: str | None) -> None:
    write(tmp_path, {"p.rego": f"{DECIDES}\n{rule}\n", "data.json": '{"site": {"limit": false}}'})
    if says is None:
        load((tmp_path,))
    else:
        assert refused(tmp_path) == says.format(folder=tmp_path)


def test_complaints_come_out_of_the_process(tmp_path: Path) -> None:
    assert "p.rego:2:6: http.send may not be called" in refused(write(tmp_path, {"p.rego": "x := http.send({})\n"}))
