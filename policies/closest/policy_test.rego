package dnspolicy_closest_test

import data.dnspolicy.decision

endpoint(ip, hash, node, zone) := {"ip": ip, "hash": hash, "pod": concat("-", ["pod", ip]), "node": node, "zone": zone}

north := [
	endpoint("10.1.0.1", 3735928559, "n1", "north"),
	endpoint("10.1.0.2", 305419896, "n1", "north"),
	endpoint("10.1.0.3", 2271560481, "n2", "north"),
]

south := [endpoint("10.2.0.1", 4027431614, "s1", "south"), endpoint("10.2.0.2", 1164413355, "s2", "south")]

service(labels, endpoints) := {
	"kind": "service",
	"namespace": "shop",
	"name": "db",
	"labels": labels,
	"namespace_labels": {},
	"exists": true,
	"endpoints": endpoints,
}

wants(mode) := service({"dns.example/closest": mode}, array.concat(south, north))

on(node, zone) := {"kind": "pod", "namespace": "shop", "node": node, "zone": zone}

asks(client, what) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": {"name": "db.shop.svc.cluster.local"},
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, {})

judged_with(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.closest as table
	mine := {candidate | some candidate in all; startswith(candidate.rule, "near/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

chosen(client, what) := judged(asks(client, what)).endpoints

ips(endpoints) := {e.ip | some e in endpoints}

first(number, list) := {ip | some ip in array.slice(list, 0, number)}

test_order_is_node_zone_rest if {
	found := chosen(on("n1", "north"), wants("order"))
	count(found) == 5
	first(2, found) == {"10.1.0.1", "10.1.0.2"}
	found[2] == "10.1.0.3"
	first(5, found) == ips(array.concat(south, north))
}

test_the_decision if {
	verdict := judged(asks(on("n1", "north"), wants("order")))
	object.remove(verdict, ["endpoints"]) == {
		"action": "redirect",
		"ttl": 5,
		"rule": "near/all",
		"reason": "the nearest endpoints first",
	}
}

test_cut_by_zone if {
	ips_of_zone := chosen(on("n9", "north"), wants("zone"))
	first(5, ips_of_zone) == ips(north)
	judged(asks(on("n9", "north"), wants("zone"))).rule == "near/zone"
	first(5, chosen(on("n9", "south"), wants("zone"))) == ips(south)
}

test_cut_by_node if {
	found := judged(asks(on("n1", "north"), wants("node")))
	found.rule == "near/node"
	first(5, found.endpoints) == {"10.1.0.1", "10.1.0.2"}
}

test_too_few_on_the_node_is_the_zone_and_too_few_in_the_zone_is_all if {
	judged(asks(on("n2", "north"), wants("node"))).rule == "near/zone"
	one_each := service({"dns.example/closest": "node"}, [north[0], south[0]])
	found := judged(asks(on("n1", "north"), one_each))
	found.rule == "near/all"
	found.endpoints == ["10.1.0.1", "10.2.0.1"]
}

test_floor if {
	request := asks(on("n2", "north"), wants("node"))
	judged_with(request, {"floor": 1}).rule == "near/node"
	judged_with(request, {"floor": 3}).rule == "near/zone"
	judged_with(request, {"floor": 4}).rule == "near/all"
	judged_with(request, {"floor": 4, "services": {"shop/db": {"floor": 1}}}).rule == "near/node"
}

test_the_floor_counts_pods_and_not_addresses if {
	both := [object.union(north[0], {"ip": "fd00::1"}), north[0], south[0], south[1]]
	judged(asks(on("n1", "north"), service({"dns.example/closest": "zone"}, both))).rule == "near/all"
}

test_endpoints_without_a_place_are_far if {
	bare := [{"ip": "192.0.2.9", "hash": 1}, north[0]]
	found := chosen(on("n1", "north"), service({"dns.example/closest": "order"}, bare))
	found == ["10.1.0.1", "192.0.2.9"]
}

test_the_order_of_equals_stays_when_another_comes if {
	every node in ["n7", "node-17.example", "gke-pool-1-abc"] {
		before := chosen(on(node, "south"), service({"dns.example/closest": "order"}, north))
		after := chosen(on(node, "south"), wants("order"))
		[ip | some ip in after; startswith(ip, "10.1.")] == before
	}
}

test_nodes_begin_with_different_endpoints if {
	firsts := {found[0] |
		some number in numbers.range(1, 40)
		found := chosen(on(sprintf("worker-%d", [number]), "north"), wants("zone"))
	}
	firsts == ips(north)
}

test_a_namespace_may_want_it_and_a_service_not if {
	whole := object.union(service({}, north), {"namespace_labels": {"dns.example/closest": "order"}})
	judged(asks(on("n1", "north"), whole)).rule == "near/all"
	not judged(asks(on("n1", "north"), object.union(whole, {"labels": {"dns.example/closest": "off"}})))
}

test_a_row_before_labels if {
	row := {"services": {"shop/db": {"mode": "zone"}}}
	judged_with(asks(on("n1", "north"), service({}, north)), row).rule == "near/zone"
	judged_with(asks(on("n1", "north"), wants("order")), row).rule == "near/zone"
	not judged_with(asks(on("n1", "north"), wants("order")), {"services": {"shop/db": {"mode": "off"}}})
}

test_nothing_is_said if {
	not judged(asks(on("n1", "north"), service({}, north)))
	not judged(asks(on("n1", "north"), service({"dns.example/closest": "order"}, [])))
	not judged(asks({"kind": "external"}, wants("order")))
	not judged(asks(on("n1", "north"), {"kind": "external"}))
	not judged(asks(on("n1", "north"), object.union(wants("order"), {"kind": "endpoint"})))
	reverse := {"query": {"name": "20.2.96.10.in-addr.arpa"}}
	not judged(object.union(asks(on("n1", "north"), wants("order")), reverse))
}

test_a_client_with_a_zone_or_a_node_only if {
	chosen({"kind": "host", "zone": "south"}, wants("order"))[4] in ips(north)
	first(2, chosen({"kind": "host", "node": "n1"}, wants("order"))) == {"10.1.0.1", "10.1.0.2"}
}
