"""Run the tests marked `real` in a fresh network namespace, where addresses of pods can be anything.

Where no namespace can be had, they run without; those that need one are named at the end, like those whose programs
are not here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.real.space import INSIDE, become_local

_FLAGS = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]


def main() -> int:
    if INSIDE not in os.environ and shutil.which("unshare") and shutil.which("ip"):
        tried = subprocess.run(["unshare", *_FLAGS, "true"], check=False, capture_output=True)
        if tried.returncode == 0:
            again = [sys.executable, "-m", "tests.real", *sys.argv[1:]]
            os.execvpe("unshare", ["unshare", *_FLAGS, "--", *again], os.environ | {INSIDE: "1"})
    if INSIDE in os.environ:
        become_local()
    return subprocess.call([sys.executable, "-m", "pytest", "-m", "real", "-p", "no:cacheprovider", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
