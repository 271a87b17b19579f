"""Corefiles made from every room, for finding out whether finished answers are exact."""

from __future__ import annotations

from hypothesis import strategies as st

COREFILE = """
{blocks}
. {{
    bind 127.0.0.1
    policy {{
        rego policy
        timeout 10s
    }}
    hosts {{
        192.0.2.7 static.example
        ttl 60
        fallthrough
    }}
    kubernetes cluster.local in-addr.arpa {{
        manifests cluster
        pods verified
        ttl 7
    }}
    {rooms}
}}
"""
ROOMS = {
    "cache 30": ("static.example", "web.red.svc.cluster.local"),
    "cache 30 {\n serve_stale\n servfail 0s\n }": ("static.example", "gone.red.svc.cluster.local"),
    "acl red.svc.cluster.local {\n block type A net 127.10.0.1/32\n filter net 127.10.0.2/31\n }": (
        "web.red.svc.cluster.local",
        "db.red.svc.cluster.local",
    ),
    "acl {\n drop type TXT net 127.99.0.0/16\n }": ("static.example",),
    "autopath @kubernetes": (
        "web.red.red.svc.cluster.local",
        "web.blue.blue.svc.cluster.local",
        "static.example.red.svc.cluster.local",
        "gone.red.red.svc.cluster.local",
    ),
    "metadata": ("made.example",),
    "minimal": ("web.red.svc.cluster.local", "_http._tcp.web.red.svc.cluster.local"),
    "any": ("static.example",),
    "local": ("localhost.red.svc.cluster.local", "localhost"),
    "bufsize 512": ("db.blue.svc.cluster.local",),
    "dns64": ("web.red.svc.cluster.local", "static.example"),
    "header {\n response set ra\n response clear aa\n }": ("web.red.svc.cluster.local",),
    "rewrite name exact short.example static.example": ("short.example", "SHORT.example"),
    "rewrite name suffix .internal .svc.cluster.local answer auto": ("web.red.internal", "db.blue.internal"),
    "rewrite ttl exact static.example 15": ("static.example", "alias.example"),
    "rewrite continue {\n edns0 local set 0xffee {client_ip}\n }": ("static.example",),
    'template IN A made.example {\n answer "{{ .Name }} 60 IN A 192.0.2.60"\n }': ("made.example",),
    'template IN TXT made.example {\n answer "{{ .Name }} 60 IN TXT \\"{{ .Remote }}\\""\n }': ("made.example",),
    'metadata\n template IN ANY made.example {\n match "^(?P<n>[a-z]*)"\n'
    ' answer "{{ .Name }} 60 IN CNAME {{ .Meta \\"kubernetes/client-namespace\\" }}.example."\n }': ("made.example",),
    "file zone.db zone.example": ("a.wild.zone.example", "away.zone.example"),
    "loadbalance": ("db.red.svc.cluster.local", "db.blue.svc.cluster.local"),
}
"""What a Corefile may have beside the policy, with names it has something to say about."""
BLOCKS = {
    "": (),
    ". {\n bind 127.0.0.1\n view red {\n expr metadata('kubernetes/client-namespace') == 'red'\n }\n metadata\n"
    " kubernetes cluster.local {\n manifests cluster\n pods verified\n }\n"
    " hosts {\n 192.0.2.99 static.example\n }\n}": (
        "static.example",
        "web.red.svc.cluster.local",
    ),
    "example {\n bind 127.0.0.1\n view near {\n expr incidr(client_ip(), '127.10.0.2/31') && type() == 'A'\n }\n"
    " hosts {\n 192.0.2.98 static.example\n }\n}": ("static.example",),
    "svc.cluster.local {\n bind 127.0.0.1\n view pods {\n expr metadata('kubernetes/client-label/app') == 'x'\n }\n"
    " metadata\n hosts {\n 192.0.2.97 web.red.svc.cluster.local\n }\n}": ("web.red.svc.cluster.local",),
}
"""Blocks that take questions before the one with the policy does."""
ZONE = """$TTL 30
@ IN SOA ns hostmaster 1 7200 1800 86400 20
@ IN NS ns
ns IN A 192.0.2.80
*.wild IN A 192.0.2.81
alias IN CNAME ns
away IN CNAME static.example.
"""


def corefile(block: str, rooms: list[str]) -> str:
    """A Corefile with `block` before the one with the policy, and `rooms` beside the policy."""
    return COREFILE.format(blocks=block, rooms="\n".join(dict.fromkeys(rooms)))


def _kind(room: str) -> str:
    """Of a kind that may stand once only."""
    return room.split()[0] if room.startswith(("cache", "metadata")) else room


@st.composite
def chains(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A Corefile, and names that its rooms have something to say about."""
    block = draw(st.sampled_from(list(BLOCKS)))
    rooms = draw(st.lists(st.sampled_from(list(ROOMS)), min_size=1, max_size=4, unique_by=_kind))
    return corefile(block, rooms), [*BLOCKS[block], *(name for room in rooms for name in ROOMS[room])]
