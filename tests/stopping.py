"""Processes that stand still."""

from __future__ import annotations

import os
import signal


def stand_still(pid: int) -> None:
    """Stop a child of this process, and wait until each of its threads stands: until then one may still answer."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED)
