package dnspolicy_bypass_test

import data.dnspolicy.decision

table := {
	"providers": {"dns.doh-provider.example": true, "doh.example": true, "gone.example": false},
	"exempt": {"resolvers": "they forward to them"},
}

suffixes(name) := [suffix |
	parts := split(name, ".")
	some i, _ in parts
	suffix := concat(".", array.slice(parts, i, count(parts)))
]

asks(namespace, name) := {
	"version": 1,
	"phase": "query",
	"client": {"kind": "pod", "namespace": namespace},
	"query": {"name": name, "suffixes": suffixes(name)},
	"target": {"kind": "external"},
}

# What this policy alone makes of a request, whatever else is loaded.
judged_with(request, rows) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.bypass as rows
	mine := {candidate | some candidate in all; startswith(candidate.rule, "bypass/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

judged(namespace, name) := judged_with(asks(namespace, name), table)

test_the_canary_of_browsers_does_not_exist if {
	judged("acorn", "use-application-dns.net") == {
		"action": "block",
		"rule": "bypass/browser",
		"reason": "names are resolved here and not by the browser",
	}
}

test_the_relay_does_not_exist if {
	every name in ["mask.icloud.com", "mask-h2.icloud.com"] {
		verdict := judged("acorn", name)
		[verdict.action, verdict.rule] == ["block", "bypass/relay"]
		not verdict.as
	}
}

test_there_is_no_designated_resolver if {
	every name in ["_dns.resolver.arpa", "resolver.arpa", "a._dns.resolver.arpa"] {
		verdict := judged("acorn", name)
		[verdict.action, verdict.as, verdict.rule] == ["block", "nodata", "bypass/discovery"]
	}
}

test_providers_and_all_below if {
	every name in ["doh.example", "a.doh.example", "_dns.doh.example"] {
		judged("acorn", name).reason == "names are resolved here and not by doh.example"
	}
	judged("acorn", "dns.doh-provider.example").rule == "bypass/provider"
}

test_other_names if {
	every name in ["www.shop.example", "icloud.com", "xdoh.example", "doh-provider.example", "gone.example", "arpa"] {
		not judged("acorn", name)
	}
}

test_who_may if {
	every name in ["doh.example", "use-application-dns.net", "_dns.resolver.arpa"] {
		not judged("resolvers", name)
	}
}

test_names_of_the_cluster_are_not_meant if {
	request := asks("acorn", "doh.acorn.svc.doh.example")
	not judged_with(object.union(request, {"target": {"kind": "service", "namespace": "acorn", "name": "doh"}}), table)
}

test_clients_without_a_namespace if {
	request := json.remove(asks("x", "doh.example"), ["/client/namespace"])
	judged_with(request, table).rule == "bypass/provider"
}

test_without_data_the_well_known_names_remain if {
	judged_with(asks("acorn", "use-application-dns.net"), {}).rule == "bypass/browser"
	not judged_with(asks("acorn", "doh.example"), {})
}
