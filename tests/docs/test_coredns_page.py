"""Every row of the page "From CoreDNS" is checked within a Corefile, and passes or is refused as it says."""

from __future__ import annotations

import re
import shutil
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import dnspolicy
from dnspolicy.app.directives import DIRECTIVES, NOT_YET
from dnspolicy.cli.main import main
from dnspolicy.corefile.schema import Positional, Rest
from dnspolicy.testing.certificates import Authority

PAGE = (Path(dnspolicy.__file__).parent.parent / "docs" / "coredns.md").read_text()
ROW = re.compile(r"^\| (`.+`) \| (same|differs|refused) \|(.*)\|$", re.MULTILINE)
FILE = "The file"
OURS = {"alarms", "audit", "policy"}
OUR_OPTIONS = {("kubernetes", "manifests"), ("kubernetes", "snapshot"), ("kubernetes", "quirks")}
HEADS = {
    "bind": "bind 127.0.0.1 127.0.0.2",
    "file": "file db.example.org example.org",
    "forward": "forward . tls://192.0.2.1",
    "hosts": "hosts hosts",
    "kubernetes": "kubernetes cluster.local",
    "loadbalance": "loadbalance weighted weights",
    "template": "template IN A",
    "transfer": "transfer example.org",
    "view": "view office",
}
"""What an option stands in, where the name of the plugin alone is not enough."""
BESIDE = {
    "opa": "firewall query {\nopa myengine\n}",
    "autopath": "kubernetes cluster.local {\nmanifests cluster\npods verified\n}",
    "transfer": "file db.example.org example.org",
    "view": "metadata",
}
"""What a plugin needs beside it."""
SOURCES = ("endpoint ", "kubeconfig ")
FILES = {
    "db.example.org": "@ 60 SOA ns.example.net. hostmaster.example.net. 1 60 60 60 60\n@ 60 NS ns.example.net.\n",
    "hosts": "192.0.2.8 host.example.org\n",
    "weights": "www.example.org\n192.0.2.10 3\n",
    "kubeconfig": """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: admin, context: {cluster: c, user: u}}]
current-context: admin
""",
}


class Row(msgspec.Struct, frozen=True):
    """One row: the section it is in, what stands in the Corefile, what becomes of it, and a remark."""

    section: str
    lines: tuple[str, ...]
    verdict: str
    remark: str


def sections() -> dict[str, str]:
    parts = (part.partition("\n") for part in PAGE.split("\n## ")[1:])
    return {title: text for title, _, text in parts}


def rows() -> Iterator[Row]:
    for title, text in sections().items():
        for match in ROW.finditer(text):
            yield Row(title, tuple(re.findall(r"`([^`]+)`", match[1])), match[2], match[3].strip())


ROWS = list(rows())


def corefile(row: Row) -> str:
    """A Corefile around one row."""
    if row.section == FILE:
        return f"{row.lines[0]}\nhosts hosts\n}}\n"
    head, options = HEADS.get(row.section, row.section), list(row.lines)
    if options[0].split()[0] == row.section:
        head = options.pop(0)
    if row.section == "kubernetes" and not any(line.startswith(SOURCES) for line in options):
        options.append("manifests cluster")
    own = "\n".join((head, "{", *options, "}")).replace("\n{", " {", 1) if options else head
    return f".:53 {{\n{BESIDE.get(row.section, '')}\n{own}\n}}\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    certificate, key = authority.client("client")
    for made, name in ((authority.certificate, "ca.pem"), (certificate, "cert.pem"), (key, "key.pem")):
        shutil.copy(made, folder / name)
    return folder


@pytest.fixture
def folder(tmp_path: Path, certificates: Path) -> Path:
    (tmp_path / "cluster").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    for path in certificates.glob("*.pem"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {' '.join(row.lines)}")
def test_a_row_is_true(row: Row, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "Corefile"
    path.write_text(corefile(row))
    exit_code = main(["check", "--conf", str(path)])
    err = capsys.readouterr().err
    assert (exit_code, "" if row.verdict == "refused" else err) == (2 if row.verdict == "refused" else 0, "")
    if row.verdict == "refused":
        assert re.fullmatch(rf"({re.escape(str(path))}:\d+:\d+: .+\n)+", err)


@pytest.mark.parametrize("row", [row for row in ROWS if row.verdict == "differs"], ids=lambda row: row.lines[0])
def test_a_difference_is_told(row: Row) -> None:
    assert row.remark


def test_the_page_has_every_plugin_in_order() -> None:
    plugins = [title for title in sections() if title in DIRECTIVES]
    assert plugins == sorted(set(DIRECTIVES) - OURS)
    assert {row.section for row in ROWS} == {FILE, *plugins}


@pytest.mark.parametrize("name", sorted(set(DIRECTIVES) - OURS))
def test_the_page_has_every_option(name: str) -> None:
    config = DIRECTIVES[name].config
    hints = typing.get_type_hints(config, include_extras=True)
    options = {
        field.name.rstrip("_")
        for field in msgspec.structs.fields(config)
        if not {Positional, Rest} & set(typing.get_args(hints[field.name])[1:])
    }
    shown = {line.split()[0] for row in ROWS if row.section == name for line in row.lines}
    assert sorted(option for option in options - shown if (name, option) not in OUR_OPTIONS) == []


def test_the_page_names_what_is_not_here() -> None:
    listed = sections()["What is not here"].partition("\n\n")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", listed) == sorted(NOT_YET)


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_what_is_not_here_is_refused_by_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Corefile"
    path.write_text(f".:53 {{\n{name}\n}}\n")
    assert main(["check", "--conf", str(path)]) == 2
    assert f"{path}:2:1: plugin {name} of CoreDNS" in capsys.readouterr().err
