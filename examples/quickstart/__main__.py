"""`python -m examples.quickstart`: start a server with a small cluster, ask as several pods, show what came of it."""

from __future__ import annotations

import sys

from examples.quickstart.demo import main

if __name__ == "__main__":
    sys.exit(main())
