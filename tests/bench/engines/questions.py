"""What engines are asked: pods of the small cluster, and names of which none comes twice."""

from __future__ import annotations

from dnspolicy.model.identity import ClientKind, Identity, Owner
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.target import Target, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.input import PolicyInput
from tests.bench import cluster

COUNT = 20_000
"""More than anything remembers parts of questions for."""


def clients() -> list[Identity]:
    """The pods that ask, as the index knows them."""
    return [_client(number) for number in range(len(cluster.CLIENTS))]


def _client(number: int) -> Identity:
    app = f"svc-{number % cluster.SERVICES:03d}"
    return Identity(
        ClientKind.POD,
        "pod with this address",
        cluster.CLIENTS[number],
        namespace=f"ns-{number % cluster.NAMESPACES}",
        pod=f"pod-{number}",
        uid=f"uid-{number}",
        labels={"app": app, "version": f"v{number % 4}", "environment": ("dev", "prod")[number % 2]},
        namespace_labels={"team": f"team-{number % 3}", "environment": ("dev", "prod")[number % 2]},
        service_account="default",
        node=f"node-{number % 5}",
        zone=f"zone-{number % 3}",
        owner=Owner("Deployment", app),
    )


def questions(count: int = COUNT) -> list[PolicyInput]:
    """Names that do not exist, as the server asks about them."""
    asking = clients()
    found = []
    for number, text in enumerate(cluster.missing(count, "asked")):
        labels = text.split(".")
        target = Target(TargetKind.SERVICE, labels[1], labels[0], namespace_labels={"team": f"team-{number % 3}"})
        name = from_text(text)
        found.append(PolicyInput(Phase.QUERY, asking[number % len(asking)], Query(name, 1, name), target))
    return found
