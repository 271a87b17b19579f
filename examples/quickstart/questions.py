"""What the demo asks."""

from __future__ import annotations

import msgspec

from dnspolicy.model.query import Transport

WEB = "127.10.1.1"
WEB_DEV = "127.10.2.1"
JOB = "127.10.1.3"
BIRCH_API = "127.20.1.1"
NODE = "127.1.0.1"
NOBODY = "127.99.0.9"


class Question(msgspec.Struct, frozen=True):
    """`source` is the address it is asked from: that of a pod, a node or nobody."""

    source: str
    name: str
    type: str = "A"
    transport: Transport = Transport.UDP


class Theme(msgspec.Struct, frozen=True):
    """Questions that show one thing."""

    title: str
    questions: tuple[Question, ...]


THEMES = (
    Theme(
        "A pod sees its own tenant and what is shared …",
        (
            Question(WEB, "db.acorn-prod.svc.cluster.local"),
            Question(WEB, "_sql._tcp.db.acorn-prod.svc.cluster.local", "SRV", Transport.TCP),
            Question(WEB, "20.1.96.10.in-addr.arpa", "PTR"),
            Question(WEB, "registry.platform.svc.cluster.local"),
        ),
    ),
    Theme(
        "… and nothing of another tenant: every type, reverse look-ups and names that do not exist look alike",
        (
            Question(WEB, "db.birch.svc.cluster.local"),
            Question(WEB, "db.birch.svc.cluster.local", "AAAA", Transport.TCP),
            Question(WEB, "_sql._tcp.db.birch.svc.cluster.local", "SRV"),
            Question(WEB, "20.2.96.10.in-addr.arpa", "PTR"),
            Question(WEB, "there-is-no.birch.svc.cluster.local"),
            Question(WEB, "db.no-such-namespace.svc.cluster.local"),
            Question(BIRCH_API, "db.birch.svc.cluster.local"),
        ),
    ),
    Theme(
        "One name, an answer for each environment",
        (
            Question(WEB, "db.internal.example"),
            Question(WEB_DEV, "db.internal.example"),
            Question(BIRCH_API, "db.internal.example"),
            Question(WEB, "api.payments.example"),
            Question(WEB_DEV, "api.payments.example"),
            Question(WEB_DEV, "db.acorn-prod.svc.cluster.local"),
        ),
    ),
    Theme(
        "The outside world: names, where aliases lead, addresses in the answer, and a list that is only tried out",
        (
            Question(BIRCH_API, "www.shop.example"),
            Question(BIRCH_API, "beacon.c2.example"),
            Question(WEB, "metrics.acorn-prod.svc.cluster.local"),
            Question(WEB, "promo.example", "A", Transport.TCP),
            Question(BIRCH_API, "home.dyn.example"),
        ),
    ),
    Theme(
        "Who is no known pod gets next to nothing, and so does a pod in quarantine (examples/quickstart/policies)",
        (
            Question(NOBODY, "web.acorn-prod.svc.cluster.local"),
            Question(NODE, "db.birch.svc.cluster.local"),
            Question(NODE, "kubernetes.default.svc.cluster.local"),
            Question(JOB, "web.acorn-prod.svc.cluster.local"),
        ),
    ),
)
