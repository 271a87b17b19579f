package dnspolicy_blocklist_test

import data.dnspolicy.decision

sample := {
	"names": {"update.malware.example": "malware"},
	"suffixes": {
		"tracker.example": "tracking",
		"bad.tracker.example": "malware",
		"c2.example": "malware",
		"dyn.example": "dynamic",
		"games.example": "games",
	},
	"categories": {
		"malware": {"as": "sinkhole", "addresses": ["192.0.2.66", "2001:db8::66"], "ttl": 10},
		"dynamic": {"mode": "shadow"},
		"games": {"as": "nodata", "namespaces": {"birch": true}},
	},
	"exceptions": {
		"ok.tracker.example": {},
		"sample.c2.example": {"namespaces": {"delta-lab": "analysis of samples"}},
	},
	"internal": {"internal.example": true},
	"ranges": ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "64:ff9b::/96"],
}

outside := {"kind": "external"}

asks(namespace, name) := {
	"version": 1,
	"phase": "query",
	"client": {"kind": "pod", "namespace": namespace, "pod": "web-0"},
	"query": {"name": name, "suffixes": suffixes(name), "via": "client"},
	"target": outside,
}

suffixes(name) := [suffix |
	parts := split(name, ".")
	some i, _ in parts
	suffix := concat(".", array.slice(parts, i, count(parts)))
]

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, sample)

judged_with(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.blocklist as table
	mine := {candidate | some candidate in all; startswith(candidate.rule, "blocklist/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

listed(namespace, name) := judged(asks(namespace, name))

answered(name, names, addresses) := object.union(asks("acorn", name), {
	"phase": "response",
	"answer": {"rcode": "NOERROR", "names": names, "addresses": addresses, "from": "forward"},
})

test_a_name_that_is_not_listed if not listed("acorn", "www.shop.example")

test_listed_name if {
	listed("acorn", "update.malware.example") == {
		"action": "block",
		"as": "sinkhole",
		"addresses": ["192.0.2.66", "2001:db8::66"],
		"ttl": 10,
		"rule": "blocklist/malware",
		"reason": "update.malware.example is listed as malware",
	}
}

test_a_listed_name_says_nothing_of_names_below_and_above if {
	not listed("acorn", "a.update.malware.example")
	not listed("acorn", "malware.example")
}

test_a_listed_suffix_and_everything_below if {
	every name in ["tracker.example", "a.tracker.example", "b.a.tracker.example"] {
		listed("acorn", name) == {
			"action": "block",
			"rule": "blocklist/tracking",
			"reason": "tracker.example is listed as tracking",
		}
	}
}

test_lists_that_are_a_category_as_a_whole if {
	lists := {"lists": {"phishing": {"login.example": true, "x.tracker.example": true}, "games": {"fun.example": ["0.0.0.0"]}}}
	table := object.union(sample, lists)
	every name in ["login.example", "a.login.example"] {
		judged_with(asks("acorn", name), table).reason == "login.example is listed as phishing"
	}
	judged_with(asks("birch", "fun.example"), table).as == "nodata"
	not judged_with(asks("acorn", "fun.example"), table)
	not judged_with(asks("acorn", "xlogin.example"), table)
	judged_with(asks("acorn", "x.tracker.example"), table).rule == "blocklist/tracking"
}

test_suffixes_end_at_a_dot if not listed("acorn", "nottracker.example")

test_the_longest_suffix_counts if {
	listed("acorn", "x.bad.tracker.example").rule == "blocklist/malware"
}

test_exception_for_everybody if {
	not listed("acorn", "ok.tracker.example")
	not listed("acorn", "a.ok.tracker.example")
}

test_exception_for_one_namespace if {
	not listed("delta-lab", "sample.c2.example")
	listed("acorn", "sample.c2.example").rule == "blocklist/malware"
	listed("delta-lab", "other.c2.example").rule == "blocklist/malware"
}

test_an_exception_does_not_lift_a_longer_entry if {
	table := object.union(sample, {"exceptions": {"tracker.example": {}}})
	not judged_with(asks("acorn", "a.tracker.example"), table)
	verdict := judged_with(asks("acorn", "bad.tracker.example"), table)
	verdict.rule == "blocklist/malware"
}

test_category_for_some_namespaces if {
	listed("birch", "chess.games.example") == {
		"action": "block",
		"as": "nodata",
		"rule": "blocklist/games",
		"reason": "games.example is listed as games",
	}
	not listed("acorn", "chess.games.example")
}

test_clients_without_namespace if {
	unknown := {"client": {"kind": "unknown"}}
	request := json.patch(asks("x", "sample.c2.example"), [{"op": "replace", "path": "/client", "value": unknown.client}])
	judged(request).rule == "blocklist/malware"
}

test_shadow_category if {
	request := asks("birch", "host.dyn.example")
	judged(request).mode == "shadow"
	all := data.dnspolicy.candidates with input as request with data.blocklist as sample
	{candidate | some candidate in all; startswith(candidate.rule, "blocklist/")} == {{
		"tier": "admin",
		"action": "block",
		"mode": "shadow",
		"rule": "blocklist/dynamic",
		"reason": "dyn.example is listed as dynamic",
	}}
}

test_category_nobody_described if {
	verdict := judged_with(asks("acorn", "a.example"), {"names": {"a.example": "new"}})
	verdict == {"action": "block", "rule": "blocklist/new", "reason": "a.example is listed as new"}
}

# The server asks about every name that an alias leads to.
test_cname_cloaking if {
	request := asks("acorn", "t.tracker.example")
	judged(object.union(request, {"query": {"via": "cname"}})).rule == "blocklist/tracking"
}

test_target_of_an_https_record if {
	request := answered("www.shop.example", ["www.shop.example", "svc.tracker.example"], ["203.0.113.5"])
	judged(request).rule == "blocklist/tracking"
}

test_decent_answer if {
	not judged(answered("www.shop.example", ["www.shop.example", "edge.cdn.example"], ["203.0.113.5", "2001:db8::5"]))
}

test_any_address_inside_blocks_the_answer if {
	every address in [
		"10.0.0.7",
		"127.0.0.1",
		"169.254.169.254",
		"fd00::7",
		"fe80::1",
		"::ffff:10.0.0.7",
		"64:ff9b::a00:7",
	] {
		every addresses in [[address], ["203.0.113.5", address], [address, "203.0.113.5"]] {
			verdict := judged(answered("promo.example", ["promo.example"], addresses))
			[verdict.action, verdict.as, verdict.rule] == ["block", "nodata", "blocklist/address"]
		}
	}
}

test_mapped_addresses_outside if {
	not judged(answered("promo.example", ["promo.example"], ["::ffff:203.0.113.5"]))
}

test_reason_names_address_and_range if {
	judged(answered("promo.example", ["promo.example"], ["10.0.0.7"])).reason == "an outside name leads to 10.0.0.7 in 10.0.0.0/8"
}

test_own_zones_may_lead_inside if {
	not judged(answered("db.internal.example", ["db.internal.example"], ["10.0.0.7"]))
}

test_cluster_names_may_lead_inside if {
	request := answered("web.acorn.svc.cluster.local", ["web.acorn.svc.cluster.local", "a.tracker.example"], ["10.0.0.7"])
	service := {"target": {"kind": "service", "namespace": "acorn", "name": "web"}}
	not judged(object.union(request, service))
}

test_without_data_nothing_is_said if {
	every request in [asks("acorn", "a.c2.example"), answered("promo.example", ["promo.example"], ["10.0.0.7"])] {
		not judged_with(request, {})
	}
}

# A table of names as YAML has it, with nothing behind the colon.
test_a_name_without_a_category_is_blocked if {
	every category in [true, null, 7, {}, ["malware"]] {
		every table in [{"names": {"a.bare.example": category}}, {"suffixes": {"bare.example": category}}] {
			verdict := judged_with(asks("acorn", "a.bare.example"), table)
			[verdict.action, verdict.rule] == ["block", "blocklist/listed"]
		}
	}
	not judged_with(asks("acorn", "a.bare.example"), {"suffixes": {"bare.example": false}})
}

test_an_exception_that_is_misspelt_is_none if {
	every exception in [{"namespace": {"birch": true}}, {"namespaces": false}, true, null, "why", ["birch"]] {
		rows := object.union(sample, {"exceptions": {"tracker.example": exception}})
		judged_with(asks("acorn", "a.tracker.example"), rows).rule == "blocklist/tracking"
	}
	with_a_reason := object.union(sample, {"exceptions": {"tracker.example": {"why": "ours"}}})
	not judged_with(asks("acorn", "a.tracker.example"), with_a_reason)
}
