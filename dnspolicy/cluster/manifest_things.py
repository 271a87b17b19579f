"""Objects of any kind out of a folder of manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.cluster.folder import Files, Folder, Look
from dnspolicy.cluster.objects import Thing, key_of
from dnspolicy.cluster.raw import BadObject
from dnspolicy.cluster.things import Collection, TooMuch, Trimmer, Wanted
from dnspolicy.corefile.selector import parse_selector

_CLUSTER_WIDE = frozenset(
    (
        "APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "CSIDriver", "CSINode",
        "CustomResourceDefinition", "FlowSchema", "GatewayClass", "IngressClass", "MutatingWebhookConfiguration",
        "Namespace", "Node", "NodeMetrics", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration",
        "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttachment",
    )
)  # fmt: skip
_PLURALS = {"Endpoints": "endpoints", "PodMetrics": "pods", "NodeMetrics": "nodes"}
MAX_LISTS = 8
"""Lists within lists."""


def plural_of(kind: str) -> str:
    """The resource of a kind, guessed as kubectl does where nobody can be asked."""
    lower = kind.lower()
    if kind in _PLURALS:
        return _PLURALS[kind]
    if lower.endswith("s"):
        return f"{lower}es"
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"


class ThingDecoder:
    """Takes what is wanted out of documents. `wide` says whether the kind was seen to have no namespaces."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._trimmer = Trimmer(wanted)
        self._selector = parse_selector(wanted.selector)
        self.wide = False

    def decode(self, document: object) -> list[Thing]:
        """The things of a document: JSON bytes, or what a YAML parser made of it. Raises BadObject."""
        if isinstance(document, bytes):
            try:
                document = msgspec.json.decode(document)
            except (msgspec.DecodeError, ValueError) as problem:
                raise BadObject("", f"not JSON: {problem}") from None
        return self._decode(document, "", "", MAX_LISTS)

    def _decode(self, document: Any, version: str, kind: str, left: int) -> list[Thing]:
        if not isinstance(document, dict):
            raise BadObject("", "expected a Kubernetes object with apiVersion and kind")
        version, kind = str(document.get("apiVersion") or version), str(document.get("kind") or kind)
        items = document.get("items")
        if kind.endswith("List") and isinstance(items, list) and left:
            single = kind.removesuffix("List")
            found = [self._decode(item, version if single else "", single, left - 1) for item in items]
            return [thing for things in found for thing in things]
        group = version.rpartition("/")[0]
        if group != self._wanted.group or plural_of(kind) != self._wanted.resource:
            return []
        self.wide = kind in _CLUSTER_WIDE
        thing = self._trimmer.trim(document, not self.wide)
        return [thing] if self._is_meant(document, thing) else []

    def _is_meant(self, document: Any, thing: Thing) -> bool:
        wanted = self._wanted
        here = (not wanted.namespace or thing.namespace == wanted.namespace) and wanted.name in ("", thing.name)
        labels = document.get("metadata", {}).get("labels") or {}
        return here and isinstance(labels, dict) and self._selector.accepts({k: str(v) for k, v in labels.items()})


class FolderFollower:
    """Fills a collection from a folder, whenever it is told to look."""

    def __init__(self, folder: Path, collection: Collection) -> None:
        self.collection = collection
        self.ended = False
        self._decoder = ThingDecoder(collection.wanted)
        self._folder = Folder(folder, self._decoder)
        self._files: Files = {}

    async def end(self) -> None:
        self.ended = True

    def look(self) -> Look:
        """See what is there. Touches no state, so it may run in a thread."""
        return self._folder.look(self._files, settle=bool(self._files))

    def take(self, look: Look) -> None:
        """What was seen goes into the collection. What is wrong with a file is said by the source."""
        self._files = look.files
        self.collection.namespaced = not self._decoder.wide
        self.collection.note_news()
        found = [thing for path in sorted(look.files) for thing in look.files[path].objects if isinstance(thing, Thing)]
        keys = {key_of(thing) for thing in found}
        gone = [key for key in map(key_of, self.collection.held()) if key not in keys]
        try:
            self.collection.apply(found, gone, (True,))
        except TooMuch as problem:
            self.collection.explain(None, str(problem))
        else:
            self.collection.explain(None, look.unreadable)
