"""The container arguments of a CoreDNS Deployment."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.process import COMMAND, PATIENCE, answers, ask, eventually, free_port, own_ip, run

HOSTS = "{key} {{\n bind {ip}\n hosts {{\n 192.0.2.1 www.shop.example\n }}\n}}\n"


@contextmanager
def started(*words: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([COMMAND, *words], cwd=cwd, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["-conf", "{conf}", "-dns.port", "{port}"], id="one dash"),
        pytest.param(["--conf", "{conf}", "--dns.port={port}"], id="two dashes and an equals sign"),
        pytest.param(["-conf={conf}", "-p", "{port}"], id="the short form of the port"),
        pytest.param(["-dns.port", "{port}"], id="the Corefile of the working directory"),
    ],
)
def test_where_it_listens(tmp_path: Path, words: list[str]) -> None:
    ip = own_ip()
    port = free_port(ip)
    conf = tmp_path / "Corefile"
    conf.write_text(HOSTS.format(key=".", ip=ip))
    pid = tmp_path / "pid"
    given = [word.format(conf=conf, port=port) for word in words]
    with started(*given, "-quiet", "-pidfile", str(pid), cwd=tmp_path) as child:
        eventually(pid.exists)
        assert eventually(lambda: pid.read_text()) == f"{child.pid}\n"
        eventually(lambda: _is_open(ip, port))
        assert answers(ask((ip, port), "www.shop.example")) == ["192.0.2.1"]
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(PATIENCE) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""
    assert not pid.exists()


def _is_open(ip: str, port: int) -> bool:
    hexed = "".join(f"{int(part):02X}" for part in reversed(ip.split(".")))
    return f"{hexed}:{port:04X}" in Path("/proc/net/udp").read_text()


@pytest.mark.parametrize("words", [["-version"], ["-version=true"], ["-quiet=false", "--version=1"]])
def test_the_version(words: list[str]) -> None:
    assert run(*words).stdout == run("version").stdout


def test_the_plugins() -> None:
    listed = run("-plugins").stdout.split()
    assert {"dns.kubernetes", "dns.forward", "dns.policy", "dns.reload"} <= set(listed)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-bogus"], "-bogus"),
        (["-version=false", "-conf", "/nowhere/Corefile"], "/nowhere/Corefile"),
        (["-quiet=maybe"], "'maybe'"),
        (["-conf", "/nowhere/Corefile"], "/nowhere/Corefile"),
        (["-dns.port", "dns"], "'dns' is not a port"),
        (["-pidfile", "/nowhere/pid", "-conf", "{conf}"], "cannot write the pidfile /nowhere/pid"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, words: list[str], complaint: str) -> None:
    conf = tmp_path / "Corefile"
    conf.write_text(HOSTS.format(key=".:0", ip=own_ip()))
    ended = run(*(word.format(conf=conf) for word in words))
    assert ended.returncode == 2
    assert complaint in ended.stderr
