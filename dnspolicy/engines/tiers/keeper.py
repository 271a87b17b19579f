"""Keeps the process that evaluates policies of namespaces: begins it, fills it, and begins another when it ended."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from itertools import count

import msgspec

from dnspolicy.chain.pauses import Pauses
from dnspolicy.engines.rego import Loaded
from dnspolicy.engines.tiers.messages import Ask, Put, Said
from dnspolicy.engines.tiers.process import ENDED, Last, Process
from dnspolicy.engines.tiers.strikes import Strikes
from dnspolicy.engines.tiers.turns import Turns
from dnspolicy.model.errors import EngineUnavailable, PolicyLoadError
from dnspolicy.policy.failure import error_of
from dnspolicy.policy.settings.failure import FailureKind

LINGER = 5.0
"""Seconds for which a policy that is no longer in force can still be asked, by questions that began with it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 10.0
"""Seconds before another process is begun, doubled while they end before they are ready."""
LOOK = 1.0
"""Seconds from one look at a process that makes something ready to the next."""
MOMENT = 0.01
"""Seconds. A process that was killed so soon after a question came was killed for something else."""
TRIES = 5
"""Times that a policy is made ready while those of others end the process."""
_PREPARED = Said(failure=FailureKind.UNAVAILABLE, text="it is being made ready")
_NONE = Said(failure=FailureKind.UNAVAILABLE, text="the process that evaluates it could not be started")
_LATE = Said(failure=FailureKind.TIMEOUT, text="it did not answer in time")


class Held(msgspec.Struct, frozen=True):
    """A policy that is to be ready in each process that is begun, and the turns of its namespace."""

    namespace: str
    loaded: Loaded
    turns: Turns


class Keeper:
    """`share` is the part of the time that each namespace may take. `struck` is told of a namespace whose policy ended
    the process, and for how many seconds it is left alone.

    Belongs to one event loop from its first policy until it is closed.
    """

    def __init__(
        self,
        share: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        struck: Callable[[str, float], None],
    ) -> None:
        self._share = share
        self._now = monotonic
        self._struck = struck
        self._slots = count(1)
        self._held: dict[int, Held] = {}
        self._strikes = Strikes()
        self._process: Process | None = None
        self._filling: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
        self._closed = False

    async def put(self, namespace: str, loaded: Loaded) -> int:
        """Make a policy ready to be asked; the number it is asked under.

        Raises PolicyLoadError, and EngineUnavailable where another time may be better.
        """
        slot, said = next(self._slots), _NONE
        for _ in range(TRIES):
            if self._process is None:
                await asyncio.shield(self._fill())
            process, before = self._process, self._strikes.left(namespace, self._now())
            if process is not None and not self._closed:
                said = await _put(process, slot, namespace, loaded)
                if said.failure is None:
                    self._hold(slot, namespace, loaded)
                    process.ready.add(slot)
                    return slot
            if self._ending:  # until it is known whose policy it was
                await asyncio.wait(self._ending)
            if self._strikes.left(namespace, self._now()) > before:
                raise PolicyLoadError(f"it could not be made ready: {said.text}")
            if self._closed or said not in (ENDED, _NONE):
                break
        raise EngineUnavailable(f"it could not be made ready: {said.text}")

    def _hold(self, slot: int, namespace: str, loaded: Loaded) -> None:
        others = (held.turns for held in self._held.values() if held.namespace == namespace)
        self._held[slot] = Held(namespace, loaded, next(others, None) or Turns(self._send))

    async def ask(self, slot: int, document: bytes, deadline: float, seconds: float) -> bytes | None:
        """What it says to an input document (JSON), as JSON; None for nothing. `deadline` is monotonic time.

        The evaluation may take `seconds`. Raises EngineTimeout, EngineBadReply and EngineUnavailable.
        """
        held, now = self._held.get(slot), self._now()
        if held is None:
            raise EngineUnavailable("it is no longer in force")
        if (left := self._strikes.left(held.namespace, now)) > 0:
            raise EngineUnavailable(f"it ended the process that evaluates it, and is left alone for {left:.0f} s more")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Said] = loop.create_future()
        timer = loop.call_later(max(deadline - now, 0.0), self._expire, answer)
        try:
            held.turns.take(Ask(slot, document, deadline, seconds), answer)
            said = await answer
        finally:
            timer.cancel()
            answer.cancel()
        if said.failure is not None:
            raise error_of(said.failure, said.text)
        return said.reply

    def _send(self, ask: Ask, told: Callable[[Said], None]) -> None:
        process, held = self._process, self._held.get(ask.slot)
        if process is None or held is None or ask.slot not in process.ready:
            if process is not None or not (self._later or self._ending):  # else one is begun after a pause
                self._fill()
            told(_PREPARED)
            return
        process.ask(ask, held.namespace, told)

    def _expire(self, answer: asyncio.Future[Said]) -> None:
        if not answer.done():
            answer.set_result(_LATE)
        if self._process is not None:
            self._process.look()

    def forget(self, slot: int) -> None:
        """Let go of a policy when those that began to ask it are done."""
        asyncio.get_running_loop().call_later(LINGER, self._let_go, slot)

    def _let_go(self, slot: int) -> None:
        if self._held.pop(slot, None) is not None and self._process is not None:
            self._process.forget(slot)

    async def close(self) -> None:
        """End the process, for good."""
        self._closed = True
        self._held.clear()
        if self._later is not None:
            self._later.cancel()
        if self._process is not None:
            self._process.kill()
        if self._filling is not None:
            await asyncio.wait((self._filling,))
        process, self._process = self._process, None
        if process is not None:
            await process.end()
        if self._ending:
            await asyncio.wait(self._ending)

    def _fill(self) -> asyncio.Task[None]:
        """Begin a process if there is none, and make ready in it what is not."""
        if self._filling is None or self._filling.done():
            self._filling = asyncio.get_running_loop().create_task(self._make_ready(), name="policies of namespaces")
        return self._filling

    async def _make_ready(self) -> None:
        if self._process is None and not self._closed:
            try:
                self._process = await Process.begin(self._share, self._over, self._now)
            except OSError:
                self._again()
                return
        process = self._process
        for slot, held in tuple(self._held.items()):
            if process is None or self._closed or process is not self._process:
                return
            if slot in process.ready or self._strikes.left(held.namespace, self._now()) > 0 or slot not in self._held:
                continue
            said = await _put(process, slot, held.namespace, held.loaded)
            if said.failure is None and slot in self._held:
                process.ready.add(slot)
        if process is self._process:
            self._pauses.reset()

    def _over(self, process: Process, last: Last | None) -> None:
        if process is self._process:
            self._process = None
        ending = asyncio.get_running_loop().create_task(self._conclude(process, last))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _conclude(self, process: Process, last: Last | None) -> None:
        """A process ended: note whose policy did it, and begin another one."""
        code = await process.end()
        if self._closed:
            return
        if last is not None and (code != -signal.SIGKILL or last.seconds >= MOMENT):
            self._struck(last.namespace, self._strikes.strike(last.namespace, self._now()))
        self._again()

    def _again(self) -> None:
        """Begin another one soon."""
        if not self._closed and self._later is None:
            self._later = asyncio.get_running_loop().call_later(self._pauses.next(), self._resume)

    def _resume(self) -> None:
        self._later = None
        self._fill()


async def _put(process: Process, slot: int, namespace: str, loaded: Loaded) -> Said:
    loop = asyncio.get_running_loop()
    made: asyncio.Future[Said] = loop.create_future()

    def told(said: Said) -> None:
        if not made.done():
            made.set_result(said)

    process.ask(Put(slot, namespace, loaded), namespace, told)
    while not made.done():  # as long as nobody asks, nobody else notices that it hangs
        await asyncio.wait((made,), timeout=LOOK)
        process.look()
    return made.result()
