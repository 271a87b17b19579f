"""The kinds of objects the fake API server holds, where they are served and what they can be selected by."""

from __future__ import annotations

from typing import Any

import msgspec

Manifest = dict[str, Any]
"""An object as JSON has it."""


class Resource(msgspec.Struct, frozen=True, eq=False):
    """`fields` can stand in a field selector. `blank` is what an empty object of this kind has beside its metadata."""

    plural: str
    kind: str
    version: str
    namespaced: bool
    fields: tuple[str, ...] = ()
    blank: tuple[tuple[str, Any], ...] = ()

    @property
    def group(self) -> str:
        return self.version.rpartition("/")[0]

    @property
    def root(self) -> str:
        """The path below which the resource is served."""
        return f"/apis/{self.version}" if self.group else f"/api/{self.version}"


_PODS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
RESOURCES = (
    Resource("namespaces", "Namespace", "v1", False, ("status.phase",), (("spec", {}), ("status", {}))),
    Resource("nodes", "Node", "v1", False, ("spec.unschedulable",), (("spec", {}), ("status", {}))),
    Resource("pods", "Pod", "v1", True, _PODS, (("spec", {"containers": None}), ("status", {}))),
    Resource(
        "services",
        "Service",
        "v1",
        True,
        ("spec.clusterIP", "spec.type"),
        (("spec", {}), ("status", {"loadBalancer": {}})),
    ),
    Resource(
        "endpointslices",
        "EndpointSlice",
        "discovery.k8s.io/v1",
        True,
        (),
        (("addressType", ""), ("endpoints", None), ("ports", None)),
    ),
)
BY_KIND = {resource.kind: resource for resource in RESOURCES}
BY_PLURAL = {resource.plural: resource for resource in RESOURCES}


def by_path(path: str) -> tuple[Resource, str] | None:
    """The resource and the namespace (empty for all) that a collection's path names."""
    for resource in RESOURCES:
        if path == f"{resource.root}/{resource.plural}":
            return resource, ""
        prefix, suffix = f"{resource.root}/namespaces/", f"/{resource.plural}"
        middle = path[len(prefix) : -len(suffix)]
        if resource.namespaced and path == prefix + middle + suffix and middle and "/" not in middle:
            return resource, middle
    return None
