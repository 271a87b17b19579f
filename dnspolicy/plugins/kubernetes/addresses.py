"""Which addresses have a reverse name, so that the names between them and the zone exist too (RFC 8020)."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable

from dnspolicy.cluster.addresses import packed
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.plugins.kubernetes.exposed import Exposed

Named = Callable[[str], bool]
"""Whether a canonical address has a reverse name."""

_ARPA: dict[tuple[bytes, ...], int] = {(b"in-addr", b"arpa"): 8, (b"ip6", b"arpa"): 32}
"""How many digits an address has below each top."""


class NamedAddresses:
    """Sorted addresses with a name, as hexadecimal digits. Made at the first question; then kept up to date."""

    def __init__(self, exposed: Exposed, named: Named) -> None:
        self._exposed = exposed
        self._named = named
        self._digits: dict[int, list[str]] | None = None

    def any_below(self, labels: tuple[bytes, ...], keep: bool) -> bool:
        """Whether a reverse name lies below `labels`, a name at or under in-addr.arpa or ip6.arpa.

        `keep`: changes will be told through `moved`, so what was found may be kept.
        """
        size = _ARPA.get(labels[-2:])
        prefix = _prefix(labels) if size else None
        if size is None or prefix is None:
            return False
        known = self._digits if self._digits is not None else self._gather()
        if keep:
            self._digits = known
        at = bisect_left(known[size], prefix)
        return at < len(known[size]) and known[size][at].startswith(prefix)

    def forget(self) -> None:
        self._digits = None

    def moved(self, moved: Dependencies) -> None:
        """Look again at the addresses that moved."""
        if self._digits is None:
            return
        for kind, key in moved:
            if kind is Rests.NAMESPACE:
                self._digits = None
                return
            if kind is Rests.IP:
                self._look(key)
            elif kind is Rests.SERVICE:
                namespace, _, name = key.partition("/")
                for address in self._of_service(namespace, name):
                    self._look(address)

    def _look(self, address: str) -> None:
        assert self._digits is not None
        digits = packed(address).hex()
        known = self._digits[len(digits)]
        at = bisect_left(known, digits)
        there = at < len(known) and known[at] == digits
        if self._named(address) and not there:
            insort(known, digits)
        elif there and not self._named(address):
            del known[at]

    def _gather(self) -> dict[int, list[str]]:
        addresses = {a for s in self._exposed.services() for a in self._of_service(s.namespace, s.name)}
        found = sorted(packed(address).hex() for address in addresses if self._named(address))
        return {size: [digits for digits in found if len(digits) == size] for size in _ARPA.values()}

    def _of_service(self, namespace: str, name: str) -> Iterable[str]:
        service = self._exposed.service(namespace, name)
        yield from service.addresses if service is not None else ()
        for item in self._exposed.slices(namespace, name):
            for endpoint in item.endpoints:
                yield endpoint.address


def _prefix(labels: tuple[bytes, ...]) -> str | None:
    """The first digits of the addresses below a reverse name; None when there can be none."""
    parts = [label.decode("latin-1") for label in labels[-3::-1]]
    if labels[-2] == b"ip6":
        digits = "".join(parts)
        fits = len(parts) < 32 and all(len(part) == 1 and part in "0123456789abcdef" for part in parts)
        return digits if fits else None
    plain = len(parts) < 4 and all(p.isascii() and p.isdigit() and len(p) < 4 and str(int(p)) == p for p in parts)
    if not plain or any(int(part) > 255 for part in parts):
        return None
    return "".join(f"{int(part):02x}" for part in parts)
