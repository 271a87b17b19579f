"""The command `dnspolicy`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from dnspolicy.model.errors import DnsPolicyError

USAGE = 2
"""Exit code of a configuration or command line that cannot be used."""
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit code."""
    try:
        from dnspolicy.cli.commands import run  # takes half a second, in which somebody may interrupt it

        code = run(sys.argv[1:] if arguments is None else arguments)
        print(end="", flush=True)  # here, where it is still known what to do when nobody reads it
        return code
    except DnsPolicyError as problem:
        print(problem, file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # whoever read the output has enough
        _drop_output()
        return 141
    except OSError as problem:  # such as a full disk below the output; what files are read for is reported elsewhere
        _drop_output()
        print(f"dnspolicy: {problem}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


def _drop_output() -> None:
    """What is left of the output must not fail at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
