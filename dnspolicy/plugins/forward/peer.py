"""One upstream as one directive sees it: how it is asked, and what is known of it."""

from __future__ import annotations

import ssl

import msgspec

from dnspolicy.model.name import Name, from_text
from dnspolicy.plugins.forward.secure import client_context
from dnspolicy.plugins.forward.sources import Sources
from dnspolicy.plugins.forward.upstreams import Upstream

ROOT = from_text(".")


class Settings(msgspec.Struct, frozen=True, eq=False):
    """How upstreams are checked and connected to. All times in seconds.

    `max_fails`: failed checks in a row that do not make it down yet, 0 for never down. A check asks for the NS of
    `check_name` each `interval`, over TCP when `check_tcp`. Connections are kept for `expire` after use and `max_age`
    after they were opened (0: no limit), at most `max_idle` unused ones (0: no limit). `source`: the address asked
    from. `server_name`: what certificates must say. `tls`: None for the system's authorities.
    """

    max_fails: int = 2
    interval: float = 0.5
    recursive: bool = True
    check_name: Name = ROOT
    check_tcp: bool = False
    expire: float = 10.0
    max_age: float = 0.0
    max_idle: int = 0
    source: str = ""
    server_name: str = ""
    tls: ssl.SSLContext | None = None


USUAL = Settings()


class Peer:
    """Compared by identity. `fails`: checks that failed in a row. `suspect`: a question failed, and nothing came since.

    `gone`: not to be asked any more, but by what is under way. `asked_udp` counts the questions over UDP, `sources` are
    the sockets they come from.
    """

    __slots__ = (
        "__weakref__", "_tls", "asked_udp", "fails", "family", "gone", "ip", "port", "secure", "settings", "sources",
        "suspect", "text", "upstream",
    )  # fmt: skip

    def __init__(self, upstream: Upstream, settings: Settings = USUAL) -> None:
        self.upstream = upstream
        self.settings = settings
        self.ip = upstream.ip
        self.port = upstream.port
        self.family = upstream.family
        self.text = upstream.text
        self.secure = upstream.secure
        self.fails = 0
        self.suspect = False
        self.gone = False
        self.asked_udp = 0
        self.sources: Sources | None = None
        self._tls: ssl.SSLContext | None = settings.tls

    @property
    def down(self) -> bool:
        """Whether more checks failed than the directive puts up with."""
        return 0 < self.settings.max_fails < self.fails

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What to ask it with; None in the clear. Raises ConfigError when the system's authorities cannot be read."""
        if not self.secure:
            return None
        if self._tls is None:
            self._tls = client_context()
        return self._tls

    @property
    def server_name(self) -> str | None:
        """What its certificate must say; None in the clear."""
        return (self.upstream.server_name or self.settings.server_name or self.ip) if self.secure else None

    def answered(self) -> None:
        """It is there."""
        self.fails = 0
        self.suspect = False
