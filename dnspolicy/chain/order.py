"""The order of the chain. Server blocks list rooms in any order; this one counts."""

from __future__ import annotations

ORDER: tuple[str, ...] = (
    "health",  # no part in answering; listed so that every room has a place
    "ready",
    "prometheus",  # counts what leaves, so it is outside of all that answers
    "audit",  # one record per query: sees the final answer under the name that was asked
    "errors",  # names what failed below; the outermost catcher is built in and not a room
    "log",
    "loadbalance",  # turns the final records, also those a policy made
    "identity",  # built in; before anyone asks who the client is
    "policy",  # above the cache: a client's verdict never enters storage that another client reads
    "cache",  # facts about names only
    "hosts",  # local overrides win over the cluster, as in CoreDNS
    "kubernetes",
    "forward",  # last: what nobody here knows
)
