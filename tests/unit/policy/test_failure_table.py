"""The failure table: which line decides, and lines that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.app.reading import read_plan
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.verdict import Phase
from dnspolicy.plugins.policy import Config
from dnspolicy.policy.settings.failure import FailureKind, FailureTable, OnError

COREFILE = ". {{\n policy {{\n rego rules\n {lines}\n }}\n}}\n"


def table(folder: Path, *lines: str) -> FailureTable:
    corefile = folder / "Corefile"
    corefile.write_text(COREFILE.format(lines="\n ".join(f"on_error {line}" for line in lines)))
    (config,) = read_plan(corefile, {}).blocks[0].all(Config)
    return FailureTable.of(config.on_error)


def asked(made: FailureTable, name: str, phase: str = "query", kind: str = "timeout") -> OnError:
    return made.action(FailureKind(kind), from_text(name), Phase(phase))


def test_without_lines_all_is_blocked(tmp_path: Path) -> None:
    made = table(tmp_path)
    assert asked(made, "www.example") is OnError.BLOCK
    assert not made.keeps_last


def test_the_first_line_whose_conditions_all_hold_decides(tmp_path: Path) -> None:
    made = table(
        tmp_path,
        "last_known zone Cluster.Local. 10.in-addr.arpa phase query kind timeout unavailable",
        "block zone secret.example",
        "allow phase response",
        "allow kind bad_reply zone example",
    )
    assert made.keeps_last
    assert asked(made, "db.cluster.local") is OnError.LAST_KNOWN
    assert asked(made, "CLUSTER.local", kind="unavailable") is OnError.LAST_KNOWN
    assert asked(made, "7.10.in-addr.arpa") is OnError.LAST_KNOWN
    assert asked(made, "xcluster.local") is OnError.BLOCK
    assert asked(made, "db.cluster.local", kind="bad_reply") is OnError.BLOCK
    assert asked(made, "db.cluster.local", "response") is OnError.ALLOW
    assert asked(made, "a.secret.example", "response") is OnError.BLOCK
    assert asked(made, "www.example", kind="bad_reply") is OnError.ALLOW
    assert asked(made, "www.example") is OnError.BLOCK


def test_a_line_without_conditions_is_for_the_rest(tmp_path: Path) -> None:
    made = table(tmp_path, "allow", "block zone example")
    assert asked(made, "www.example", "response", "bad_reply") is OnError.ALLOW
    assert asked(table(tmp_path, "allow zone ."), "www.example") is OnError.ALLOW


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("maybe", "maybe"),
        ("allow cluster.local", "cluster.local"),
        ("allow zone", "zone"),
        ("allow zone phase query", "phase"),
        ("allow zone a zone b", "zone"),
        ("allow phase answer", "answer"),
        ("allow kind slow", "slow"),
        ("allow zone a..b", "a..b"),
    ],
)
def test_a_line_that_means_nothing_is_refused(line: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=complaint):
        table(tmp_path, line)
