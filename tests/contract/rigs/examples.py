"""The `grpc` engine, before the decision points of `examples/engines`: whole programs, in Python and in Go."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from dnspolicy.policy.engine import Engine
from tests.contract.rigs.base import Break
from tests.contract.rigs.grpc import GrpcRig
from tests.contract.rigs.says import response_of
from tests.peers.find import find
from tests.stopping import stand_still

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "engines"
LISTENING = "listening on port "


class ExampleRig(GrpcRig):
    """One rule for all decides. `command` is what runs a decision point, before address and rules."""

    breaks = frozenset((Break.DEAD, Break.HUNG))
    restarts = True
    command: tuple[str, ...]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rules = folder / "rules.json"
        self._child: subprocess.Popen[str] | None = None
        self._address = "127.0.0.1:0"

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        self._write(decision)
        self._begin()
        if broken is not None:
            self.break_(broken)
        return self.connect(self._address)

    def change(self, decision: object) -> None:
        before = self.engine.revision
        self._write(decision)
        self.await_true(lambda: self.engine.revision != before)

    def break_(self, kind: Break) -> None:
        assert self._child is not None
        if kind is Break.DEAD:
            self._end()
        else:
            stand_still(self._child.pid)

    def mend(self) -> None:
        if self._child is None:
            self._begin()
        else:
            self._child.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        self._end()
        self._begin()

    def close(self) -> None:
        super().close()
        self._end()

    def _write(self, decision: object) -> None:
        response = MessageToDict(response_of(decision, ""))
        new = self._rules.with_suffix(".new")
        new.write_text(json.dumps([{"response": response}]))
        new.rename(self._rules)

    def _begin(self) -> None:
        self._child = subprocess.Popen(
            [*self.command, self._address, str(self._rules)], stdout=subprocess.PIPE, text=True, cwd=self.folder
        )
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        assert line.startswith(LISTENING)
        self._address = f"127.0.0.1:{int(line.removeprefix(LISTENING))}"

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


class PythonRig(ExampleRig):
    command = (sys.executable, str(EXAMPLES / "python" / "decide.py"))


class GoRig(ExampleRig):
    programs = ("go",)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.command = (str(_built()),)


@functools.cache
def _built() -> Path:
    """The program, built once for a run of tests."""
    go = find("go")
    assert go is not None
    folder = Path(tempfile.mkdtemp(prefix="decide-"))
    atexit.register(shutil.rmtree, folder)
    subprocess.run([go, "build", "-C", EXAMPLES / "go", "-o", folder / "decide", "."], check=True)
    return folder / "decide"
