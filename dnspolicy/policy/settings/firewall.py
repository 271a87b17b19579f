"""What `firewall` and `opa` blocks of CoreDNS's policy plugins say."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from dnspolicy.corefile.schema import Positional, Rest
from dnspolicy.policy.firewall import Asked, Direction, RuleList, rule_of
from dnspolicy.policy.firewall.fields import field_of
from dnspolicy.policy.firewall.syntax import BadCondition
from dnspolicy.policy.settings.opa import Address, parse

USUAL_FIELDS = ("client_ip", "name", "rcode", "response_ip")
"""What an engine is told unless `fields` says otherwise."""


class FirewallLines(msgspec.Struct, frozen=True, kw_only=True):
    """`firewall query|response { ACTION EXPRESSION … opa ENGINE … }`."""

    direction: Annotated[Direction, Positional]
    lines: Annotated[tuple[tuple[str, ...], ...], Rest] = ()

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("expected rules, such as `allow client_ip == '192.0.2.1'`")
        self.rules()

    def rules(self) -> RuleList:
        """The lines as rules. Raises ValueError naming the rule."""
        found = []
        for number, (word, *rest) in enumerate(self.lines, 1):
            try:
                found.append(_asked(rest) if word == "opa" else rule_of(self.direction, word, rest))
            except BadCondition as problem:
                raise ValueError(f"rule {number}: {problem}") from None
        return RuleList(self.direction, tuple(found))


def _asked(words: list[str]) -> Asked:
    if len(words) != 1:
        raise BadCondition("after opa stands the name of an engine")
    return Asked(words[0])


class FirewallOpa(msgspec.Struct, frozen=True, kw_only=True):
    """`opa ENGINE { endpoint URL; tls CERT KEY CA; fields FIELD… }`."""

    name: Annotated[str, Positional]
    endpoint: str
    tls: tuple[str, ...] = ()
    fields: tuple[str, ...] = USUAL_FIELDS

    def __post_init__(self) -> None:
        for name in self.fields:
            field_of(name)
        self.address  # noqa: B018 raises ValueError
        if len(self.tls) not in (0, 3):
            raise ValueError("after tls stand a certificate, its key, and the authorities of the engine's certificate")
        if self.tls and not self.address.tls:
            raise ValueError("`tls` is for https:// only")

    @property
    def address(self) -> Address:
        """Where it listens. Raises ValueError."""
        url = urlsplit(self.endpoint)
        if not url.path.strip("/") or url.query or url.fragment:
            raise ValueError(
                f"{self.endpoint!r}: expected the whole URL of a rule, such as http://HOST:8181/v1/data/dns/action"
            )
        return parse(f"{url.scheme}://{url.netloc}")

    @property
    def target(self) -> str:
        """The path of the rule on that server."""
        return urlsplit(self.endpoint).path
