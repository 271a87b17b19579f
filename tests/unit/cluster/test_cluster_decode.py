"""Kubernetes documents → trimmed objects, the same from JSON bytes and from parsed YAML."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.cluster.decode import Decoder
from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Namespace, Node, Object, Pod, Port, Service, ServiceKind
from dnspolicy.cluster.raw import BadObject
from dnspolicy.model.identity import Owner


def document(kind: str, version: str = "v1", **parts: Any) -> dict[str, Any]:
    parts.setdefault("metadata", {"name": "x"})
    return {"apiVersion": version, "kind": kind, **parts}


def slice_of(**parts: Any) -> dict[str, Any]:
    return document("EndpointSlice", "discovery.k8s.io/v1", **parts)


def both(parsed: object) -> list[Object]:
    """Decoded as bytes and as what a parser gives; they are the same."""
    decoder = Decoder()
    found = decoder.decode(json.dumps(parsed).encode())
    assert decoder.decode(parsed) == found
    return found


def one(parsed: object) -> Any:
    (found,) = both(parsed)
    return found


def test_namespace() -> None:
    found = one(document("Namespace", metadata={"name": "shop", "labels": {"env": "prod"}}))

    assert found == Namespace("shop", {"env": "prod"})


def test_node() -> None:
    found = one(
        document(
            "Node",
            metadata={"name": "n1.example", "labels": {"topology.kubernetes.io/zone": "eu-1"}},
            spec={"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd00:1::/64"]},
            status={
                "addresses": [
                    {"type": "InternalIP", "address": "192.0.2.1"},
                    {"type": "ExternalIP", "address": "2001:DB8::1"},
                    {"type": "Hostname", "address": "n1"},
                ]
            },
        )
    )

    assert found == Node(
        "n1.example",
        ("192.0.2.1", "2001:db8::1"),
        {"topology.kubernetes.io/zone": "eu-1"},
        "eu-1",
        ("10.1.0.0/24", "fd00:1::/64"),
    )


@pytest.mark.parametrize(
    ("spec", "kind", "addresses", "external"),
    [
        pytest.param({"clusterIP": "10.96.0.1"}, ServiceKind.CLUSTER_IP, ("10.96.0.1",), "", id="one address"),
        pytest.param(
            {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "FD96:0::1"]},
            ServiceKind.CLUSTER_IP,
            ("10.96.0.1", "fd96::1"),
            "",
            id="dual stack",
        ),
        pytest.param({"clusterIP": "None"}, ServiceKind.HEADLESS, (), "", id="headless"),
        pytest.param(
            {"clusterIP": "None", "clusterIPs": ["None"]}, ServiceKind.HEADLESS, (), "", id="headless in both"
        ),
        pytest.param({"clusterIPs": ["None"]}, ServiceKind.HEADLESS, (), "", id="headless in the list"),
        pytest.param(
            {"type": "LoadBalancer", "clusterIP": "10.96.0.1"},
            ServiceKind.CLUSTER_IP,
            ("10.96.0.1",),
            "",
            id="other types",
        ),
        pytest.param(
            {"type": "ExternalName", "externalName": "db.example."},
            ServiceKind.EXTERNAL_NAME,
            (),
            "db.example.",
            id="external name",
        ),
        pytest.param({"clusterIP": ""}, ServiceKind.CLUSTER_IP, (), "", id="no address yet"),
        pytest.param({}, ServiceKind.CLUSTER_IP, (), "", id="nothing said"),
        pytest.param(None, ServiceKind.CLUSTER_IP, (), "", id="no spec"),
    ],
)
def test_services(spec: object, kind: ServiceKind, addresses: tuple[str, ...], external: str) -> None:
    found = one(document("Service", metadata={"name": "web", "namespace": "shop"}, spec=spec))

    assert found == Service("shop", "web", kind, addresses, (), external)


def test_ports() -> None:
    ports = [{"port": 80}, {"port": 53, "name": "dns", "protocol": "UDP"}, {"port": 9, "name": "s", "protocol": "SCTP"}]
    found = one(document("Service", spec={"ports": ports}))

    assert found.ports == (Port("", "tcp", 80), Port("dns", "udp", 53), Port("s", "sctp", 9))
    assert found.namespace == "default"


def test_endpoint_slice() -> None:
    found = one(
        slice_of(
            metadata={"name": "web-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
            addressType="IPv4",
            endpoints=[
                {
                    "addresses": ["10.1.0.1", "10.1.0.2"],
                    "conditions": {"ready": True},
                    "hostname": "web-0",
                    "targetRef": {"kind": "Pod", "name": "web-0"},
                    "nodeName": "n1",
                    "zone": "eu-1",
                },
                {"addresses": ["10.1.0.3"], "conditions": {"ready": None}},
                {"addresses": ["10.1.0.4"]},
                {"addresses": ["10.1.0.5"], "conditions": {"ready": False, "serving": True}},
                {"addresses": ["10.1.0.6"], "targetRef": {"kind": "Node", "name": "n1"}},
            ],
            ports=[{"port": 8080, "name": "http", "protocol": "TCP"}, {"name": "", "port": None}],
        )
    )

    assert found == EndpointSlice(
        "shop",
        "web-1",
        "web",
        (
            Endpoint("10.1.0.1", True, "web-0", "web-0", "n1", "eu-1"),
            Endpoint("10.1.0.2", True, "web-0", "web-0", "n1", "eu-1"),
            Endpoint("10.1.0.3"),
            Endpoint("10.1.0.4"),
            Endpoint("10.1.0.6"),
        ),
        (Port("http", "tcp", 8080),),
        {"kubernetes.io/service-name": "web"},
    )


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"endpoints": None, "ports": None}, id="nulls"),
        pytest.param({}, id="nothing"),
        pytest.param(
            {"addressType": "FQDN", "endpoints": [{"addresses": ["db.example"]}]}, id="names instead of addresses"
        ),
    ],
)
def test_slices_without_endpoints(parts: dict[str, Any]) -> None:
    assert one(slice_of(**parts)) == EndpointSlice("default", "x", "")


def test_pod() -> None:
    found = one(
        document(
            "Pod",
            metadata={
                "name": "web-7d9f8b6c5d-x2x4z",
                "namespace": "shop",
                "uid": "u1",
                "labels": {"pod-template-hash": "7d9f8b6c5d"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "web-7d9f8b6c5d", "controller": True}],
            },
            spec={"nodeName": "n1", "serviceAccountName": "frontend", "containers": [{"name": "web"}]},
            status={
                "phase": "Running",
                "podIP": "::ffff:10.1.0.1",
                "podIPs": [{"ip": "10.1.0.1"}, {"ip": "FD00:0::1"}],
                "startTime": "2026-01-01T00:00:00Z",
            },
        )
    )

    assert found == Pod(
        "shop",
        "web-7d9f8b6c5d-x2x4z",
        "u1",
        ("10.1.0.1", "fd00::1"),
        started=1_767_225_600.0,
        labels={"pod-template-hash": "7d9f8b6c5d"},
        service_account="frontend",
        node="n1",
        owner=Owner("Deployment", "web"),
    )


@pytest.mark.parametrize(
    ("parts", "finished", "leaving", "host_network"),
    [
        pytest.param({"status": {"phase": "Running"}}, False, False, False, id="running"),
        pytest.param({"status": {"phase": "Pending"}}, False, False, False, id="pending"),
        pytest.param({"status": {"phase": "Unknown"}}, False, False, False, id="unknown"),
        pytest.param({"status": {"phase": "Succeeded"}}, True, False, False, id="succeeded"),
        pytest.param({"status": {"phase": "Failed"}}, True, False, False, id="failed"),
        pytest.param({"spec": {"hostNetwork": True}}, False, False, True, id="hostNetwork"),
        pytest.param(
            {"metadata": {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"}}, False, True, False, id="leaving"
        ),
        pytest.param({"spec": None, "status": None}, False, False, False, id="nothing known"),
    ],
)
def test_states_of_pods(parts: dict[str, Any], finished: bool, leaving: bool, host_network: bool) -> None:
    found = one(document("Pod", **parts))

    assert (found.finished, found.leaving, found.host_network) == (finished, leaving, host_network)
    assert found.service_account == "default"
    assert found.node is None


@pytest.mark.parametrize(
    ("kind", "name", "labels", "owner"),
    [
        pytest.param(
            "ReplicaSet", "web-7d9f", {"pod-template-hash": "7d9f"}, Owner("Deployment", "web"), id="deployment"
        ),
        pytest.param(
            "ReplicaSet", "web-7d9f", {"pod-template-hash": "beef"}, Owner("ReplicaSet", "web-7d9f"), id="another hash"
        ),
        pytest.param("ReplicaSet", "web-7d9f", {}, Owner("ReplicaSet", "web-7d9f"), id="no hash"),
        pytest.param("ReplicaSet", "web", {"pod-template-hash": ""}, Owner("ReplicaSet", "web"), id="empty hash"),
        pytest.param("Job", "backup-28401120", {}, Owner("CronJob", "backup"), id="cron job, minutes"),
        pytest.param("Job", "backup-1704067200", {}, Owner("CronJob", "backup"), id="cron job, seconds"),
        pytest.param("Job", "backup-1", {}, Owner("Job", "backup-1"), id="job"),
        pytest.param("StatefulSet", "db-28401120", {}, Owner("StatefulSet", "db-28401120"), id="stateful set"),
        pytest.param("Node", "n1", {}, Owner("Node", "n1"), id="static pod"),
    ],
)
def test_workloads(kind: str, name: str, labels: dict[str, str], owner: Owner) -> None:
    references = [{"kind": "Other", "name": "o"}, {"kind": kind, "name": name, "controller": True}]
    found = one(document("Pod", metadata={"name": "x", "labels": labels, "ownerReferences": references}))

    assert found.owner == owner


def test_an_owner_that_does_not_control_is_no_workload() -> None:
    found = one(document("Pod", metadata={"name": "x", "ownerReferences": [{"kind": "Job", "name": "j"}]}))

    assert found.owner is None


def test_lists_are_unfolded() -> None:
    mixed = [document("Namespace"), document("ConfigMap"), document("List", items=[document("Pod")])]

    assert both(document("List", items=mixed)) == [Namespace("x"), Pod("default", "x")]
    assert both(document("ServiceList", items=[{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}])) == [
        Service("default", "a", ServiceKind.CLUSTER_IP),
        Service("default", "b", ServiceKind.CLUSTER_IP),
    ]
    slices = document("EndpointSliceList", "discovery.k8s.io/v1", items=[{"metadata": {"name": "s"}}])
    assert both(slices) == [EndpointSlice("default", "s", "")]
    assert both(document("PodList", items=None)) == []


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("ConfigMap", "v1"),
        ("Service", "serving.knative.dev/v1"),
        ("EndpointSlice", "v1"),
        ("Namespace", "example.com/v1"),
        ("ConfigMapList", "v1"),
    ],
)
def test_other_kinds_are_nothing(kind: str, version: str) -> None:
    assert both(document(kind, version, items=[{"metadata": {"name": "x"}}])) == []


@pytest.mark.parametrize(
    ("parsed", "field", "words"),
    [
        pytest.param(7, "", "expected `object`", id="number"),
        pytest.param(["x"], "", "expected `object`", id="array"),
        pytest.param({}, "", "apiVersion and kind", id="empty"),
        pytest.param({"kind": "Pod", "metadata": {"name": "x"}}, "", "apiVersion and kind", id="no apiVersion"),
        pytest.param({"apiVersion": "v1", "kind": "Pod"}, "", "metadata", id="no metadata"),
        pytest.param(
            document("List", items=[{"kind": "Pod", "metadata": {"name": "x"}}]),
            "items[0]",
            "apiVersion and kind",
            id="no apiVersion in a mixed list",
        ),
        pytest.param(document("Pod", metadata=None), "metadata", "object", id="null metadata"),
        pytest.param(document("Pod", metadata={}), "metadata", "name", id="no name"),
        pytest.param(document("Pod", metadata={"name": "Web"}), "metadata.name", "lower-case", id="capital letter"),
        pytest.param(document("Pod", metadata={"name": "x\n"}), "metadata.name", "lower-case", id="line feed"),
        pytest.param(document("Pod", metadata={"name": "x" * 254}), "metadata.name", "253", id="long name"),
        pytest.param(
            document("Pod", metadata={"name": "x", "labels": {"a": 1}}), "metadata.labels[...]", "str", id="label"
        ),
        pytest.param(document("Pod", status={"podIP": "10.1.0.01"}), "status.podIP", "IP address", id="leading zero"),
        pytest.param(
            document("Pod", status={"podIPs": [{"ip": "x"}]}), "status.podIPs[0].ip", "IP address", id="address"
        ),
        pytest.param(document("Pod", status={"startTime": "soon"}), "status.startTime", "RFC3339", id="time"),
        pytest.param(
            document("Service", spec={"clusterIP": "web"}), "spec.clusterIP", "IP address", id="cluster address"
        ),
        pytest.param(document("Service", spec={"ports": [{"port": 70000}]}), "spec.ports[0].port", "65535", id="port"),
        pytest.param(
            document("Service", spec={"ports": [{"port": "http"}]}), "spec.ports[0].port", "int", id="port name"
        ),
        pytest.param(
            document("Service", spec={"type": "ExternalName"}),
            "spec.externalName",
            "domain name",
            id="no external name",
        ),
        pytest.param(
            document("Service", spec={"type": "ExternalName", "externalName": "a..b"}),
            "spec.externalName",
            "label",
            id="bad external name",
        ),
        pytest.param(document("Node", spec={"podCIDRs": ["10.1.0.0/33"]}), "spec.podCIDRs[0]", "network", id="network"),
        pytest.param(
            slice_of(endpoints=[{"addresses": ["10.1.0.1"]}, {"addresses": ["10.1.0"]}]),
            "endpoints[1].addresses[0]",
            "IP address",
            id="endpoint",
        ),
        pytest.param(
            document("List", items=[document("Pod"), document("Pod", status={"podIP": "x"})]),
            "items[1].status.podIP",
            "IP address",
            id="in a list",
        ),
    ],
)
def test_complaints_name_the_field_and_what_was_expected(parsed: object, field: str, words: str) -> None:
    for spelled in (parsed, json.dumps(parsed).encode()):
        with pytest.raises(BadObject) as caught:
            Decoder().decode(spelled)
        assert caught.value.field == field
        assert words in caught.value.problem


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_objects_or_a_complaint(content: bytes) -> None:
    try:
        found = Decoder().decode(content)
    except BadObject:
        return
    assert found == []


jsonish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(("10.1.0.1", "None", "Pod", "x")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.sampled_from((("Pod", "v1"), ("Service", "v1"), ("Node", "v1"), ("EndpointSlice", "discovery.k8s.io/v1"))),
    st.dictionaries(st.sampled_from(("metadata", "spec", "status", "endpoints", "ports")), jsonish),
    st.dictionaries(st.sampled_from(("podIPs", "podIP", "clusterIPs", "ports", "addresses", "labels")), jsonish),
)
def test_any_content_is_objects_or_a_complaint(
    what: tuple[str, str], parts: dict[str, Any], inner: dict[str, Any]
) -> None:
    parsed = document(*what, **{"spec": inner, "status": inner, **parts})
    try:
        found = Decoder().decode(parsed)
    except BadObject:
        return
    assert len(found) == 1


def test_equal_labels_are_one_in_memory() -> None:
    decoder = Decoder()
    first, second = (
        decoder.decode(document("Pod", metadata={"name": name, "labels": {"app": "web", "tier": "front"}}))[0]
        for name in ("a", "b")
    )

    assert first.labels is second.labels  # type: ignore[union-attr]
