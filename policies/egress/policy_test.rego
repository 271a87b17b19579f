package dnspolicy_egress_test

import data.dnspolicy.decision

table := {
	"everybody": {"suffixes": {"ntp.example": true}},
	"groups": {"cards": {"names": {"api.cards.example": true}}, "unused": {"suffixes": {"example": true}}},
	"namespaces": {
		"cedar-pay": {
			"names": {"status.shop.example": "TICKET-7", "retired.shop.example": false},
			"suffixes": {"bank.example": true},
			"wildcards": {"pay-partner.example": true},
			"groups": {"cards": true, "unused": false, "missing": true},
		},
		"locked": {},
	},
}

suffixes(name) := [suffix |
	parts := split(name, ".")
	some i, _ in parts
	suffix := concat(".", array.slice(parts, i, count(parts)))
]

asks(client, name) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": {"name": name, "suffixes": suffixes(name), "via": "client"},
	"target": {"kind": "external"},
}

pod(namespace) := {"kind": "pod", "namespace": namespace}

# What this policy alone makes of a request, whatever else is loaded.
judged_with(request, lists) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.egress as lists
	mine := {candidate | some candidate in all; startswith(candidate.rule, "egress/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

judged(namespace, name) := judged_with(asks(pod(namespace), name), table)

listed(entry) := {"action": "allow", "rule": "egress/listed", "reason": concat(" ", ["listed as", entry])}

other := {"action": "block", "rule": "egress/other", "reason": "not on a list of the client's namespace"}

test_names_are_exact if {
	judged("cedar-pay", "status.shop.example") == listed("status.shop.example")
	judged("cedar-pay", "a.status.shop.example") == other
	judged("cedar-pay", "shop.example") == other
}

test_an_entry_that_is_false_is_none if judged("cedar-pay", "retired.shop.example") == other

test_a_suffix_is_the_name_and_all_below if {
	every name in ["bank.example", "a.bank.example", "b.a.bank.example"] {
		judged("cedar-pay", name) == listed("bank.example")
	}
	judged("cedar-pay", "xbank.example") == other
}

test_a_wildcard_is_all_below_and_not_the_name if {
	judged("cedar-pay", "eu.pay-partner.example") == listed("*.pay-partner.example")
	judged("cedar-pay", "a.eu.pay-partner.example") == listed("*.pay-partner.example")
	judged("cedar-pay", "pay-partner.example") == other
	judged("cedar-pay", "xpay-partner.example") == other
}

test_groups if {
	judged("cedar-pay", "api.cards.example") == listed("api.cards.example")
	judged("cedar-pay", "x.api.cards.example") == other
	judged("locked", "api.cards.example") == other
}

test_everybody if {
	judged("cedar-pay", "0.ntp.example") == listed("ntp.example")
	judged("locked", "ntp.example") == listed("ntp.example")
	not judged("acorn", "ntp.example")
}

test_where_an_alias_leads if {
	request := object.union(asks(pod("cedar-pay"), "edge7.cdn.example"), {"query": {"via": "cname"}})
	judged_with(request, table).rule == "egress/alias"
	rewritten := object.union(asks(pod("cedar-pay"), "edge7.cdn.example"), {"query": {"via": "rewrite"}})
	judged_with(rewritten, table) == other
}

test_namespaces_without_a_list if {
	not judged("acorn", "www.shop.example")
	closed := object.union(table, {"others": "block"})
	judged_with(asks(pod("acorn"), "www.shop.example"), closed) == other
	judged_with(asks(pod("acorn"), "ntp.example"), closed) == listed("ntp.example")
	judged_with(asks({"kind": "host"}, "www.shop.example"), closed) == other
}

test_names_of_the_cluster_are_not_meant if {
	service := {"target": {"kind": "service", "namespace": "locked", "name": "web"}}
	request := asks(pod("locked"), "web.locked.svc.cluster.local")
	not judged_with(object.union(request, service), object.union(table, {"others": "block"}))
}

test_without_data if not judged_with(asks(pod("cedar-pay"), "www.shop.example"), {})

led(asked, name) := judged_with(object.union(asks(pod("cedar-pay"), name), {"query": {"via": "cname", "asked": asked}}), table)

# Whoever may create Services has one of type ExternalName lead anywhere.
test_where_a_name_of_the_cluster_leads_is_judged_by_the_list if {
	led("hole.cedar-pay.svc.cluster.local", "evil.example") == other
	led("Hole.Cedar-Pay.SVC.cluster.local", "evil.example") == other
	led("evil.example.cedar-pay.svc.cluster.local", "evil.example") == other
	led("_x._tcp.hole.cedar-pay.svc.cluster.local", "evil.example") == other
	led("hole.cedar-pay.svc.cluster.local", "status.shop.example") == listed("status.shop.example")
}

# A listed name with a search list behind it, which the server tried without.
test_where_a_listed_name_leads_that_a_search_list_hid if {
	led("status.shop.example.cedar-pay.svc.cluster.local", "edge7.cdn.example").rule == "egress/alias"
	led("status.shop.example", "edge7.cdn.example").rule == "egress/alias"
}

test_rows_of_other_shapes_open_nothing if {
	every row in [null, true, "all", {"groups": null}, {"groups": "all", "names": null}, {"suffixes": ["shop.example"]}] {
		judged_with(asks(pod("acorn"), "www.shop.example"), {"namespaces": {"acorn": row}}) == other
	}
}
