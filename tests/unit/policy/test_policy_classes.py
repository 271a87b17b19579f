"""Clients sorted into the classes that a policy makes."""

from __future__ import annotations

import pytest

from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.policy.classes import Share, classes, shown
from dnspolicy.policy.footprint import EXISTS, Path

APPS = ("web", "db", "job", "mail")


def pod(number: int, namespace: str, app: str) -> Identity:
    return Identity(
        ClientKind.POD, "a pod", f"10.0.0.{number}", namespace, f"{app}-{number}", labels={"app": app, "n": str(number)}
    )


CLIENTS = [pod(n, f"space-{n % 3}", APPS[n % 4]) for n in range(24)]


@pytest.mark.parametrize(
    ("facts", "count", "largest"),
    [
        ((), 1, 24),
        ((("namespace",),), 3, 8),
        ((("namespace",), ("labels", "app")), 12, 2),
        ((("pod",),), 24, 1),
        (((),), 24, 1),
        ((("labels", "nothing"),), 1, 24),
    ],
    ids=["nothing", "namespace", "namespace and app", "pod", "all", "a label nobody has"],
)
def test_how_many(facts: tuple[Path, ...], count: int, largest: int) -> None:
    found = classes(facts, CLIENTS)
    assert (found.clients, found.classes, found.largest) == (24, count, largest)


def test_what_makes_them() -> None:
    facts: list[Path] = [("namespace",), ("labels", "app"), ("kind",)]
    assert classes(facts, CLIENTS).shares == (
        Share(("labels", "app"), 4, 3),
        Share(("namespace",), 3, 4),
        Share(("kind",), 1, 12),
    )


def test_no_clients() -> None:
    assert classes([("namespace",)], []).classes == 0


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("labels", "app.kubernetes.io/name"), 'client.labels["app.kubernetes.io/name"]'),
        (("owner", "kind"), "client.owner.kind"),
        (("owner", EXISTS), "client.owner (whether it is there)"),
        ((), "client"),
    ],
    ids=["label", "owner", "exists", "all"],
)
def test_paths_as_people_write_them(path: Path, text: str) -> None:
    assert shown(path, "client") == text
