"""`make peers`: get what is missing, and say what stands. Exits with 1 when something is missing still."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.peers.find import CHECKOUT, find, folder, said
from tests.peers.table import PEERS, STAMP, How, Peer


def main() -> int:
    wanted = [peer for peer in PEERS if find(peer.program) is None]
    _packages(sorted({peer.origin for peer in wanted if peer.how is How.APT}))
    for peer in wanted:
        if peer.how is not How.APT:
            _build(peer)
    find.cache_clear()
    return _table()


def _packages(names: list[str]) -> None:
    """Debian packages, when this is root on a system that has them; daemons are not started."""
    if not names or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing {', '.join(names)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *names]
    for command in (install, ["apt-get", "update", "--quiet"], install):
        done = subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
        if command is install and done.returncode == 0:
            return


def _build(peer: Peer) -> None:
    """Build with Go into the peers' folder, all of it or nothing."""
    if not shutil.which("go"):
        return
    print(f"Building {peer.program}; this can take minutes", flush=True)
    place = folder() / "bin"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as new:
        if peer.how is How.GO:
            command = ["go", "install", peer.origin]
        else:
            module = str(CHECKOUT / "tests" / "peers" / peer.how)
            command = ["go", "build", "-C", module, "-ldflags", STAMP, "-o", f"{new}/{peer.program}", peer.origin]
        done = subprocess.run(command, cwd=new, env=os.environ | {"GOBIN": new}, check=False)
        built = Path(new) / peer.program
        if done.returncode == 0 and built.exists():
            built.rename(place / peer.program)


def _table() -> int:
    """What is here and what is not; the exit code."""
    lacking = []
    for peer in PEERS:
        path = find(peer.program)
        state = f"{said(path, peer)[:48]:48}  {path}" if path else "MISSING"
        print(f"  {peer.program:15} {state}")
        lacking += [] if path else [peer]
    for peer in lacking:
        print(f"missing: {peer.program} ({peer.why}); to get it: {peer.command}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
