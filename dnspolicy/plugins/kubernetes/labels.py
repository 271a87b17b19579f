"""What the room says of a query under labels `kubernetes/…` and `client/…`."""

from __future__ import annotations

from dnspolicy.chain.metadata import Subject
from dnspolicy.chain.plugin import NO_FACTS, ClientFact
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import Name, label_text
from dnspolicy.plugins.kubernetes.zone import Zones
from dnspolicy.policy.footprint import EXISTS

OWN = "kubernetes/"
AMBIGUOUS = "client/ambiguous"
_CLIENT_LABEL = "client-label/"
_PARSE_ERROR = "parse-error"
_INVALID = "invalid query name"
_SHAPE = ("kind", "namespace", "service", "endpoint", "port-name", "protocol")
_TREES = (b"svc", b"pod")
_SHARED = (ClientKind.AMBIGUOUS, ClientKind.HOST)


class Labels:
    """`clients`: labels of clients are given, because pods are known by their addresses (`pods verified`)."""

    def __init__(self, zones: Zones, clients: bool) -> None:
        self._zones = zones
        self._clients = clients

    def describe(self, label: str, subject: Subject) -> str | None:
        """The value of a label, empty when it does not apply; None for one that is none of these."""
        if label == AMBIGUOUS:
            return "true" if self._clients and subject.identity.kind in _SHARED else ""
        if not label.startswith(OWN):
            return None
        word = label.removeprefix(OWN)
        if word in _SHAPE or word == _PARSE_ERROR:
            return self._shape(subject.query.name).get(word, "")
        return _of_client(word, subject.identity) if self._clients else ""

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        """The client facts a value can come from."""
        if not self._clients:
            return NO_FACTS
        if label == AMBIGUOUS:
            return frozenset({("kind",)})
        word = label.removeprefix(OWN) if label.startswith(OWN) else ""
        if word == "client-namespace":
            return frozenset({("namespace",)})
        if word == "client-pod-name":
            return frozenset({("pod",)})
        if not word.startswith(_CLIENT_LABEL):
            return NO_FACTS
        key = word.removeprefix(_CLIENT_LABEL)
        return frozenset({("labels",) if key == EXISTS else ("labels", key)})

    def _shape(self, name: Name) -> dict[str, str]:
        """The parts of a name as CoreDNS reads it: `[ENDPOINT|_PORT._PROTOCOL].SERVICE.NAMESPACE.KIND.ZONE`."""
        zone = self._zones.of(name.labels)
        if zone is None:
            return {}
        parts = name.labels[: len(name.labels) - zone.size][::-1]
        if parts and (parts[0] not in _TREES or len(parts) > 5):
            return {_PARSE_ERROR: _INVALID}
        if len(parts) < 2:
            return {}
        texts = [label_text(part) for part in parts]
        found = dict(zip(_SHAPE, texts[:4], strict=False))
        if len(texts) == 5:
            del found["endpoint"]
            found["protocol"], found["port-name"] = (text.removeprefix("_") for text in texts[3:])
        return found


def _of_client(word: str, identity: Identity) -> str:
    if identity.kind is not ClientKind.POD:
        return ""
    if word == "client-namespace":
        return identity.namespace or ""
    if word == "client-pod-name":
        return identity.pod or ""
    return identity.labels.get(word.removeprefix(_CLIENT_LABEL), "") if word.startswith(_CLIENT_LABEL) else ""
