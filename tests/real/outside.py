"""The world beyond the cluster: a name server on 192.0.2.53, port 53, in a network of its own.

A server that listens on every address leaves no port 53 on this machine. The other end is this module as a program.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

from dnspolicy.testing.upstream import FakeUpstream, record

UPSTREAM, NEAR = "192.0.2.53", "192.0.2.1"
NAME, HELD = "www.example.org", "198.51.100.10"


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """`NAME` has the address `HELD`, all else does not exist."""
    words = ["unshare", "--net", sys.executable, "-m", "tests.real.outside"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdout.readline()
            _ip(f"link add outside0 type veth peer name outside1 netns {child.pid}")
            _ip(f"addr add {NEAR}/24 dev outside0")
            _ip("link set outside0 addrgenmode none up")  # without the address that IPv6 makes by itself
            child.stdin.write("go\n")
            child.stdin.flush()
            child.stdout.readline()
            yield
        finally:
            child.kill()
            child.wait()
            subprocess.run(["ip", "link", "del", "outside0"], check=False, capture_output=True)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


async def _serve() -> None:
    upstream = FakeUpstream(UPSTREAM)
    upstream.port = 53
    upstream.hold(record(NAME, "A", HELD))
    async with upstream:
        print("serving", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    print("apart", flush=True)
    sys.stdin.readline()
    _ip(f"addr add {UPSTREAM}/24 dev outside1")
    _ip("link set outside1 up")
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
