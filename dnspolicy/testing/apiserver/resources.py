"""The kinds of objects the fake API server holds, where they are served and what they can be selected by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

Manifest = dict[str, Any]
"""An object as JSON has it."""


class Resource(msgspec.Struct, frozen=True, eq=False):
    """`fields` can stand in a field selector. `blank` is what an empty object of this kind has beside its metadata.

    Not all resources can be `watched`.
    """

    plural: str
    kind: str
    version: str
    namespaced: bool
    fields: tuple[str, ...] = ()
    blank: tuple[tuple[str, Any], ...] = ()
    watched: bool = True

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
_RBAC = "rbac.authorization.k8s.io"
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
    Resource("configmaps", "ConfigMap", "v1", True),
    Resource("roles", "Role", f"{_RBAC}/v1", True, (), (("rules", None),)),
    Resource("clusterroles", "ClusterRole", f"{_RBAC}/v1", False, (), (("rules", None),)),
    Resource("rolebindings", "RoleBinding", f"{_RBAC}/v1", True, (), (("roleRef", {}),)),
    Resource("clusterrolebindings", "ClusterRoleBinding", f"{_RBAC}/v1", False, (), (("roleRef", {}),)),
    Resource("pods", "PodMetrics", "metrics.k8s.io/v1beta1", True, watched=False),
    Resource("nodes", "NodeMetrics", "metrics.k8s.io/v1beta1", False, watched=False),
)
"""What is served from the start; `FakeApiServer.serve` adds others."""
BY_KIND = {resource.kind: resource for resource in RESOURCES}


def by_path(path: str, resources: Iterable[Resource] = RESOURCES) -> tuple[Resource, str] | None:
    """The resource and the namespace (empty for all) that a collection's path names."""
    for resource in resources:
        if path == f"{resource.root}/{resource.plural}":
            return resource, ""
        prefix, suffix = f"{resource.root}/namespaces/", f"/{resource.plural}"
        middle = path[len(prefix) : -len(suffix)]
        if resource.namespaced and path == prefix + middle + suffix and middle and "/" not in middle:
            return resource, middle
    return None


def discovered(path: str, resources: Iterable[Resource]) -> Manifest | None:
    """What the API says of itself at `/api/v1`, `/apis/GROUP` and `/apis/GROUP/VERSION`; None elsewhere."""
    here = [resource for resource in resources if resource.root == path]
    if here:
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": here[0].version,
            "resources": [_described(resource) for resource in here],
        }
    group = path.removeprefix("/apis/")
    versions = dict.fromkeys(resource.version for resource in resources if resource.group == group)
    if not group or not versions:
        return None
    named = [{"groupVersion": version, "version": version.rpartition("/")[2]} for version in versions]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": named, "preferredVersion": named[0]}


def _described(resource: Resource) -> Manifest:
    verbs = ["get", "list", "watch"] if resource.watched else ["get", "list"]
    described = {"name": resource.plural, "singularName": "", "namespaced": resource.namespaced}
    return described | {"kind": resource.kind, "verbs": verbs}
