"""Lines from standard input, typed or piped, without holding up the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TextIO

MAX_LINE = 4096
"""Characters of one line that are read."""


class Typed:
    """Reads one line at a time, when it is asked to. Lines of a pipe are shown behind the prompt, as if typed."""

    def __init__(self, stream: TextIO, prompt: str) -> None:
        self._stream = stream
        self._prompt = prompt
        self._typed = stream.isatty()
        self._waiting = False

    def prompt(self) -> None:
        """Show the prompt once more, after something else was shown."""
        if self._typed and self._waiting:
            print(self._prompt, end="", flush=True)

    async def line(self) -> str | None:
        """The next line without its end; None when there is no more."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[str] = loop.create_future()
        self._waiting = True
        self.prompt()
        # A thread that waits for a terminal must not hold up the end of the program, as one of a pool would.
        threading.Thread(target=self._read, args=(loop, found), name="typed", daemon=True).start()
        text = await found
        self._waiting = False
        if text and not self._typed:
            print(f"{self._prompt}{text.rstrip()}", flush=True)
        if not text and self._typed:
            print(flush=True)
        return text.rstrip("\r\n") if text else None

    def _read(self, loop: asyncio.AbstractEventLoop, found: asyncio.Future[str]) -> None:
        try:
            text = self._stream.readline(MAX_LINE)
        except (OSError, ValueError):  # closed, or not UTF-8
            text = ""
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: None if found.done() else found.set_result(text))
