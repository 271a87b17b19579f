"""`dnspolicy play`: a session, with policies and pods that change under it."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.policies.library import ROOT

PATIENCE = 30.0
WEB, BIRCH = "acorn-prod/web-x2x7k", "db.birch.svc.cluster.local"
COREFILE = """. {
    policy {
        rego policies
    }
    kubernetes cluster.local {
        manifests cluster
    }
}
"""
BLOCK = """package dnspolicy

decision := {"action": "ACTION", "rule": "site/all", "reason": "because"}
"""
TEST = """package dnspolicy_test

test_it if data.dnspolicy.decision.action == "block"
"""


class Session:
    """A process of `dnspolicy play` that is typed to."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-c", "import sys; from dnspolicy.cli.main import main; sys.exit(main())", "play"]
        self.process = subprocess.Popen(
            [*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        )
        self._text = ""

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def until(self, text: str) -> str:
        """What was said up to and with the line that holds a text."""
        assert self.process.stdout is not None
        end = time.monotonic() + PATIENCE
        while text not in self._text or "\n" not in self._text.partition(text)[2]:
            assert select.select([self.process.stdout], [], [], max(end - time.monotonic(), 0))[0], self._text
            read = os.read(self.process.stdout.fileno(), 65536)
            assert read, self._text
            self._text += read.decode()
        before, _, after = self._text.partition(text)
        line, _, self._text = after.partition("\n")
        return before + text + line

    def asks(self, line: str, text: str) -> str:
        self.type(line)
        return self.until(text)

    def end(self) -> int:
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


def made_in(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples" / "quickstart" / "cluster", tmp_path / "cluster")
    (tmp_path / "Corefile").write_text(COREFILE)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "policy.rego").write_text(BLOCK.replace("ACTION", "block"))
    (tmp_path / "policies" / "policy_test.rego").write_text(TEST)
    return tmp_path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return made_in(tmp_path)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One for all questions that change nothing."""
    made = Session("--conf", str(made_in(tmp_path_factory.mktemp("quiet")) / "Corefile"), "--as", WEB)
    yield made
    made.process.kill()
    made.end()


@pytest.fixture
def session(site: Path) -> Iterator[Session]:
    made = Session("--conf", str(site / "Corefile"), "--as", WEB)
    yield made
    made.process.kill()
    made.end()


def change(path: Path, text: str) -> None:
    """As an editor saves: the whole file at once."""
    beside = path.with_name(".beside")
    beside.write_text(text)
    beside.replace(path)


def test_a_policy_that_is_edited(session: Session, site: Path) -> None:
    policy = site / "policies" / "policy.rego"
    said = session.asks(f"ask {BIRCH}", "because")
    assert f"{WEB} asks {BIRCH} A: NXDOMAIN\n" in said
    assert f"query: block as nxdomain, rule site/all at {policy}:3: because" in said
    change(policy, BLOCK.replace("ACTION", "allow"))
    said = session.until("changed: answer: NXDOMAIN → NOERROR 10.96.2.20")
    assert "policy revision " in said
    assert "changed: verdict: block → allow" in said
    change(policy, BLOCK.replace('"ACTION"', ""))
    assert "the policy in force stays; the new one is refused" in session.until(f"{policy}:3:")
    session.until("as before")
    assert "NOERROR 10.96.2.20" in session.asks("ask", "because")
    change(policy, BLOCK.replace("ACTION", "block"))
    session.until("changed: verdict: allow → block")
    session.type("quit")
    assert session.end() == 0


def test_a_pod_that_goes(session: Session, site: Path) -> None:
    session.asks(f"ask {BIRCH}", "because")
    (site / "cluster" / "acorn.yaml").unlink()
    session.until(f"as {WEB}: the cluster has no such pod")
    assert f"  {WEB}" not in session.asks("as", "registry-0")


def test_tests_are_run(session: Session, site: Path) -> None:
    session.asks("tests", "PASS: 1/1")
    change(site / "policies" / "policy.rego", BLOCK.replace("ACTION", "allow"))
    session.asks("tests", "FAIL: 1/1")


def test_why_and_input(session: Session) -> None:
    session.asks("why", "nothing was asked yet; try `ask NAME [TYPE]`")
    session.asks(f"ask {BIRCH} aaaa", "because")
    said = session.asks("why", "extended error")
    assert "rule site/all at " in said
    assert f"question  {BIRCH} AAAA over udp" in said
    assert '"namespace": "acorn-prod"' in session.asks("input", '"target"')


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hello", "hello: not understood; try `help`"),
        ("ask a b c", "ask a b c: not understood; try `ask NAME [TYPE]`"),
        ("as nobody/there", "as nobody/there: the cluster has no such pod"),
        ("as there", "as there: expected NAMESPACE/POD or an IP address"),
        ("ask a..b", "a label must have 1 to 63 bytes"),
        ("ask a.example nothing", "'NOTHING' is not a record type"),
        ("\x1b[31m", "\\x1b[31m: not understood"),
        ("help", "run the tests of the policies"),
    ],
)
def test_what_is_said(line: str, says: str, quiet: Session) -> None:
    quiet.asks(line, says)


def test_a_script(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    session = Session("--conf", str(site / "Corefile"))
    out, err = session.process.communicate(f"ask a.example\nas {WEB}\nask {BIRCH} SRV\n".encode(), PATIENCE)
    assert (session.process.returncode, err) == (0, b"")
    lines = out.decode().splitlines()[2:]
    assert lines[:3] == [
        "`help` lists the commands",
        "> ask a.example",
        "who asks? try `as NAMESPACE/POD`, or `as` for a list",
    ]
    assert lines[3:6] == [f"> as {WEB}", f"asking as {WEB} (127.10.1.1)", f"> ask {BIRCH} SRV"]


def test_a_policy_that_is_broken_at_the_start(site: Path) -> None:
    (site / "policies" / "policy.rego").write_text("package dnspolicy\n\nx +\n")
    session = Session("--conf", str(site / "Corefile"))
    _, err = session.process.communicate(timeout=PATIENCE)
    assert session.process.returncode == 2
    assert f"{site}/policies/policy.rego:" in err.decode()
