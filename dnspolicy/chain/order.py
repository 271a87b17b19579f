"""The order of the chain. Server blocks list rooms in any order; this one counts."""

from __future__ import annotations

ORDER: tuple[str, ...] = (
    "metadata",  # no part in answering: says what others may show or test
    "view",  # chooses the server block, before its chain is asked
    "reload",  # no part in answering; listed so that every directive has a place
    "bufsize",  # kept by the front door
    "bind",
    "health",
    "ready",
    "prometheus",  # counts what leaves, so it is outside of all that answers
    "audit",  # one record per query: sees the final answer under the name that was asked
    "alarms",  # no part in answering: counts what clients ask, and tells the cluster who is unusual
    "errors",  # names what failed below; the outermost catcher is built in and not a room
    "log",
    "local",  # answers for this machine alone; nobody's policy concerns them
    "dns64",  # makes addresses out of what all rooms below answered
    "any",
    "chaos",
    "loadbalance",  # turns the final records, also those a policy made
    "rewrite",  # above acl and policy: they judge the name that is really resolved
    "autopath",  # above acl and policy: each candidate is judged like a name the client typed
    "acl",
    "identity",  # built in; before anyone asks who the client is
    "firewall",  # in the place of a policy, which it becomes
    "policy",  # above the cache: a client's verdict never enters storage that another client reads
    "cache",  # facts about names only
    "header",
    "minimal",
    "template",
    "transfer",  # above those who hold zones: it decides who may have one
    "hosts",  # local overrides win over the cluster, as in CoreDNS
    "kubernetes",
    "file",
    "loop",  # beside forward: sees what forwarding brings back
    "forward",  # last: what nobody here knows
)
