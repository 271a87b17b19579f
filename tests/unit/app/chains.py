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
ROOMS = (
    "cache 30",
    "cache 30 {\n serve_stale\n servfail 0s\n }",
    "acl red.svc.cluster.local {\n block type A net 127.10.0.1/32\n filter net 127.10.0.2/31\n }",
    "acl {\n drop type TXT net 127.99.0.0/16\n }",
    "autopath @kubernetes",
    "metadata",
    "minimal",
    "any",
    "local",
    "bufsize 512",
    "dns64",
    "header {\n response set ra\n response clear aa\n }",
    "rewrite name exact short.example static.example",
    "rewrite name suffix .internal .svc.cluster.local answer auto",
    "rewrite ttl exact static.example 15",
    "rewrite continue {\n edns0 local set 0xffee {client_ip}\n }",
    'template IN A made.example {\n answer "{{ .Name }} 60 IN A 192.0.2.60"\n }',
    'template IN TXT made.example {\n answer "{{ .Name }} 60 IN TXT \\"{{ .Remote }}\\""\n }',
    'template IN AAAA made.example {\n match "^(?P<n>[a-z]*)"\n'
    ' answer "{{ .Name }} 60 IN CNAME {{ .Meta \\"kubernetes/client-namespace\\" }}.example."\n }',
    "file zone.db zone.example",
    "loadbalance",
)
BLOCKS = (
    "",
    ". {\n bind 127.0.0.1\n view red {\n expr metadata('kubernetes/client-namespace') == 'red'\n }\n metadata\n"
    " kubernetes cluster.local {\n manifests cluster\n pods verified\n }\n hosts {\n 192.0.2.99 static.example\n }\n}",
    "example {\n bind 127.0.0.1\n view near {\n expr incidr(client_ip(), '127.10.0.2/31') && type() == 'A'\n }\n"
    " hosts {\n 192.0.2.98 static.example\n }\n}",
    "svc.cluster.local {\n bind 127.0.0.1\n view pods {\n expr metadata('kubernetes/client-label/app') == 'x'\n }\n"
    " metadata\n hosts {\n 192.0.2.97 web.red.svc.cluster.local\n }\n}",
)
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


def _once(room: str) -> str:
    return "cache" if room.startswith("cache") else room


corefiles = st.builds(corefile, st.sampled_from(BLOCKS), st.lists(st.sampled_from(ROOMS), max_size=6, unique_by=_once))
