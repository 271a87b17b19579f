"""Tools beside a server: they read what it keeps on disk, and leave it as it is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dnspolicy.testing.apiserver import FakeApiServer, in_thread
from tests.contract.clusters import namespace, pod
from tests.e2e.process import free_port, own_ip, run, serving

COREFILE = """
.:{port} {{
    bind {ip}
    policy {{
        rego policy
        data listed http {web} {{
            as names
            keep kept/names
        }}
        timeout 5s
    }}
    kubernetes cluster.local {{
        endpoint {api}
        snapshot kept/cluster
        startup_timeout 20s
    }}
    hosts {{
        192.0.2.7 a.example
    }}
}}
"""
POLICY = """package dnspolicy

decision := {"action": "block", "rule": "site/listed", "reason": "listed"} if {
	data.listed[input.query.name]
} else := {"action": "allow", "rule": "site/rest", "reason": "not listed"}
"""
LIST = b"a.example\n"
TOOLS = {
    "explain": ("explain --conf {}/Corefile --as shop/web-0 a.example", None, "site/listed"),
    "play": ("play --conf {}/Corefile --as shop/web-0", "ask a.example\nquit\n", "site/listed"),
    "cost": ("policy cost --conf {}/Corefile {}/policy", None, "1 classes for"),
}


class Names(BaseHTTPRequestHandler):
    """Serves a list."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(LIST)))
        self.end_headers()
        self.wfile.write(LIST)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def names() -> Iterator[str]:
    """The URL of a list."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Names)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/names"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kept(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All that is kept: contents, and when they were written."""
    found = (path for path in sorted((folder / "kept").rglob("*")) if path.is_file())
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@contextlib.contextmanager
def sources(folder: Path) -> Iterator[Path]:
    """A Corefile with a web server and an API server, as long as this lasts."""
    fake = FakeApiServer()
    for item in (namespace("shop"), pod("shop", "web-0", "10.1.0.1")):
        fake.put(item)
    ip = own_ip()
    corefile = folder / "Corefile"
    (folder / "policy").mkdir()
    (folder / "policy" / "policy.rego").write_text(POLICY)
    (folder / "kept").mkdir()
    with names() as url, in_thread(fake) as threaded:
        corefile.write_text(COREFILE.format(ip=ip, port=free_port(ip), web=url, api=threaded.server.url))
        yield corefile


@pytest.mark.parametrize(("command", "stdin", "says"), TOOLS.values(), ids=list(TOOLS))
def test_a_tool_keeps_nothing_of_what_it_fetches(tmp_path: Path, command: str, stdin: str | None, says: str) -> None:
    with sources(tmp_path):
        done = run(*(word.replace("{}", str(tmp_path)) for word in command.split()), stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
    assert kept(tmp_path) == {}


def test_copies_are_read_when_their_sources_are_away(tmp_path: Path) -> None:
    with sources(tmp_path) as corefile, serving(corefile) as server:
        assert server.terminate() == 0
    before = kept(tmp_path)
    assert len(before) == 3
    done = run("explain", "--conf", str(corefile), "--as", "shop/web-0", "a.example")
    assert done.returncode == 0, done.stderr
    assert "site/listed" in done.stdout
    assert kept(tmp_path) == before
