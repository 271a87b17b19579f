package dnspolicy_tenant_isolation_test

import data.dnspolicy.decision

sample := {
	"infra": {
		"services": {"default/kubernetes": true},
		"names": {"time.infra.example": true, "113.0.203.in-addr.arpa": true},
	},
	"grants": {"acorn": {"birch/ledger": true}},
	"egress": {"cedar-pay": {
		"names": {"api.cards.example": true},
		"suffixes": {"pay-partner.example": true},
	}},
}

pod(namespace) := {
	"kind": "pod",
	"namespace": namespace,
	"pod": "web-0",
	"namespace_labels": object.get(labels, namespace, {}),
}

labels := {
	"acorn": {"dns.example/tenant": "acorn"},
	"acorn-jobs": {"dns.example/tenant": "acorn"},
	"acorn-shop": {"dns.example/tenant": "acorn.shop"},
	"acorn-shop-web": {"dns.example/tenant": "acorn.shop.web"},
	"acorn-bank": {"dns.example/tenant": "acorn.bank"},
	"acorns": {"dns.example/tenant": "acorns"},
	"birch": {"dns.example/tenant": "birch"},
	"platform": {"dns.example/shared": "true"},
	"platform-old": {"dns.example/shared": "false"},
	"default": {},
	"cedar-pay": {},
}

# What the server says of a name: the labels of a namespace that does not exist are empty.
target(kind, namespace, name) := {
	"kind": kind,
	"namespace": namespace,
	"name": name,
	"namespace_labels": object.get(labels, namespace, {}),
	"exists": true,
}

service(namespace, name) := target("service", namespace, name)

question(name) := {
	"name": name,
	"suffixes": [suffix |
		parts := split(name, ".")
		some i, _ in parts
		suffix := concat(".", array.slice(parts, i, count(parts)))
	],
	"type": "A",
	"via": "client",
}

asks(client, name, what) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": question(name),
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, sample)

judged_with(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.tenant_isolation as table
	mine := {candidate | some candidate in all; startswith(candidate.rule, "tenant/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

rule(request) := concat(" ", [verdict.action, verdict.rule]) if {
	verdict := judged(request)
}

test_own_namespace if {
	rule(asks(pod("acorn"), "web.acorn.svc.cluster.local", service("acorn", "web"))) == "allow tenant/own"
}

test_other_namespace_of_the_same_tenant if {
	rule(asks(pod("acorn"), "run.acorn-jobs.svc.cluster.local", service("acorn-jobs", "run"))) == "allow tenant/own"
}

test_other_tenant if {
	rule(asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db"))) == "block tenant/other"
}

test_names_that_are_not_there_look_like_names_that_are if {
	there := judged(asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db")))
	every what in [
		object.union(service("birch", "nothing"), {"exists": false}),
		object.union(service("no-such-namespace", "db"), {"exists": false}),
		object.union(target("endpoint", "birch", "db"), {"exists": false}),
		{"kind": "none", "namespace": "birch", "namespace_labels": labels.birch},
		{"kind": "none", "namespace": "no-such-namespace"},
	] {
		judged(asks(pod("acorn"), "x.birch.svc.cluster.local", what)) == there
	}
}

test_every_type_alike if {
	request := asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db"))
	there := judged(request)
	every type in ["A", "AAAA", "SRV", "HTTPS", "ANY", "TXT", "TYPE65400"] {
		judged(object.union(request, {"query": {"type": type}})) == there
	}
}

test_reverse_look_up_of_the_own_service if {
	rule(asks(pod("acorn"), "10.0.96.10.in-addr.arpa", service("acorn", "web"))) == "allow tenant/own"
}

test_reverse_look_ups_do_not_tell_which_addresses_are_in_use if {
	owned := judged(asks(pod("acorn"), "20.0.96.10.in-addr.arpa", service("birch", "db")))
	owned.rule == "tenant/other"
	judged(asks(pod("acorn"), "21.0.96.10.in-addr.arpa", {"kind": "none"})) == owned
	judged(asks(pod("acorn"), "1.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", {"kind": "none"})) == owned
}

test_pod_names if {
	name := "10-1-0-7.birch.pod.cluster.local"
	rule(asks(pod("acorn"), name, target("pod", "birch", "db-0"))) == "block tenant/other"
	rule(asks(pod("acorn"), name, {"kind": "pod", "namespace": "birch"})) == "block tenant/other"
	rule(asks(pod("birch"), name, target("pod", "birch", "db-0"))) == "allow tenant/own"
}

test_shared_platform if {
	rule(asks(pod("birch"), "registry.platform.svc.cluster.local", service("platform", "registry"))) == "allow tenant/shared"
}

test_shared_means_true if {
	name := "registry.platform-old.svc.cluster.local"
	rule(asks(pod("birch"), name, service("platform-old", "registry"))) == "block tenant/other"
}

test_outside_names if {
	rule(asks(pod("acorn"), "www.shop.example", {"kind": "external"})) == "allow tenant/external"
}

test_infra_for_pods if {
	name := "kubernetes.default.svc.cluster.local"
	rule(asks(pod("acorn"), name, service("default", "kubernetes"))) == "allow tenant/infra"
	rule(asks(pod("acorn"), "other.default.svc.cluster.local", service("default", "other"))) == "block tenant/other"
}

test_infra_reverse_zone if {
	rule(asks(pod("acorn"), "9.113.0.203.in-addr.arpa", {"kind": "none"})) == "allow tenant/infra"
}

test_infra_names_do_not_open_services if {
	request := asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db"))
	judged_with(request, {"infra": {"names": {"db.birch.svc.cluster.local": true}}}).rule == "tenant/other"
}

test_what_is_not_known_is_blocked if {
	rule(asks(pod("acorn"), "x.cluster.local", {"kind": "pod"})) == "block tenant/other"
	rule(asks({}, "cluster.local", {"kind": "none"})) == "block tenant/other"
	rule(asks({"kind": "pod"}, "www.shop.example", {"kind": "external"})) == "block tenant/egress"
}

test_names_of_the_zone_itself if {
	every name in ["cluster.local", "dns-version.cluster.local", "www.shop.example.cluster.local"] {
		rule(asks(pod("acorn"), name, {"kind": "none"})) == "allow tenant/zone"
	}
}

test_a_zone_as_a_whole_is_for_no_tenant if {
	every type in ["AXFR", "IXFR"] {
		question := asks(pod("acorn"), "cluster.local", {"kind": "none"})
		transfer := object.union(question, {"query": object.union(question.query, {"type": type})})
		rule(transfer) == "block tenant/other"
	}
}

# A stub resolver with a search list goes on after NXDOMAIN and stops at REFUSED.
test_search_list if {
	own := {"kind": "none", "namespace": "acorn", "namespace_labels": labels.acorn}
	rule(asks(pod("acorn"), "api.partner.example.acorn.svc.cluster.local", own)) == "allow tenant/own"
	block := judged(asks(pod("acorn"), "partner.example.svc.cluster.local", service("example", "partner")))
	object.get(block, "as", "nxdomain") == "nxdomain"
}

test_grant if {
	rule(asks(pod("acorn"), "ledger.birch.svc.cluster.local", service("birch", "ledger"))) == "allow tenant/granted"
	rule(asks(pod("acorn-jobs"), "ledger.birch.svc.cluster.local", service("birch", "ledger"))) == "block tenant/other"
	rule(asks(pod("birch"), "web.acorn.svc.cluster.local", service("acorn", "web"))) == "block tenant/other"
}

test_clients_that_are_no_pod if {
	every kind in ["host", "external", "ambiguous", "unknown"] {
		client := {"kind": kind, "why": "for the test"}
		rule(asks(client, "web.acorn.svc.cluster.local", service("acorn", "web"))) == "block tenant/not-a-pod"
		rule(asks(client, "registry.platform.svc.cluster.local", service("platform", "registry"))) == "block tenant/not-a-pod"
		rule(asks(client, "www.shop.example", {"kind": "external"})) == "block tenant/not-a-pod"
		rule(asks(client, "cluster.local", {"kind": "none"})) == "block tenant/not-a-pod"
		rule(asks(client, "kubernetes.default.svc.cluster.local", service("default", "kubernetes"))) == "allow tenant/infra"
		rule(asks(client, "time.infra.example", {"kind": "external"})) == "allow tenant/infra"
		rule(asks(client, "b.time.infra.example", {"kind": "external"})) == "allow tenant/infra"
	}
}

test_where_an_infra_name_leads if {
	request := asks({"kind": "host"}, "ntp7.vendor.example", {"kind": "external"})
	rule(request) == "block tenant/not-a-pod"
	rule(object.union(request, {"query": {"via": "cname"}})) == "allow tenant/infra"
	inside := asks({"kind": "host"}, "web.acorn.svc.cluster.local", service("acorn", "web"))
	rule(object.union(inside, {"query": {"via": "cname"}})) == "block tenant/not-a-pod"
}

test_egress_list if {
	outside := {"kind": "external"}
	rule(asks(pod("cedar-pay"), "api.cards.example", outside)) == "allow tenant/egress"
	rule(asks(pod("cedar-pay"), "eu.pay-partner.example", outside)) == "allow tenant/egress"
	rule(asks(pod("cedar-pay"), "x.api.cards.example", outside)) == "block tenant/egress"
	rule(asks(pod("cedar-pay"), "evil.example", outside)) == "block tenant/egress"
	rule(asks(pod("cedar-pay"), "notpay-partner.example", outside)) == "block tenant/egress"
	rule(asks(pod("cedar-pay"), "time.infra.example", outside)) == "allow tenant/infra"
}

test_egress_list_does_not_judge_where_a_name_leads if {
	edge := asks(pod("cedar-pay"), "edge7.cdn.example", {"kind": "external"})
	rule(object.union(edge, {"query": {"via": "cname"}})) == "allow tenant/egress"
}

test_an_alias_is_no_way_around_isolation if {
	request := asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db"))
	rule(object.union(request, {"query": {"via": "cname"}})) == "block tenant/other"
	rule(object.union(request, {"query": {"via": "rewrite"}})) == "block tenant/other"
}

test_the_answer_gets_the_verdict_of_the_question if {
	answer := {"phase": "response", "answer": {"addresses": ["10.96.0.10"], "names": []}}
	own := asks(pod("acorn"), "web.acorn.svc.cluster.local", service("acorn", "web"))
	rule(object.union(own, answer)) == "allow tenant/own"
	other := asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db"))
	rule(object.union(other, answer)) == "block tenant/other"
}

test_without_data_nothing_is_granted if {
	grant := asks(pod("acorn"), "ledger.birch.svc.cluster.local", service("birch", "ledger"))
	verdict := judged_with(grant, {})
	verdict.rule == "tenant/other"
	unknown := asks({"kind": "unknown"}, "kubernetes.default.svc.cluster.local", service("default", "kubernetes"))
	verdict2 := judged_with(unknown, {})
	verdict2.rule == "tenant/not-a-pod"
}

test_a_tenant_cannot_open_what_is_not_its_own if {
	other := asks(pod("acorn"), "db.birch.svc.cluster.local", service("birch", "db"))
	block := data.dnspolicy.tenant_isolation.verdict with input as other
	verdict := decision with data.dnspolicy.candidates as {
		block,
		{"tier": "tenant", "action": "allow", "rule": "acorn/all", "reason": "we would like to"},
	}
	verdict.rule == "tenant/other"
}

# What a pod of one namespace gets of another's service, when the data say so of the hierarchy.
related(client, namespace, hierarchy) := judged_with(
	asks(pod(client), concat(".", ["db", namespace, "svc.cluster.local"]), service(namespace, "db")),
	{"hierarchy": hierarchy},
).rule

test_tenants_below_are_others_unless_the_data_say_so if {
	related("acorn", "acorn-shop", {}) == "tenant/other"
	related("acorn-shop", "acorn", {}) == "tenant/other"
	related("acorn", "acorn-shop", {"down": false}) == "tenant/other"
}

test_parents_see_all_below if {
	every namespace in ["acorn-shop", "acorn-shop-web", "acorn-bank"] {
		related("acorn", namespace, {"down": true}) == "tenant/below"
		related(namespace, "acorn", {"down": true}) == "tenant/other"
	}
	related("acorn-shop", "acorn-shop-web", {"down": true}) == "tenant/below"
}

test_children_see_all_above if {
	every namespace in ["acorn-shop", "acorn-shop-web", "acorn-bank"] {
		related(namespace, "acorn", {"up": true}) == "tenant/above"
		related("acorn", namespace, {"up": true}) == "tenant/other"
	}
}

test_siblings_and_names_that_begin_alike_are_others if {
	both := {"up": true, "down": true}
	related("acorn-shop", "acorn-bank", both) == "tenant/other"
	related("acorn", "acorns", both) == "tenant/other"
	related("acorns", "acorn", both) == "tenant/other"
	related("acorn", "cedar-pay", both) == "tenant/other"
	related("cedar-pay", "acorn", both) == "tenant/other"
}

test_only_pods_are_above if {
	host := {"kind": "host", "namespace_labels": labels.acorn}
	request := asks(host, "db.acorn-shop.svc.cluster.local", service("acorn-shop", "db"))
	judged_with(request, {"hierarchy": {"down": true}}).rule == "tenant/not-a-pod"
}

evil_from(asked) := object.union(
	asks(pod("cedar-pay"), "evil.example", {"kind": "external"}),
	{"query": {"via": "cname", "asked": asked}},
)

# Whoever may create Services has one of type ExternalName lead anywhere.
test_egress_list_judges_where_a_name_of_the_cluster_leads if {
	every asked in ["hole.cedar-pay.svc.cluster.local", "evil.example.cedar-pay.svc.cluster.local"] {
		rule(evil_from(asked)) == "block tenant/egress"
	}
	rule(evil_from("api.cards.example.cedar-pay.svc.cluster.local")) == "allow tenant/egress"
	rule(evil_from("api.cards.example")) == "allow tenant/egress"
}

test_a_pod_with_the_name_of_a_service_is_none if {
	named := target("pod", "birch", "ledger")
	table := {"infra": {"services": {"birch/ledger": true}}, "grants": {"acorn": {"birch/ledger": true}}}
	every client in [pod("acorn"), {"kind": "host"}] {
		judged_with(asks(client, "10-1-2-3.birch.pod.cluster.local", named), table).action == "block"
		judged_with(asks(client, "ledger.birch.svc.cluster.local", service("birch", "ledger")), table).action == "allow"
	}
}
