package dnspolicy_service_chain_test

import data.dnspolicy.decision

sample := {
	"chains": {
		"shop/db": ["security/scanner", "audit/recorder"],
		"shop/files": ["security/scanner"],
	},
	"intermediaries": {
		"security/scanner": {"accounts": {"security/scanner": true}},
		"audit/recorder": {"accounts": {"audit/recorder": true, "audit/replay": true}, "gone": "bypass"},
	},
}

pod(namespace, account) := {"kind": "pod", "namespace": namespace, "service_account": account}

web := pod("shop", "web")

scanner := pod("security", "scanner")

recorder := pod("audit", "recorder")

service(namespace, name) := {"kind": "service", "namespace": namespace, "name": name}

asks(client, name, what) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": {
		"name": name,
		"labels": split(name, "."),
		"suffixes": [suffix |
			parts := split(name, ".")
			some i, _ in parts
			suffix := concat(".", array.slice(parts, i, count(parts)))
		],
	},
	"target": what,
}

asks_db(client) := asks(client, "db.shop.svc.cluster.local", service("shop", "db"))

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, sample)

judged_with(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.service_chain as table
	mine := {candidate | some candidate in all; startswith(candidate.rule, "chain/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

test_clients_get_the_first if {
	judged(asks_db(web)) == {
		"action": "redirect",
		"cname": "scanner.security.svc.cluster.local",
		"ttl": 5,
		"rule": "chain/next",
		"reason": "the way to shop/db leads through security/scanner",
	}
}

test_each_gets_the_next_and_the_last_the_service if {
	judged(asks_db(scanner)).cname == "recorder.audit.svc.cluster.local"
	not judged(asks_db(recorder))
	not judged(asks_db(pod("audit", "replay")))
	not judged(asks(scanner, "files.shop.svc.cluster.local", service("shop", "files")))
}

test_an_account_is_of_its_namespace if {
	judged(asks_db(pod("shop", "scanner"))).cname == "scanner.security.svc.cluster.local"
	judged(asks_db(pod("security", "recorder"))).cname == "scanner.security.svc.cluster.local"
}

test_who_is_no_pod_gets_the_first_too if {
	every kind in ["host", "external", "ambiguous", "unknown"] {
		judged(asks_db({"kind": kind})).cname == "scanner.security.svc.cluster.local"
	}
}

test_the_port_is_asked_of_the_next if {
	request := asks(web, "_sql._tcp.db.shop.svc.corp", service("shop", "db"))
	judged(request).cname == "_sql._tcp.scanner.security.svc.corp"
}

test_no_way_around_by_single_endpoints if {
	request := asks(web, "db-0.db.shop.svc.cluster.local", {"kind": "endpoint", "namespace": "shop", "name": "db"})
	block := judged(request)
	[block.action, block.rule] == ["block", "chain/around"]
	not judged(object.union(request, {"client": recorder}))
}

test_reverse_look_ups_tell_the_truth if {
	not judged(asks(web, "20.2.96.10.in-addr.arpa", service("shop", "db")))
	not judged(asks(web, "9.1.1.10.in-addr.arpa", {"kind": "endpoint", "namespace": "shop", "name": "db"}))
}

test_names_of_intermediaries_are_never_sent_on if {
	circle := object.union(sample, {"chains": {
		"security/scanner": ["audit/recorder"],
		"audit/recorder": ["security/scanner", "audit/recorder"],
		"shop/db": ["security/scanner", "security/scanner"],
	}})
	every client in [web, scanner, recorder, pod("audit", "other")] {
		not judged_with(asks(client, "scanner.security.svc.cluster.local", service("security", "scanner")), circle)
		not judged_with(asks(client, "recorder.audit.svc.cluster.local", service("audit", "recorder")), circle)
	}
	judged_with(asks_db(web), circle).cname == "scanner.security.svc.cluster.local"
	not judged_with(asks_db(scanner), circle)
}

test_a_service_is_no_intermediary_of_itself if {
	itself := object.union(sample, {"chains": {"shop/db": ["shop/db"]}})
	judged_with(asks_db(web), itself).rule == "chain/gone"
}

test_one_that_is_not_listed_blocks if {
	slip := object.union(sample, {"chains": {"shop/db": ["security/scaner"]}})
	block := judged_with(asks_db(web), slip)
	[block.action, block.rule] == ["block", "chain/gone"]
}

test_one_that_is_gone_blocks_unless_it_may_be_missing if {
	fed := {"shop": {"db": {}}, "audit": {"recorder": {}}}
	judged(asks_db(web)).rule == "chain/gone" with data.kubernetes.services as fed
	judged(asks_db(scanner)).rule == "chain/next" with data.kubernetes.services as fed
	without := {"shop": {"db": {}}, "security": {"scanner": {}}}
	judged(asks_db(web)).cname == "scanner.security.svc.cluster.local" with data.kubernetes.services as without
	not judged(asks_db(scanner)) with data.kubernetes.services as without
}

test_the_first_may_be_passed_over if {
	lax := object.union(sample, {"intermediaries": {"security/scanner": {"gone": "bypass"}}})
	fed := {"shop": {"db": {}}, "audit": {"recorder": {}}}
	judged_with(asks_db(web), lax).cname == "recorder.audit.svc.cluster.local" with data.kubernetes.services as fed
	not judged_with(asks_db(web), lax) with data.kubernetes.services as {"shop": {"db": {}}}
}

test_other_names_are_nobodys_business if {
	not judged(asks(web, "cache.shop.svc.cluster.local", service("shop", "cache")))
	not judged(asks(web, "www.shop.example", {"kind": "external"}))
	not judged_with(asks_db(web), {})
}

# A block of tenant-isolation is of the same tier, and a block comes first.
test_a_chain_opens_nothing if {
	verdict := decision with data.dnspolicy.candidates as {
		{"tier": "admin", "action": "block", "rule": "tenant/other", "reason": "another tenant's or nobody's"},
		object.union(judged(asks_db(web)), {"tier": "admin"}),
		{"tier": "tenant", "action": "allow", "rule": "shop/straight", "reason": "we are in a hurry"},
	}
	verdict.rule == "tenant/other"
}

test_a_tenant_cannot_step_around if {
	verdict := decision with data.dnspolicy.candidates as {
		object.union(judged(asks_db(web)), {"tier": "admin"}),
		{"tier": "tenant", "action": "allow", "rule": "shop/straight", "reason": "we are in a hurry"},
	}
	verdict.rule == "chain/next"
}

test_a_chain_that_is_no_list_bars_the_way if {
	every chain in ["security/scanner", null, 7, {"first": "security/scanner"}, [null], ["scanner"]] {
		judged_with(asks_db(web), object.union(sample, {"chains": {"shop/db": chain}})).rule in {"chain/gone", "chain/next"}
	}
}

test_a_pod_with_the_name_of_a_service_is_none if {
	not judged(asks(web, "10-1-2-3.shop.pod.cluster.local", {"kind": "pod", "namespace": "shop", "name": "db"}))
}
