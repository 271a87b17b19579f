"""A server whose policy is a bundle behind a URL, from before it is there until its server is away."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.e2e.process import NOT_READY, READY, answers, ask, eventually, free_port, get, own_ip, run, serving
from tests.unit.bundle.archives import RSA, manifest, packed, private_pem, public, rule

COREFILE = """
.:{port} {{
    bind {ip}
    policy {{
        bundle {url} {{
            key public.pem
            every 1s
            keep kept
        }}
        timeout 5s
    }}
    hosts {{
        192.0.2.7 a.example
    }}
    prometheus {ip}:{metrics}
    ready {ip}:{ready}
}}
"""
BLOCK = b'package dnspolicy\n\ndecision := {"action": "block", "rule": "no", "reason": "closed"}\n'


class Bundles(BaseHTTPRequestHandler):
    body = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if self.body else 404)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def bundle_server(port: int) -> Iterator[type[Bundles]]:
    handler = type("Handler", (Bundles,), {})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def signed(tmp_path: Path, name: str, policy: bytes) -> bytes:
    """Made by the command."""
    source = tmp_path / name
    source.mkdir()
    (source / "p.rego").write_bytes(policy)
    (tmp_path / "private.pem").write_bytes(private_pem(RSA))
    made = tmp_path / f"{name}.tar.gz"
    done = run(
        "policy", "bundle", str(source), "-o", str(made), "-r", name, "--signing-key", str(tmp_path / "private.pem")
    )
    assert done.returncode == 0, done.stderr
    return made.read_bytes()


def test_from_no_bundle_to_a_server_that_is_away(tmp_path: Path) -> None:
    ip, web = own_ip(), free_port("127.0.0.1")
    port, metrics, ready = (free_port(ip) for _ in range(3))
    url = f"http://127.0.0.1:{web}/bundle.tar.gz"
    corefile = tmp_path / "Corefile"
    corefile.write_text(COREFILE.format(ip=ip, port=port, metrics=metrics, ready=ready, url=url))
    (tmp_path / "public.pem").write_bytes(public(RSA).raw)
    first, second = signed(tmp_path, "first", rule("open")), signed(tmp_path, "second", BLOCK)

    def a() -> tuple[str, list[str]]:
        reply = ask((ip, port), "a.example")
        return reply.rcode().name, answers(reply)

    with bundle_server(web) as bundles:
        checked = run("check", "--conf", str(corefile))
        assert f"no policy yet, so nothing is allowed by it: bundle {url} (not looked at)" in checked.stdout
        assert bundles.asked == 0
        with serving(corefile, says=NOT_READY) as server:
            assert a() == ("SERVFAIL", [])
            waits = f"policy: bundle {url} is not here yet"
            assert get(f"http://{ip}:{ready}/ready") == (503, f"{waits}\n")
            assert server.await_line(NOT_READY).endswith(f"{NOT_READY}{waits}")
            bundles.body = packed({".manifest": manifest(revision="forged"), "p.rego": rule("forged")})
            shown = f'dnspolicy_policy_bundle_failures_total{{bundle="{url}",reason="bad_document"}}'
            eventually(lambda: shown in get(f"http://{ip}:{metrics}/metrics")[1])
            assert a() == ("SERVFAIL", [])
            assert not any(READY in line for line in server.said)
            bundles.body = first
            server.await_line(READY)
            eventually(lambda: a() == ("NOERROR", ["192.0.2.7"]))
            assert get(f"http://{ip}:{ready}/ready")[0] == 200
            bundles.body = second
            eventually(lambda: a()[0] != "NOERROR")
            page = get(f"http://{ip}:{metrics}/metrics")[1]
            assert f'dnspolicy_policy_bundle_info{{bundle="{url}",revision="second"}} 1' in page
            assert 'dnspolicy_policy_info{revision="none"}' not in page
            assert a()[0] == "NXDOMAIN"
    with serving(corefile) as server:
        server.await_line("is the copy on disk until its server answers")
        assert a()[0] == "NXDOMAIN"
        assert get(f"http://{ip}:{ready}/ready")[0] == 200
