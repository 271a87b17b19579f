"""Configurations that cannot be read, and signals at bad moments."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.e2e.process import NOT_READY, Server, eventually, free_port, serving
from tests.e2e.test_reload import Site, look

KUBERNETES = "kubernetes cluster.local {{\n {source}\n startup_timeout {wait}\n }}"
HANGS = """apiVersion: v1
kind: Config
current-context: one
contexts: [{{name: one, context: {{cluster: one, user: one}}}}]
clusters: [{{name: one, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users:
- name: one
  user:
    exec: {{apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ["30"], interactiveMode: Never}}
"""


@pytest.mark.parametrize("kind", ["pipe", "folder", "endless file"])
def test_a_corefile_that_became_something_else(tmp_path: Path, kind: str) -> None:
    """Nobody waits for it: answers go on, the next Corefile is taken up, and the server ends when told to."""
    site = Site(tmp_path)
    with serving(site.corefile) as server:
        site.corefile.unlink()
        if kind == "pipe":
            os.mkfifo(site.corefile)
        elif kind == "folder":
            site.corefile.mkdir()
        else:
            with site.corefile.open("wb") as file:
                file.truncate(1 << 42)
        look(server)
        server.await_line("the configuration in force stays")
        assert site.said() == ["192.0.2.1"]
        shutil.rmtree(site.corefile) if kind == "folder" else site.corefile.unlink()
        site.say("192.0.2.2")
        look(server)
        eventually(lambda: site.said() == ["192.0.2.2"])
        assert server.terminate() == 0


def test_told_to_stop_while_it_starts(tmp_path: Path) -> None:
    """Whoever waits for a cluster that does not answer still listens to who runs it."""
    source = f"endpoint http://127.0.0.1:{free_port('127.0.0.1')}"
    site = Site(tmp_path, KUBERNETES.format(source=source, wait="600s"))
    server = Server("--conf", str(site.corefile))
    try:
        server.await_line("unreachable")
        assert server.terminate() == 0
        assert not any("is ready" in line for line in server.said)
    finally:
        server.kill()


def test_a_change_while_it_starts_is_noticed(tmp_path: Path) -> None:
    source = f"endpoint http://127.0.0.1:{free_port('127.0.0.1')}"
    site = Site(tmp_path, KUBERNETES.format(source=source, wait="3s") + "\nreload 2s 0s")
    server = Server("--conf", str(site.corefile))
    try:
        server.await_line("unreachable")
        site.say("192.0.2.2")
        server.await_line("is in force")
        assert site.said() == ["192.0.2.2"]
    finally:
        server.kill()


def test_a_thread_that_waits_for_ever_does_not_keep_the_process(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(HANGS.format(port=free_port("127.0.0.1")))
    pid = tmp_path / "pid"
    site = Site(tmp_path, KUBERNETES.format(source=f"kubeconfig {kubeconfig}", wait="1s"))
    server = Server("--conf", str(site.corefile), "--pidfile", str(pid))
    try:
        server.await_line(NOT_READY)
        assert server.terminate() == 0
        assert not pid.exists()
    finally:
        server.kill()


def test_asked_to_look_again_and_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with serving(site.corefile) as server:
        for number in range(2, 50):
            site.say(f"192.0.2.{number}")
            for _ in range(20):
                server.child.send_signal(signal.SIGUSR1)
        eventually(lambda: site.said() == ["192.0.2.49"])
        assert server.terminate() == 0
