"""Bound sockets, and why one cannot be had."""

from __future__ import annotations

import errno
import socket

ANY = ("0.0.0.0", "::")
"""All addresses of a family."""
BACKLOG = 1024
RECEIVE_BUFFER = 4 << 20
IP_PKTINFO = 8
_REASONS = {
    errno.EADDRINUSE: "the port is in use; stop what listens there or choose another port",
    errno.EACCES: "no permission; ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def udp_socket(ip: str, port: int) -> socket.socket:
    """A non-blocking socket bound to one address. Raises OSError."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        # A wildcard address and the addresses it covers are bound side by side; TCP, bound first, guards the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        sock.bind((ip, port))
    except OSError:
        sock.close()
        raise
    return sock


def tcp_socket(ip: str, port: int, beside: bool = False) -> socket.socket:
    """A non-blocking socket that listens on one address. Raises OSError.

    `beside` lets it be bound while another socket of this server holds the address through a wildcard.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in ip:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if beside:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((ip, port))
        # Only now: a second server on this machine must find the port taken, a later socket of ours need not.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def why(problem: OSError, ip: str, port: int) -> str:
    """One line for people: which address cannot be had, and what would help."""
    shown = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    return f"cannot listen on {shown}: {_REASONS.get(problem.errno or 0, problem.strerror or str(problem))}"
