package dnspolicy_sharding_test

import data.dnspolicy.decision

endpoint(ip, hash, labels) := {"ip": ip, "hash": hash, "pod": concat("-", ["db", ip]), "labels": labels}

endpoints := [
	endpoint("10.1.0.1", 3735928559, {"dns.example/shard": "0", "apps.kubernetes.io/pod-index": "7"}),
	endpoint("10.1.0.2", 305419896, {"dns.example/shard": "1", "apps.kubernetes.io/pod-index": "8"}),
	endpoint("10.1.0.3", 2271560481, {"dns.example/shard": "1"}),
	{"ip": "192.0.2.7", "hash": 4027431614},
]

sharded(mode) := service({"dns.example/sharding": mode}, endpoints)

service(labels, ready) := {
	"kind": "service",
	"namespace": "shop",
	"name": "db",
	"labels": labels,
	"namespace_labels": {},
	"exists": true,
	"endpoints": ready,
}

pod(hash) := {"kind": "pod", "namespace": "shop", "hash": hash, "labels": {}}

of_shard(shard) := object.union(pod(77), {"labels": {"dns.example/shard": shard}})

asks(client, what) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": {"name": "db.shop.svc.cluster.local"},
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, {})

judged_with(request, row) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.sharding.services as {"shop/db": row}
	mine := {candidate | some candidate in all; startswith(candidate.rule, "shard/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

chosen(client, what) := judged(asks(client, what)).endpoints

everybody := [4294967295, 0, 1, 99, 12345678, 3999999999, 2718281828, 3141592653, 1618033988, 577215664, 1414213562, 1732050807]

test_endpoints_of_the_shard if {
	verdict := judged(asks(of_shard("0"), sharded("label")))
	verdict == {
		"action": "redirect",
		"endpoints": ["10.1.0.1"],
		"ttl": 5,
		"rule": "shard/label",
		"reason": "the endpoints of the client's shard",
	}
	found := chosen(of_shard("1"), sharded("label"))
	{ip | some ip in found} == {"10.1.0.2", "10.1.0.3"}
}

test_another_label_of_endpoints if {
	row := {"mode": "label", "label": "apps.kubernetes.io/pod-index"}
	judged_with(asks(of_shard("8"), service({}, endpoints)), row).endpoints == ["10.1.0.2"]
}

test_a_shard_without_endpoints if {
	block := judged(asks(of_shard("9"), sharded("label")))
	[block.action, block.as, block.rule] == ["block", "nodata", "shard/missing"]
	request := asks(of_shard("9"), sharded("label"))
	instead := judged_with(request, {"mode": "label", "missing": "hash"})
	instead.rule == "shard/hash"
	count(instead.endpoints) == 1
	not judged_with(request, {"mode": "label", "missing": "all"})
	judged(asks(of_shard("1"), service({"dns.example/sharding": "label"}, []))).rule == "shard/missing"
}

test_a_client_without_a_shard_gets_all if {
	not judged(asks(pod(77), sharded("label")))
	not judged_with(asks(pod(77), sharded("label")), {"mode": "label", "missing": "hash"})
}

test_hash_gives_one_and_always_the_same if {
	every hash in everybody {
		found := chosen(pod(hash), sharded("hash"))
		count(found) == 1
		turned := service({"dns.example/sharding": "hash"}, array.reverse(endpoints))
		chosen(pod(hash), turned) == found
	}
	judged(asks(pod(7), sharded("hash"))).rule == "shard/hash"
}

test_hash_uses_all_endpoints if {
	found := {ip |
		some hash in everybody
		ip := chosen(pod(hash), sharded("hash"))[0]
	}
	count(found) == 4
}

test_another_endpoint_takes_from_all_and_moves_nobody_else if {
	fewer := service({"dns.example/sharding": "hash"}, array.slice(endpoints, 0, 3))
	every hash in everybody {
		before := chosen(pod(hash), fewer)
		after := chosen(pod(hash), sharded("hash"))
		after in [before, ["192.0.2.7"]]
	}
}

test_copies_begin_with_the_one if {
	every hash in everybody {
		two := judged_with(asks(pod(hash), sharded("hash")), {"mode": "hash", "copies": 2}).endpoints
		count(two) == 2
		[two[0]] == chosen(pod(hash), sharded("hash"))
	}
}

test_both_addresses_of_a_pod if {
	both := [endpoints[0], object.union(endpoints[0], {"ip": "fd00::1"})]
	found := chosen(pod(5), service({"dns.example/sharding": "hash"}, both))
	{ip | some ip in found} == {"10.1.0.1", "fd00::1"}
}

test_nothing_is_said if {
	not judged(asks(pod(5), service({}, endpoints)))
	not judged(asks(pod(5), sharded("other")))
	not judged(asks(pod(5), service({"dns.example/sharding": "hash"}, [])))
	not judged(asks(pod(5), {"kind": "external"}))
	not judged(asks(pod(5), object.union(sharded("hash"), {"kind": "endpoint"})))
	reverse := {"query": {"name": "20.2.96.10.in-addr.arpa"}}
	not judged(object.union(asks(pod(5), sharded("hash")), reverse))
	not judged_with(asks(pod(5), sharded("hash")), {"mode": "off"})
}
