"""The `forward` directive."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Zone
from dnspolicy.model.name import from_text
from dnspolicy.model.rr import Rcode, rcode_number
from dnspolicy.plugins.forward.attempt import LONGEST, Order
from dnspolicy.plugins.forward.upstreams import MOST, is_file, is_host, parse_place, parse_upstream

_WORDS = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_COUNT = Annotated[int, msgspec.Meta(ge=0)]


class Method(StrEnum):
    """The words of `doh_method`."""

    GET = "GET"
    POST = "POST"


class HealthCheck(msgspec.Struct, frozen=True):
    """`health_check DURATION [no_rec] [domain FQDN]`."""

    every: Annotated[Duration, Positional]
    words: Annotated[tuple[str, ...], Positional] = ()

    def __post_init__(self) -> None:
        self.domain  # noqa: B018 raises ValueError

    @property
    def recursive(self) -> bool:
        """Whether a check asks for recursion."""
        return "no_rec" not in (word for word, _ in self._pairs())

    @property
    def domain(self) -> str:
        """The name a check asks for. Raises ValueError."""
        return next((value for word, value in self._pairs() if word == "domain"), ".")

    def _pairs(self) -> list[tuple[str, str]]:
        found, words = [], list(self.words)
        while words:
            word = words.pop(0)
            if word == "domain":
                if not words:
                    raise ValueError("after 'domain' stands the name to ask for")
                value = words.pop(0)
                from_text(value)
                found.append((word, value))
            elif word == "no_rec":
                found.append((word, ""))
            else:
                raise ValueError(f"{word!r} is no option of health_check; they are no_rec and domain FQDN")
        return found


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`forward FROM TO… { … }`.

    `from_`: names in this zone are forwarded. `to`: addresses, host names, or files as resolv.conf(5). `except_`: zones
    below FROM that are not forwarded. Numbers of 0 mean no limit, for `max_fails` that nothing is ever down. The rest
    is described in the README.
    """

    from_: Annotated[Zone, Positional]
    to: Annotated[tuple[str, ...], Positional]
    except_: tuple[Zone, ...] = ()
    force_tcp: bool = False
    prefer_udp: bool = False
    expire: Duration = Duration(10.0)
    max_age: Duration = Duration(0.0)
    max_idle_conns: _COUNT = 0
    read_timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(LONGEST)
    max_fails: _COUNT = 2
    max_connect_attempts: Annotated[int, msgspec.Meta(ge=0)] | None = None
    doh_method: Method | None = None
    tls: Annotated[tuple[str, ...], msgspec.Meta(max_length=3)] = ()
    tls_servername: str = ""
    policy: Order = Order.RANDOM
    health_check: HealthCheck = HealthCheck(Duration(0.5))
    max_concurrent: _COUNT = 0
    next: _WORDS = ()
    next_on_nodata: bool = False
    failfast_all_unhealthy_upstreams: bool = False
    failover: _WORDS = ()
    source_address: str = ""
    resolver: _WORDS = ()

    def __post_init__(self) -> None:
        self._check_upstreams()
        if self.doh_method is not None:
            raise ValueError("'doh_method' is not here, because upstreams are not asked over HTTPS; tls:// is")
        if 0 < self.max_age < self.expire:
            raise ValueError(f"'max_age' ({self.max_age:g}s) is less than expire ({self.expire:g}s)")
        if self.tls_servername and not is_host(self.tls_servername):
            raise ValueError(f"{self.tls_servername!r} is not the name of a server")
        for word in (*self.next, *self.failover):
            if rcode_number(word) == Rcode.NOERROR and word in self.failover:
                raise ValueError(f"{word!r} is no failure, so failover cannot name it")
        for text in self.resolver:
            if parse_upstream(text).secure:
                raise ValueError(f"{text!r}: resolvers are asked over UDP only")
        if self.source_address:
            ipaddress.ip_address(self.source_address)

    def _check_upstreams(self) -> None:
        if not self.to:
            raise ValueError("expected at least one upstream after the zone: an IP address, a host name or a file")
        if len(self.to) > MOST:
            raise ValueError(f"{len(self.to)} upstreams are more than {MOST}")
        for text in self.to:
            if not is_file(text) and parse_place(text).server_name and self.tls_servername:
                raise ValueError(f"{text!r} names its server, and so does tls_servername")
