package dnspolicy_least_loaded_test

import data.dnspolicy.decision

endpoint(number, hash) := {"ip": sprintf("10.1.0.%d", [number]), "hash": hash, "pod": sprintf("db-%d", [number])}

endpoints := [endpoint(1, 3735928559), endpoint(2, 305419896), endpoint(3, 2271560481), endpoint(4, 4027431614)]

now := time.parse_rfc3339_ns("2026-12-01T12:00:00Z")

metrics(cpu, stamp) := {"timestamp": stamp, "containers": [{"usage": {"cpu": cpu}}, {"usage": {"cpu": "0"}}]}

fresh := "2026-12-01T11:59:00Z"

load := {
	"metrics": {"shop": {
		"db-1": metrics("900m", fresh),
		"db-2": metrics("250000000n", fresh),
		"db-3": metrics("210000u", fresh),
		"db-4": metrics("1", fresh),
	}},
	"numbers": {"shop": {"db-1": 5, "db-2": 80, "db-3": 6, "db-4": 90}},
	"addresses": {"10.1.0.1": 50, "10.1.0.2": 8, "10.1.0.3": 60, "10.1.0.4": 9},
	"annotations": {"shop": {
		"db-1": {"metadata": {"annotations": {"dns.example/load": "0.75", "dns.example/load-at": fresh}}},
		"db-2": {"metadata": {"annotations": {"dns.example/load": "0.5"}}},
		"db-3": {"metadata": {"annotations": {"dns.example/load": "0.1", "dns.example/load-at": "2026-12-01T11:00:00Z"}}},
		"db-4": {"metadata": {"annotations": {"dns.example/load": "high"}}},
	}},
}

service(labels, ready) := {
	"kind": "service",
	"namespace": "shop",
	"name": "db",
	"labels": labels,
	"namespace_labels": {},
	"exists": true,
	"endpoints": ready,
}

wants(mode) := service({"dns.example/least-loaded": mode}, endpoints)

asks(node, what) := {
	"version": 1,
	"phase": "query",
	"client": {"kind": "pod", "namespace": "shop", "node": node},
	"query": {"name": "db.shop.svc.cluster.local"},
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request, table, numbers) := verdict if {
	all := data.dnspolicy.candidates with input as request
		with data.least_loaded as table
		with data.load as numbers
		with time.now_ns as now
	mine := {candidate | some candidate in all; startswith(candidate.rule, "load/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

chosen(mode, table) := judged(asks("n1", wants(mode)), table, load).endpoints

ips(found) := {ip | some ip in found}

all_of_them := {"10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"}

test_order if {
	found := chosen("order", {})
	ips(array.slice(found, 0, 2)) == {"10.1.0.2", "10.1.0.3"}
	array.slice(found, 2, 4) == ["10.1.0.1", "10.1.0.4"]
	object.remove(judged(asks("n1", wants("order")), {}, load), ["endpoints"]) == {
		"action": "redirect",
		"ttl": 5,
		"rule": "load/order",
		"reason": "the least loaded endpoints first",
	}
}

test_cut if {
	ips(chosen("cut", {})) == {"10.1.0.2", "10.1.0.3"}
	judged(asks("n1", wants("cut")), {}, load).rule == "load/least"
}

test_tolerance if {
	ips(chosen("cut", {"tolerance": 0.7})) == {"10.1.0.1", "10.1.0.2", "10.1.0.3"}
	ips(chosen("cut", {"tolerance": 1})) == all_of_them
	chosen("cut", {"tolerance": 0.001, "floor": 1}) == ["10.1.0.3"]
	chosen("order", {"tolerance": 0.001})[0] == "10.1.0.3"
}

# With which endpoint each of some nodes begins, by numbers for the four addresses.
beginning(mode, loads) := {node: ip |
	some number in numbers.range(1, 12)
	node := sprintf("worker-%d", [number])
	ip := data.dnspolicy.least_loaded.verdict.endpoints[0] with input as asks(node, wants(mode))
		with data.least_loaded as {"source": "addresses", "tolerance": 10}
		with data.load.addresses as by_address(loads)
}

by_address(loads) := {ip: amount |
	some at, amount in loads
	ip := sprintf("10.1.0.%d", [at + 1])
}

test_nodes_begin_with_different_endpoints if {
	ips(beginning("cut", [8, 8, 8, 8])) == all_of_them
}

# Numbers move a little with every look, and few clients with them; nothing above the tolerance matters.
test_a_small_change_moves_few if {
	before := beginning("cut", [8, 9, 10, 50])
	after := beginning("cut", [8, 9, 10.5, 60])
	count([node | some node, ip in before; after[node] != ip]) < 2
}

# One step further down the list, and so for everybody but those whose numbers moved.
test_who_steps_over_an_edge_keeps_its_place_in_the_order if {
	table := {"source": "addresses", "tolerance": 10}
	every loads in [[8, 9, 17.99, 30], [8, 9, 18.01, 30]] {
		judged(asks("n1", wants("order")), table, {"addresses": by_address(loads)}).endpoints[2] == "10.1.0.3"
	}
}

# As thousandths of the tolerance, the same in every engine.
test_numbers_that_have_no_exact_fraction if {
	table := {"source": "addresses", "tolerance": 0.1, "floor": 1}
	found := judged(asks("n1", wants("cut")), table, {"addresses": by_address([0.1, 0.2, 0.3, 0.4])}).endpoints
	found == ["10.1.0.1"]
	within := judged(asks("n1", wants("cut")), table, {"addresses": by_address([0.1, 0.1999, 0.3, 0.4])}).endpoints
	ips(within) == {"10.1.0.1", "10.1.0.2"}
}

test_floor if {
	ips(chosen("cut", {"floor": 3})) == {"10.1.0.1", "10.1.0.2", "10.1.0.3"}
	ips(chosen("cut", {"floor": 9, "stale": "pass"})) == all_of_them
	ips(chosen("cut", {"floor": 3, "services": {"shop/db": {"floor": 1, "tolerance": 0.01}}})) == {"10.1.0.3"}
}

test_sources if {
	ips(chosen("cut", {"source": "prometheus", "tolerance": 5})) == {"10.1.0.1", "10.1.0.3"}
	ips(chosen("cut", {"source": "addresses", "tolerance": 5})) == {"10.1.0.2", "10.1.0.4"}
	ips(chosen("cut", {"source": "annotations", "floor": 1})) == {"10.1.0.2"}
	judged(asks("n1", wants("cut")), {"source": "anything"}, load).rule == "load/stale"
}

test_a_number_that_is_too_old_is_none if {
	found := judged(asks("n1", wants("order")), {"source": "annotations", "floor": 1}, load).endpoints
	array.slice(found, 0, 2) == ["10.1.0.2", "10.1.0.1"]
	ips(chosen("cut", {"source": "annotations", "max_age": 7200, "floor": 1})) == {"10.1.0.3"}
}

stale_metrics := object.union(load, {"metrics": {"shop": {
	"db-1": metrics("900m", "2026-12-01T11:57:59Z"),
	"db-2": metrics("250m", "2026-12-01T11:57:59Z"),
	"db-3": metrics("210m", "2026-12-01T11:57:59Z"),
}}})

test_when_too_few_are_known_all_are_answered if {
	verdict := judged(asks("n1", wants("cut")), {}, stale_metrics)
	[verdict.action, verdict.rule, verdict.ttl] == ["redirect", "load/stale", 5]
	ips(verdict.endpoints) == all_of_them
	judged(asks("n1", wants("cut")), {"max_age": 121}, stale_metrics).rule == "load/least"
	judged(asks("n1", wants("order")), {}, {}).rule == "load/stale"
}

test_or_it_is_left_to_others if {
	not judged(asks("n1", wants("cut")), {"stale": "pass"}, stale_metrics)
	row := {"services": {"shop/db": {"stale": "pass"}}}
	not judged(asks("n1", wants("order")), row, {})
}

test_numbers_that_are_none if {
	numbers := object.union(load, {"numbers": {"shop": {"db-1": "5", "db-2": null, "db-3": true, "db-4": {}}}})
	judged(asks("n1", wants("cut")), {"source": "prometheus"}, numbers).rule == "load/stale"
	every cpu in ["", "n", "-1", "1e3", "1k", "01", 5, null] {
		bad := {"metrics": {"shop": {"db-1": {"timestamp": fresh, "containers": [{"usage": {"cpu": cpu}}]}}}}
		table := {"floor": 1, "services": {"shop/db": {"mode": "cut"}}}
		judged(asks("n1", service({}, endpoints)), table, bad).rule == "load/stale"
	}
}

test_what_is_said_of_other_names_is_remembered if {
	edges := data.dnspolicy.edges with input as asks("n1", {"kind": "external"}) with data.load as load
	86400 in edges
}

test_both_addresses_of_a_pod_are_one if {
	both := array.concat(endpoints, [object.union(endpoints[2], {"ip": "fd00::3"})])
	found := judged(asks("n1", service({"dns.example/least-loaded": "cut"}, both)), {}, load).endpoints
	ips(found) == {"10.1.0.2", "10.1.0.3", "fd00::3"}
}

test_a_namespace_may_want_it_and_a_service_not if {
	whole := object.union(service({}, endpoints), {"namespace_labels": {"dns.example/least-loaded": "order"}})
	judged(asks("n1", whole), {}, load).rule == "load/order"
	not judged(asks("n1", object.union(whole, {"labels": {"dns.example/least-loaded": "off"}})), {}, load)
	row := {"services": {"shop/db": {"mode": "cut"}}}
	judged(asks("n1", whole), row, load).rule == "load/least"
}

test_nothing_is_said if {
	not judged(asks("n1", service({}, endpoints)), {}, load)
	not judged(asks("n1", service({"dns.example/least-loaded": "order"}, [])), {}, load)
	not judged(asks("n1", object.union(wants("order"), {"kind": "endpoint"})), {}, load)
	not judged(asks("n1", {"kind": "external"}), {}, load)
	not judged(object.union(asks("n1", wants("order")), {"query": {"name": "20.2.96.10.in-addr.arpa"}}), {}, load)
}
