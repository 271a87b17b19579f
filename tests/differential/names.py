"""Names that exist, may exist, or nearly exist."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Iterator

import dns.reversename

from tests.differential.world import Fixtures

ZONE = "cluster.local."
_SPACES = ("shop", "bank", "kube-system", "default", "ghost", "svc", "pod")
_SEARCH = (f"shop.svc.{ZONE}", f"svc.{ZONE}", ZONE, "corp.example.")
_ODD = ("*", "_", "_http", "x", "0", "-", "a_b", "\\032", "\\000", "\\.", "\\195\\164", "x" * 63)
OUTSIDE = (
    "www.partner.test.", "broken.partner.test.", "said.partner.test.", "multi.partner.test.", "back.partner.test.",
    "many.partner.test.", "nowhere.partner.test.", "partner.test.", "test.", ".", "local.", "luster.local.",
    "xcluster.local.", "widget.local.", "www.inside.test.", "web.shop.test.", "peers.shop.test.", "ext.shop.test.",
    "shop.test.", "abc.made.test.", "a1.made.test.", "a.b.made.test.", "x.refused.test.", "refused.test.",
    "inline.partner.test.", "second.partner.test.", "listed.shop.svc.cluster.local.",
)  # fmt: skip


def existing(fixtures: Fixtures) -> list[str]:
    """Every name that some Corefile may have an answer for; in order, none twice."""
    found = [ZONE, f"svc.{ZONE}", f"pod.{ZONE}", f"dns.{ZONE}", f"ns.dns.{ZONE}", f"dns-version.{ZONE}"]
    found += [f"{space}.{kind}.{ZONE}" for space in (*fixtures["namespaces"], "ghost") for kind in ("svc", "pod")]
    for service, spec in fixtures["services"].items():
        found += [_service(service), *_ports(service, spec.get("ports", ()))]
    for one in fixtures["slices"]:
        found += [*_ports(one["svc"], one["ports"]), *_endpoints(one)]
    found += _pods(fixtures)
    found += [reverse(ip) for ip in addresses(fixtures)]
    return list(dict.fromkeys(found))


def addresses(fixtures: Fixtures) -> list[str]:
    """Of Services, endpoints and pods."""
    found = [ip for spec in fixtures["services"].values() for ip in spec.get("ip", ())]
    found += [endpoint["a"] for one in fixtures["slices"] for endpoint in one.get("ep", ())]
    found += ["10.244.7.1", "10.244.7.60", "10.244.7.61"]
    found += [ip for pod in fixtures["pods"] for ip in pod["ips"]]
    return list(dict.fromkeys(found))


def reverse(address: str) -> str:
    return dns.reversename.from_address(address).to_text()


def near(name: str, chance: random.Random) -> str:
    """A name that is nearly another one; now and then it exists too."""
    changed = chance.choice(_CHANGES)(name.rstrip(".").split("."), chance)
    text = ".".join(label for label in changed if label) + "."
    return text if len(text) < 250 and all(len(label) <= 63 or "\\" in label for label in changed) else name


def searched(name: str, chance: random.Random) -> str:
    """The name as the search list of a stub resolver makes it, from a front part of it."""
    labels = name.rstrip(".").split(".")
    front = ".".join(labels[: chance.randint(1, len(labels))])
    text = f"{front}.{chance.choice(_SEARCH)}"
    return text if front and len(text) < 250 else name


def _service(service: str) -> str:
    space, name = service.split("/")
    return f"{name}.{space}.svc.{ZONE}"


def _ports(service: str, ports: list[str]) -> Iterator[str]:
    for port in ports:
        name, protocol, _ = port.lower().split("/")
        yield f"_{name.replace('-', 'x', 1) if name == '-' else name}._{protocol}.{_service(service)}"


def _endpoints(one: Fixtures) -> Iterator[str]:
    for endpoint in one.get("ep", ()):
        for label in (endpoint.get("h"), endpoint.get("pod"), dashed(endpoint["a"])):
            if label and len(label) <= 63:
                yield f"{label}.{_service(one['svc'])}"


def _pods(fixtures: Fixtures) -> Iterator[str]:
    for pod in fixtures["pods"]:
        space = pod["name"].split("/")[0]
        for ip in pod["ips"]:
            yield f"{dashed(ip)}.{space}.pod.{ZONE}"
    for label in (
        "172-31-0-2",
        "10-244-5-1",
        "fd00-244-0-0-0-0-0-53",
        "fd00-0244--53",
        "FD00-244--53",
        "1-2-3",
        "1-2-3-4-5",
    ):
        yield f"{label}.shop.pod.{ZONE}"
    yield f"10-244-5-1.ghost.pod.{ZONE}"
    yield f"10-244-5-1.pod.{ZONE}"
    yield f"a.10-244-5-1.shop.pod.{ZONE}"
    yield f"_a._b.10-244-5-1.shop.pod.{ZONE}"


def dashed(address: str) -> str:
    return str(ipaddress.ip_address(address)).replace(".", "-").replace(":", "-")


Labels = list[str]


def _letter(labels: Labels, chance: random.Random) -> Labels:
    at = chance.randrange(len(labels))
    label = labels[at]
    if not label or "\\" in label:
        return labels
    where = chance.randrange(len(label))
    return [*labels[:at], label[:where] + chance.choice("abcxyz019-_") + label[where + 1 :], *labels[at + 1 :]]


def _without(labels: Labels, chance: random.Random) -> Labels:
    at = chance.randrange(len(labels))
    return [*labels[:at], *labels[at + 1 :]]


def _first_gone(labels: Labels, chance: random.Random) -> Labels:
    return labels[1:]


def _with(labels: Labels, chance: random.Random) -> Labels:
    at = chance.randrange(len(labels))
    return [*labels[:at], chance.choice(_ODD), *labels[at:]]


def _before(labels: Labels, chance: random.Random) -> Labels:
    return [chance.choice((*_ODD, "_tcp", "_udp", "_http._tcp", "a.b", "w1")), *labels]


def _other_space(labels: Labels, chance: random.Random) -> Labels:
    return [chance.choice(_SPACES) if label in _SPACES else label for label in labels]


def _swapped(labels: Labels, chance: random.Random) -> Labels:
    swaps = {
        "svc": "pod",
        "pod": "svc",
        "_tcp": "_udp",
        "_udp": "_tcp",
        "local": "lokal",
        "in-addr": "ip6",
        "ip6": "in-addr",
    }
    return [swaps.get(label, label) for label in labels]


def _plain(labels: Labels, chance: random.Random) -> Labels:
    return [label.lstrip("_") if chance.random() < 0.7 else label for label in labels]


_CHANGES: tuple[Callable[[Labels, random.Random], Labels], ...] = (
    _letter, _without, _first_gone, _with, _before, _other_space, _swapped, _plain,
)  # fmt: skip
