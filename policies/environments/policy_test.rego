package dnspolicy_environments_test

import data.dnspolicy.decision

sample := {
	"names": {
		"orders-db.internal.example": {
			"dev": {"action": "redirect", "addresses": ["192.0.2.10"], "ttl": 5},
			"prod": {"action": "rewrite", "name": "db.shop-prod.svc.cluster.local"},
			"prod/canary": {"action": "rewrite", "name": "db-next.shop-prod.svc.cluster.local"},
		},
		"legacy.corp.example": {"*": {"action": "redirect", "cname": "api-v2.shop-prod.svc.cluster.local"}},
		"wiki.corp.example": {"prod": {"action": "block", "as": "nodata"}, "*": {"action": "allow"}},
	},
	"zones": {
		"corp.example": {
			"dev": {"action": "redirect", "upstream": "192.0.2.53"},
			"prod": {"action": "redirect", "upstream": ["198.51.100.53", "198.51.100.54:5353"]},
		},
		"lab.corp.example": {"dev": {"action": "redirect", "upstream": "192.0.2.54"}},
	},
	"namespaces": {"shop": {"dev": "shop-dev", "prod": "shop", "prod/canary": "shop-next"}},
}

pod(environment) := {
	"kind": "pod",
	"namespace": "shop",
	"labels": {"app": "web"},
	"namespace_labels": {"dns.example/environment": environment},
}

canary := object.union(pod("prod"), {"labels": {"track": "canary"}})

homeless := {"kind": "pod", "namespace": "tools", "labels": {}, "namespace_labels": {}}

outside := {"kind": "external"}

service(environment) := {
	"kind": "service",
	"namespace": "shop-x",
	"name": "db",
	"namespace_labels": {"dns.example/environment": environment},
}

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
		"via": "client",
	},
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, sample)

judged_with(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.environments as table
	mine := {candidate | some candidate in all; startswith(candidate.rule, "environment/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

# Without the reason, which is for people.
outcome(client, name, what) := object.remove(judged(asks(client, name, what)), ["reason"])

test_one_name_an_answer_for_each_environment if {
	outcome(pod("dev"), "orders-db.internal.example", outside) == {
		"action": "redirect",
		"rule": "environment/dev",
		"addresses": ["192.0.2.10"],
		"ttl": 5,
	}
	outcome(pod("prod"), "orders-db.internal.example", outside) == {
		"action": "rewrite",
		"rule": "environment/prod",
		"name": "db.shop-prod.svc.cluster.local",
	}
}

test_track_before_environment if {
	outcome(canary, "orders-db.internal.example", outside) == {
		"action": "rewrite",
		"rule": "environment/prod/canary",
		"name": "db-next.shop-prod.svc.cluster.local",
	}
}

test_a_track_without_a_column_is_no_track if {
	stable := object.union(pod("prod"), {"labels": {"track": "stable"}})
	outcome(stable, "orders-db.internal.example", outside).rule == "environment/prod"
}

test_no_answer_for_the_environment if {
	none := {"action": "block", "rule": "environment/none"}
	outcome(pod("test"), "orders-db.internal.example", outside) == none
	outcome(homeless, "orders-db.internal.example", outside) == none
	outcome({"kind": "unknown"}, "orders-db.internal.example", outside) == none
}

test_everybody if {
	expected := {"action": "redirect", "rule": "environment/*", "cname": "api-v2.shop-prod.svc.cluster.local"}
	outcome(pod("dev"), "legacy.corp.example", outside) == expected
	outcome(homeless, "legacy.corp.example", outside) == expected
	outcome(pod("dev"), "wiki.corp.example", outside) == {"action": "allow", "rule": "environment/*"}
}

test_own_column_before_everybody if {
	outcome(pod("prod"), "wiki.corp.example", outside) == {
		"action": "block",
		"as": "nodata",
		"rule": "environment/prod",
	}
}

test_zone if {
	outcome(pod("dev"), "git.corp.example", outside) == {
		"action": "redirect",
		"rule": "environment/dev",
		"upstream": "192.0.2.53",
	}
	outcome(pod("prod"), "corp.example", outside).upstream == ["198.51.100.53", "198.51.100.54:5353"]
}

test_the_longest_zone_counts if {
	outcome(pod("dev"), "a.lab.corp.example", outside).upstream == "192.0.2.54"
	outcome(pod("prod"), "a.lab.corp.example", outside).rule == "environment/none"
}

test_zones_are_for_outside_names if not judged(asks(pod("dev"), "db.corp.example", service("dev")))

test_zones_end_at_a_dot if not judged(asks(pod("dev"), "xcorp.example", outside))

test_other_names_are_nobodys_business if {
	not judged(asks(pod("dev"), "www.shop.example", outside))
	not judged(asks(pod("dev"), "db.shop-x.svc.cluster.local", service("dev")))
}

test_no_way_into_another_environment if {
	block := {"action": "block", "rule": "environment/other"}
	outcome(pod("dev"), "db.shop-x.svc.cluster.local", service("prod")) == block
	outcome(pod("prod"), "db.shop-x.svc.cluster.local", service("dev")) == block
	outcome(pod("dev"), "1.0.96.10.in-addr.arpa", service("prod")) == block
}

test_a_namespace_without_environment_is_outside_of_all if {
	shared := {"kind": "service", "namespace": "platform", "name": "registry", "namespace_labels": {}}
	not judged(asks(pod("dev"), "registry.platform.svc.cluster.local", shared))
	not judged(asks(homeless, "db.shop-x.svc.cluster.local", service("prod")))
}

test_where_an_alias_leads_is_answered_alike if {
	request := asks(pod("dev"), "orders-db.internal.example", outside)
	judged(object.union(request, {"query": {"via": "cname"}})).addresses == ["192.0.2.10"]
}

test_the_answer_is_let_through if {
	answer := {"phase": "response", "answer": {"addresses": ["192.0.2.10"], "names": []}}
	every name in ["orders-db.internal.example", "git.corp.example"] {
		verdict := judged(object.union(asks(pod("dev"), name, outside), answer))
		object.remove(verdict, ["reason"]) == {"action": "allow", "rule": "environment/dev"}
	}
	judged(object.union(asks(pod("test"), "git.corp.example", outside), answer)).action == "block"
}

test_without_data_nothing_is_said if {
	not judged_with(asks(pod("dev"), "orders-db.internal.example", outside), {})
}

test_a_zone_as_a_whole_is_for_no_environment if {
	every type in ["AXFR", "IXFR"] {
		question := asks(pod("dev"), "cluster.local", {"kind": "none"})
		judged(object.union(question, {"query": {"type": type}})).rule == "environment/other"
	}
	not judged(asks(pod("dev"), "cluster.local", {"kind": "none"}))
}

shop := {"kind": "service", "namespace": "shop", "name": "db", "namespace_labels": {}}

in_shop(client) := outcome(client, "db.shop.svc.cluster.local", shop)

test_a_namespace_has_one_for_each_environment if {
	in_shop(pod("dev")) == {
		"action": "redirect",
		"rule": "environment/dev",
		"cname": "db.shop-dev.svc.cluster.local",
	}
	in_shop(canary).cname == "db.shop-next.svc.cluster.local"
	outcome(pod("dev"), "_sql._tcp.db.shop.svc.cluster.local", shop).cname == "_sql._tcp.db.shop-dev.svc.cluster.local"
}

test_a_namespace_that_is_its_own if not judged(asks(pod("prod"), "db.shop.svc.cluster.local", shop))

test_no_namespace_for_the_environment if {
	in_shop(pod("test")) == {"action": "block", "rule": "environment/none"}
	in_shop(homeless) == {"action": "block", "rule": "environment/none"}
}

test_other_names_of_such_a_namespace_stay_what_they_are if {
	not judged(asks(pod("dev"), "20.2.96.10.in-addr.arpa", shop))
	not judged(asks(pod("dev"), "db.shop.svc.cluster.local", object.union(shop, {"kind": "none"})))
}

test_the_answer_of_such_a_name_is_nobodys_business if {
	request := asks(pod("dev"), "db.shop.svc.cluster.local", shop)
	not judged(object.union(request, {"phase": "response"}))
}

test_a_twin_is_no_way_across if {
	prod := object.union(shop, {"namespace_labels": {"dns.example/environment": "prod"}})
	outcome(pod("dev"), "db.shop.svc.cluster.local", prod).cname == "db.shop-dev.svc.cluster.local"
	endpoint := object.union(prod, {"kind": "endpoint"})
	outcome(pod("dev"), "db-0.db.shop.svc.cluster.local", endpoint).rule == "environment/other"
}
