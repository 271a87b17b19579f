"""UDP sockets to ask from, used again with another source port each time.

Dissolving the association of a socket (connect(2) with AF_UNSPEC) gives its port back; connecting it anew takes
another one at random, as for a new socket. That is half the work of closing one socket and opening the next.
"""

from __future__ import annotations

import ctypes
import socket
from _socket import socket as RawSocket  # noqa: N812 without the Python class around it, slower than the system call

_DATAGRAMS = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
_MOST_IDLE = 128
_UNSPECIFIED = bytes(16)  # a sockaddr whose family is AF_UNSPEC

_connect = ctypes.PyDLL(None).connect  # it never waits, so other threads need no turn meanwhile
_connect.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_connect.restype = ctypes.c_int


class Sources:
    """The idle sockets of one address family. Idle ones have no port: nothing can reach them.

    `source`: the address they send from; empty for the one the system chooses.
    """

    __slots__ = ("_family", "_idle", "_reusable", "_source")

    def __init__(self, family: socket.AddressFamily, source: str = "") -> None:
        self._family = family
        self._source = source
        self._idle: list[RawSocket] = []
        self._reusable: bool | None = None

    def take(self) -> tuple[RawSocket, bool]:
        """A socket without a port, and whether it is a new one. Raises OSError."""
        if self._idle:
            return self._idle.pop(), False
        sock = RawSocket(self._family, _DATAGRAMS)
        if self._source:
            try:
                sock.bind((self._source, 0))
            except OSError:
                sock.close()
                raise
        return sock, True

    def dissolve(self, sock: RawSocket) -> bool:
        """Take the port from a socket that has been used: nothing can come any more. False when it was closed."""
        if self._reusable is not False and not _connect(sock.fileno(), _UNSPECIFIED, len(_UNSPECIFIED)):
            if self._reusable is None:
                self._reusable = sock.getsockname()[1] == 0
            if self._reusable:
                return True
        sock.close()
        return False

    def keep(self, sock: RawSocket) -> None:
        """Use a dissolved socket again. Nothing may be left in it from the use before, neither message nor error."""
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(sock)
        else:
            sock.close()

    def close(self) -> None:
        """Close the idle ones."""
        for sock in self._idle:
            sock.close()
        self._idle.clear()
