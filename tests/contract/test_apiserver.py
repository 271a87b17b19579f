"""What the fake API server and the real one have in common, as a client sees it on the wire."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from dnspolicy.testing.apiserver import WatchLists
from tests.contract.clusters import LIMITED, Cluster, Fake, endpoints, pod, service

Objects = list[dict[str, Any]]


def get(cluster: Cluster, path: str, token: str | None = "", **wish: str) -> tuple[int, str]:
    """One request: status and body. A token of None shows none."""
    address = urlsplit(cluster.url).netloc
    if cluster.authority is not None:
        tls = ssl.create_default_context(cafile=str(cluster.authority))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(address, context=tls, timeout=30)
    else:
        connection = http.client.HTTPConnection(address, timeout=30)
    try:
        headers = {} if token is None else {"Authorization": f"Bearer {token or cluster.token}"}
        connection.request("GET", f"{path}?{urlencode(wish)}", headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def listed(cluster: Cluster, path: str, **wish: str) -> dict[str, Any]:
    code, body = get(cluster, path, **wish)
    assert code == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def watched(cluster: Cluster, path: str, **wish: str) -> Objects:
    """All events of a watch that ends after a second."""
    code, body = get(cluster, path, **{"watch": "true", "timeoutSeconds": "1", **wish})
    assert code == 200, body
    return [json.loads(line) for line in body.splitlines()]


def names(items: Objects) -> list[str]:
    return [item["metadata"]["name"] for item in items]


def pods(space: str) -> str:
    return f"/api/v1/namespaces/{space}/pods"


@pytest.fixture
def five(cluster: Cluster, space: str) -> str:
    """The path of five pods."""
    for number in range(5):
        cluster.put(pod(space, f"p{number}", f"10.1.0.{number + 1}", app="web" if number < 2 else "api"))
    return pods(space)


def test_a_list_has_a_version_and_bare_items(cluster: Cluster, five: str) -> None:
    found = listed(cluster, five)
    assert (found["kind"], found["apiVersion"]) == ("PodList", "v1")
    assert names(found["items"]) == ["p0", "p1", "p2", "p3", "p4"]
    assert int(found["metadata"]["resourceVersion"]) >= int(found["items"][4]["metadata"]["resourceVersion"])
    assert "kind" not in found["items"][0]


def test_other_groups_have_their_path(cluster: Cluster, space: str) -> None:
    cluster.put(service(space, "web"))
    cluster.put(endpoints(space, "web-1", "web", ("10.1.0.1", "one")))
    found = listed(cluster, f"/apis/discovery.k8s.io/v1/namespaces/{space}/endpointslices")
    assert (found["kind"], found["apiVersion"]) == ("EndpointSliceList", "discovery.k8s.io/v1")
    assert names(found["items"]) == ["web-1"]


def test_pages_make_one_list_as_it_was_at_first(cluster: Cluster, five: str, space: str) -> None:
    first = listed(cluster, five, limit="2")
    cluster.remove("Pod", space, "p3")
    second = listed(cluster, five, limit="2", **{"continue": first["metadata"]["continue"]})
    third = listed(cluster, five, limit="2", **{"continue": second["metadata"]["continue"]})
    assert [names(page["items"]) for page in (first, second, third)] == [["p0", "p1"], ["p2", "p3"], ["p4"]]
    assert len({page["metadata"]["resourceVersion"] for page in (first, second, third)}) == 1
    assert (first["metadata"]["remainingItemCount"], third["metadata"].get("continue", "")) == (3, "")


def test_a_page_that_is_too_late_is_gone_and_says_how_to_go_on(cluster: Cluster, five: str, space: str) -> None:
    first = listed(cluster, five, limit="2")
    cluster.remove("Pod", space, "p3")
    cluster.crash()
    cluster.come_back()
    code, body = get(cluster, five, limit="2", **{"continue": first["metadata"]["continue"]})
    status = json.loads(body)
    assert (code, status["kind"], status["reason"], status["code"]) == (410, "Status", "Expired", 410)
    rest = listed(cluster, five, limit="2", **{"continue": status["metadata"]["continue"]})
    assert names(rest["items"]) == ["p2", "p4"]


def test_version_0_knows_no_pages(cluster: Cluster, five: str) -> None:
    assert names(listed(cluster, five, limit="2", resourceVersion="0")["items"]) == ["p0", "p1", "p2", "p3", "p4"]


def test_a_list_not_older_than_a_version_is_of_now(cluster: Cluster, five: str, space: str) -> None:
    before = listed(cluster, five)["metadata"]["resourceVersion"]
    cluster.remove("Pod", space, "p3")
    found = listed(cluster, five, resourceVersion=before, resourceVersionMatch="NotOlderThan")
    assert int(found["metadata"]["resourceVersion"]) >= int(before)


def test_a_list_at_exactly_a_version_is_as_it_was(cluster: Cluster, five: str, space: str) -> None:
    before = listed(cluster, five)["metadata"]["resourceVersion"]
    cluster.remove("Pod", space, "p3")
    found = listed(cluster, five, resourceVersion=before, resourceVersionMatch="Exact")
    assert (found["metadata"]["resourceVersion"], names(found["items"])[3]) == (before, "p3")


REFUSED: dict[str, tuple[Mapping[str, str], int, str]] = {
    "a match without a version": ({"resourceVersionMatch": "Exact"}, 422, "Invalid"),
    "exactly 0": ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422, "Invalid"),
    "an unknown match": ({"resourceVersionMatch": "Newest", "resourceVersion": "5"}, 422, "Invalid"),
    "initial events of a list": ({"sendInitialEvents": "true"}, 422, "Invalid"),
    "initial events without a match": ({"watch": "1", "sendInitialEvents": "true"}, 422, "Invalid"),
    "a match of a watch": ({"watch": "1", "resourceVersionMatch": "NotOlderThan"}, 422, "Invalid"),
    "a token from elsewhere": ({"continue": "b3RoZXI"}, 400, "BadRequest"),
    "a version of the future": ({"resourceVersion": "999999999"}, 504, "Timeout"),
    "a field that cannot be selected by": ({"fieldSelector": "status.message=x"}, 400, "BadRequest"),
    "a selector that is none": ({"labelSelector": "a in"}, 400, "BadRequest"),
}


@pytest.mark.parametrize(("wish", "code", "reason"), REFUSED.values(), ids=REFUSED)
def test_wishes_that_are_refused(cluster: Cluster, five: str, wish: Mapping[str, str], code: int, reason: str) -> None:
    found, body = get(cluster, five, **wish)
    assert (found, json.loads(body)["reason"]) == (code, reason)


def test_a_version_of_the_future_is_named_as_such(cluster: Cluster, five: str) -> None:
    _, body = get(cluster, five, resourceVersion="999999999")
    assert json.loads(body)["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_a_watch_goes_on_from_a_version(cluster: Cluster, five: str, space: str) -> None:
    version = listed(cluster, five)["metadata"]["resourceVersion"]
    cluster.put(pod(space, "p5", "10.1.0.6"))
    cluster.put(pod(space, "p1", "10.1.0.2", app="new"))
    cluster.remove("Pod", space, "p0")
    events = watched(cluster, five, resourceVersion=version)
    last = {event["object"]["metadata"]["name"]: event["type"] for event in events}
    assert last == {"p5": last["p5"], "p1": "MODIFIED", "p0": "DELETED"}
    assert next(event["type"] for event in events if event["object"]["metadata"]["name"] == "p5") == "ADDED"
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)
    assert (events[0]["object"]["kind"], events[0]["object"]["apiVersion"]) == ("Pod", "v1")


@pytest.mark.parametrize("wish", [{}, {"resourceVersion": "0"}], ids=["no version", "version 0"])
def test_a_watch_without_a_version_begins_with_all(cluster: Cluster, five: str, wish: Mapping[str, str]) -> None:
    events = watched(cluster, five, **wish)
    assert [event["type"] for event in events] == ["ADDED"] * 5
    assert sorted(names([event["object"] for event in events])) == ["p0", "p1", "p2", "p3", "p4"]


def test_a_watch_ends_with_a_bookmark(cluster: Cluster, five: str, space: str) -> None:
    """When something has happened meanwhile; else the real one may leave it out."""
    version = listed(cluster, five)["metadata"]["resourceVersion"]
    meanwhile = threading.Timer(0.5, lambda: cluster.put(pod(space, "p5", "10.1.0.6")))
    meanwhile.start()
    events = watched(cluster, five, resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds="7")
    meanwhile.join()
    mark = events[-1]
    assert (mark["type"], mark["object"]["kind"]) == ("BOOKMARK", "Pod")
    newest = [event["object"]["metadata"] for event in events if event["type"] != "BOOKMARK"][-1]
    assert newest["name"] == "p5"
    assert int(mark["object"]["metadata"]["resourceVersion"]) >= int(newest["resourceVersion"])
    assert not mark["object"]["metadata"].get("name")


@pytest.mark.parametrize("first", ["", "0"], ids=["of now", "of any time"])
def test_a_streamed_list_ends_with_a_bookmark_that_says_so(cluster: Cluster, five: str, first: str) -> None:
    wish = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    events = watched(cluster, five, resourceVersion=first, **wish)
    if cluster.real and events[0]["type"] == "ERROR":
        assert (events[0]["object"]["code"], len(events)) == (500, 1)
        pytest.skip("this etcd does not report the progress of its watches (3.4.31 and 3.5.13 do)")
    assert [event["type"] for event in events[:6]] == ["ADDED"] * 5 + ["BOOKMARK"]
    mark = events[5]["object"]["metadata"]
    assert mark["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark["resourceVersion"]) >= max(int(e["object"]["metadata"]["resourceVersion"]) for e in events[:5])


def test_servers_that_cannot_stream_a_list_say_so_in_three_ways(five: str, cluster: Cluster) -> None:
    """Refused, refused in the stream because etcd is too old, or (long ago) a watch like any other."""
    if not isinstance(cluster, Fake):
        pytest.skip("one server cannot be all three")
    found = {}
    for how in (WatchLists.REFUSED, WatchLists.LACKING, WatchLists.UNKNOWN):
        cluster.server.watch_lists = how
        wish = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        code, body = get(cluster, five, watch="1", timeoutSeconds="1", **wish)
        found[how] = code, [json.loads(line).get("type") for line in body.splitlines()]
    assert found == {
        WatchLists.REFUSED: (422, [None]),
        WatchLists.LACKING: (200, ["ERROR"]),
        WatchLists.UNKNOWN: (200, ["ADDED"] * 5 + ["BOOKMARK"]),
    }


SELECTED = {
    "all": ({}, ["p0", "p1", "p2", "p3", "p4"]),
    "label": ({"labelSelector": "app=web"}, ["p0", "p1"]),
    "other label": ({"labelSelector": "app!=web"}, ["p2", "p3", "p4"]),
    "label in a set": ({"labelSelector": "app in (web, db)"}, ["p0", "p1"]),
    "label not in a set": ({"labelSelector": "app notin (web,db)"}, ["p2", "p3", "p4"]),
    "label that is there": ({"labelSelector": "app"}, ["p0", "p1", "p2", "p3", "p4"]),
    "label that is not": ({"labelSelector": "!app"}, []),
    "name": ({"fieldSelector": "metadata.name=p3"}, ["p3"]),
    "phase": ({"fieldSelector": "status.phase!=Running,status.phase!=Failed"}, []),
    "both": ({"fieldSelector": "spec.nodeName=node-1,metadata.name!=p0", "labelSelector": "app=web"}, ["p1"]),
}


@pytest.mark.parametrize(("wish", "found"), SELECTED.values(), ids=SELECTED)
def test_selections(cluster: Cluster, five: str, wish: Mapping[str, str], found: list[str]) -> None:
    assert names(listed(cluster, five, **wish)["items"]) == found


def test_what_leaves_a_selection_is_deleted_and_what_enters_it_added(cluster: Cluster, five: str, space: str) -> None:
    version = listed(cluster, five)["metadata"]["resourceVersion"]
    cluster.put(pod(space, "p0", "10.1.0.1", "Succeeded", app="web"))
    cluster.put(pod(space, "p2", "10.1.0.3", app="web"))
    wish = {"fieldSelector": "status.phase!=Succeeded", "labelSelector": "app=web"}
    events = watched(cluster, five, resourceVersion=version, **wish)
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events][:2] == [
        ("DELETED", "p0"),
        ("ADDED", "p2"),
    ]
    assert int(events[0]["object"]["metadata"]["resourceVersion"]) > int(version)


def test_what_is_not_granted_is_forbidden_by_name(cluster: Cluster, five: str) -> None:
    cluster.grant("services")
    assert get(cluster, "/api/v1/services", LIMITED)[0] == 200
    code, body = get(cluster, "/apis/discovery.k8s.io/v1/endpointslices", LIMITED, watch="1")
    status = json.loads(body)
    assert (code, status["reason"], status["details"]) == (
        403,
        "Forbidden",
        {"group": "discovery.k8s.io", "kind": "endpointslices"},
    )
    assert 'User "limited" cannot watch resource "endpointslices"' in status["message"]


@pytest.mark.parametrize(
    ("token", "code", "reason"), [("nobody's", 401, "Unauthorized"), (None, 403, "Forbidden")], ids=["unknown", "none"]
)
def test_strangers(cluster: Cluster, five: str, token: str | None, code: int, reason: str) -> None:
    found, body = get(cluster, five, token)
    assert (found, json.loads(body)["reason"]) == (code, reason)


def test_no_version_outlives_a_crash(cluster: Cluster, five: str, space: str) -> None:
    version = listed(cluster, five)["metadata"]["resourceVersion"]
    cluster.put(pod(space, "p5", "10.1.0.6"))
    cluster.crash()
    with pytest.raises(OSError, match="refused"):
        get(cluster, five)
    cluster.come_back()
    assert watched(cluster, five, resourceVersion=version)[0]["object"]["code"] == 410
    assert len(listed(cluster, five)["items"]) == 6
