"""Policies in a mounted ConfigMap: links into a folder that is exchanged as a whole."""

from __future__ import annotations

from pathlib import Path

from dnspolicy.corefile.regular import fingerprint
from dnspolicy.engines.rego.sources import Limits, Sources, read
from tests.real.places import project

ALLOW = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "a"}\n'
HELPERS = "package dnspolicy.helpers\n\nx := 1\n"


def content(folder: Path) -> Sources:
    found, complaints = read([folder], Limits())
    assert not complaints
    return found


def test_every_file_is_read_once(tmp_path: Path) -> None:
    project(tmp_path, {"a.rego": ALLOW, "b.rego": HELPERS, "data.json": '{"names": ["x"]}'})
    found = content(tmp_path)
    assert [(Path(source.file).name, source.text) for source in found.policies] == [
        ("a.rego", ALLOW),
        ("b.rego", HELPERS),
    ]
    assert found.data == b'{"names":["x"]}'


def test_an_exchange_is_noticed_and_read(tmp_path: Path) -> None:
    project(tmp_path, {"a.rego": ALLOW, "b.rego": HELPERS})
    before, seen = content(tmp_path), fingerprint((tmp_path,))
    project(tmp_path, {"a.rego": ALLOW.replace("allow", "block")})
    after = content(tmp_path)
    assert fingerprint((tmp_path,)) != seen
    assert [source.text for source in after.policies] == [ALLOW.replace("allow", "block")]
    assert after.revision != before.revision


def test_a_change_in_a_folder_that_is_a_link_is_noticed(tmp_path: Path) -> None:
    folder, linked = tmp_path / "policies", tmp_path / "elsewhere"
    folder.mkdir()
    linked.mkdir()
    (linked / "a.rego").write_text(ALLOW)
    (folder / "shop").symlink_to(linked)
    before, seen = content(folder), fingerprint((folder,))
    (linked / "a.rego").write_text(ALLOW.replace("allow", "block"))
    assert content(folder).revision != before.revision
    assert fingerprint((folder,)) != seen
