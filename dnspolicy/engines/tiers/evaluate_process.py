"""Evaluates policies of namespaces in a process of its own: `python -m dnspolicy.engines.tiers.evaluate_process SHARE`.

Standard input is a socket, on which it says that it is there, and then is told and asked. What hangs, needs too much
memory or goes too deep ends the process, and the server begins another one.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from dnspolicy.chain.apart import confine
from dnspolicy.engines.tiers.holder import Holder
from dnspolicy.engines.tiers.messages import Ask, Forget, Message, Put, Said, frame, read_message
from dnspolicy.model.errors import EngineError, PolicyLoadError
from dnspolicy.policy.decode import MAX_REPLY
from dnspolicy.policy.failure import kind_of
from dnspolicy.policy.settings.failure import FailureKind

MEMORY = 2 << 30
"""Bytes of address space."""
FULL = 3 * MEMORY // 4
"""Bytes of address space with which no more policies are taken: the rest is for evaluations, lest all end together."""
PUT_SECONDS = 5.0
GRACE = 0.25
"""Seconds of CPU beyond its deadline after which an evaluation did not notice that it is to end."""


def main() -> None:
    """The process."""
    server = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)  # meant for the server, whose end is the end of this
    confine(MEMORY)
    holder = Holder(float(sys.argv[1]))
    server.sendall(frame(Said()))
    with server.makefile("rb") as told:
        serve(told, holder, server.sendall)


def serve(told: BinaryIO, holder: Holder, send: Callable[[bytes], None]) -> None:
    """Answer until the server is gone."""
    while len(size := told.read(4)) == 4:
        message = read_message(told.read(int.from_bytes(size, "big")))
        said = _guarded(message, holder)
        if said is not None:
            send(frame(said))


def used() -> int:
    """Bytes of address space that this process has."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    return pages * resource.getpagesize()


def _guarded(message: Message, holder: Holder) -> Said | None:
    signal.setitimer(signal.ITIMER_PROF, _limit(message))
    try:
        return answer(message, holder)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def _limit(message: Message) -> float:
    """Seconds of CPU that a message may take."""
    if isinstance(message, Ask):
        return max(message.seconds, 0.0) + GRACE
    return PUT_SECONDS


def answer(message: Message, holder: Holder) -> Said | None:
    """What is said to a message; None for one that is not answered."""
    try:
        match message:
            case Ask(slot, document, deadline, seconds):
                reply = holder.reply(slot, document, min(deadline, time.monotonic() + seconds))
                if reply is not None and len(reply) > MAX_REPLY:  # which is to cost the server nothing
                    return Said(failure=FailureKind.BAD_REPLY, text=f"decision: longer than {MAX_REPLY} bytes")
                return Said(reply)
            case Put(slot, namespace, loaded):
                if used() > FULL:
                    raise PolicyLoadError("the policies of all namespaces together need too much memory")
                holder.put(slot, namespace, loaded)
                return Said()
            case Forget(slot):
                holder.forget(slot)
                return None
    except EngineError as problem:
        return Said(failure=kind_of(problem), text=str(problem))
    except PolicyLoadError as problem:
        return Said(failure=FailureKind.UNAVAILABLE, text=str(problem))


if __name__ == "__main__":
    main()
