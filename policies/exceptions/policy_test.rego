package dnspolicy_exceptions_test

import data.dnspolicy.decision
import data.dnspolicy.exceptions.judged as judged_row

rows := {
	"names": {
		"sample.c2.example": {
			"EX-17": {
				"namespaces": {"delta-lab": true},
				"lifts": {"blocklist/malware": true},
				"until": "2026-12-24T12:00:00+01:00",
				"why": "analysis of samples",
			},
			"EX-16": {
				"namespaces": {"birch": true},
				"lifts": {"blocklist": true},
				"since": "2026-12-01T00:00:00Z",
				"until": "2026-12-02T00:00:00Z",
			},
		},
		"updates.vendor.example": {"night": {
			"namespaces": {"batch": true},
			"lifts": {"egress": true},
			"hours": [{"from": "02:00", "to": "04:00"}],
		}},
	},
	"suffixes": {"vendor.example": {"open-day": {
		"lifts": {"egress/other": true},
		"until": "2026-12-05T00:00:00Z",
		"hours": [{"from": "22:00", "to": "06:00", "days": ["fri"], "zone": "Europe/Berlin"}],
	}}},
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

blocks(rule) := {"tier": "admin", "action": "block", "rule": rule, "reason": "listed"}

at(text) := time.parse_rfc3339_ns(text)

# What the exceptions and another policy's block make of a question together, and the edges of that instant.
judged(namespace, name, rule, instant) := answer if {
	request := asks(namespace, name)
	mine := candidates(request, rows, at(instant))
	edges := data.dnspolicy.edges with input as request with data.exceptions as rows with time.now_ns as at(instant)
	answer := decision with input as request
		with data.exceptions as rows
		with time.now_ns as at(instant)
		with data.dnspolicy.edges as edges
		with data.dnspolicy.candidates as mine | {blocks(rule)}
}

candidates(request, table, ns) := {candidate | some candidate in all; startswith(candidate.rule, "exception/")} if {
	all := data.dnspolicy.candidates with input as request with data.exceptions as table with time.now_ns as ns
}

would(reason) := {"action": "block", "rule": "blocklist/malware", "reason": reason}

test_before_its_end if {
	judged("delta-lab", "sample.c2.example", "blocklist/malware", "2026-12-24T10:59:00Z") == {
		"action": "allow",
		"rule": "exception/EX-17",
		"reason": "until 2026-12-24T12:00:00+01:00",
		"ttl": 60,
		"shadow": [would("listed; EX-17 until 2026-12-24T12:00:00+01:00")],
	}
}

test_nothing_outlives_the_end if {
	judged("delta-lab", "sample.c2.example", "blocklist/malware", "2026-12-24T10:59:59.5Z").ttl == 0
	judged("delta-lab", "sample.c2.example", "blocklist/malware", "2026-12-24T10:59:58.9Z").ttl == 1
}

test_after_its_end_the_record_says_so if {
	every instant in ["2026-12-24T11:00:00Z", "2027-01-01T00:00:00Z"] {
		judged("delta-lab", "sample.c2.example", "blocklist/malware", instant) == {
			"action": "block",
			"rule": "blocklist/malware",
			"reason": "listed",
			"ttl": 86400,
			"shadow": [{"action": "allow", "rule": "exception/EX-17", "reason": "ended 2026-12-24T12:00:00+01:00"}],
		}
	}
}

test_before_it_begins if {
	early := judged("birch", "sample.c2.example", "blocklist/malware", "2026-11-30T23:59:00Z")
	[early.action, early.ttl, early.shadow[0].reason] == ["block", 60, "not before 2026-12-01T00:00:00Z"]
	judged("birch", "sample.c2.example", "blocklist/malware", "2026-12-01T00:00:00Z").rule == "exception/EX-16"
}

test_other_rules_namespaces_and_names if {
	every question in [
		["delta-lab", "sample.c2.example", "blocklist/address"],
		["acorn", "sample.c2.example", "blocklist/malware"],
		["delta-lab", "a.sample.c2.example", "blocklist/malware"],
		["delta-lab", "c2.example", "blocklist/malware"],
		["birch", "sample.c2.example", "blocklisted/malware"],
	] {
		judged(question[0], question[1], question[2], "2026-12-01T12:00:00Z").action == "block"
	}
}

test_all_rules_of_a_policy if {
	every rule in ["blocklist/malware", "blocklist/tracking", "blocklist/address"] {
		judged("birch", "sample.c2.example", rule, "2026-12-01T12:00:00Z").action == "allow"
	}
}

test_hours if {
	judged("batch", "updates.vendor.example", "egress/other", "2026-12-08T01:59:59Z").action == "block"
	open := judged("batch", "updates.vendor.example", "egress/other", "2026-12-08T02:00:00Z")
	[open.action, open.rule, open.reason, open.ttl] == ["allow", "exception/night", "at its hours", 7200]
	judged("batch", "updates.vendor.example", "egress/other", "2026-12-08T03:59:59Z").action == "allow"
	closed := judged("batch", "updates.vendor.example", "egress/other", "2026-12-08T04:00:00Z")
	[closed.action, closed.ttl] == ["block", 79200]
	{watched.reason | some watched in closed.shadow} == {"outside of its hours", "ended 2026-12-05T00:00:00Z"}
}

# 2026-12-04 is a Friday; the hours begin at 21:00Z and would go on until 05:00Z, but the date comes first.
test_hours_with_an_end if {
	judged("acorn", "a.vendor.example", "egress/other", "2026-12-04T20:59:59Z").action == "block"
	open := judged("acorn", "a.vendor.example", "egress/other", "2026-12-04T21:00:00Z")
	[open.action, open.rule, open.ttl] == ["allow", "exception/open-day", 10800]
	judged("acorn", "a.vendor.example", "egress/other", "2026-12-05T00:00:00Z").action == "block"
	judged("acorn", "a.vendor.example", "egress/other", "2026-12-03T21:00:00Z").action == "block"
}

test_of_several_the_first_is_named if {
	found := judged("batch", "updates.vendor.example", "egress/other", "2026-12-04T02:30:00Z")
	found.rule == "exception/night"
	found.shadow[0].reason == "outside of its hours"
	found.shadow[1].reason == "listed; night at its hours"
}

test_clients_without_a_namespace if {
	request := object.union(asks("x", "a.vendor.example"), {"client": {"kind": "unknown"}})
	stripped := json.remove(request, ["/client/namespace"])
	{c.rule | some c in candidates(stripped, rows, at("2026-12-04T21:30:00Z"))} == {"exception/open-day"}
	batch := json.remove(asks("x", "sample.c2.example"), ["/client/namespace"])
	candidates(batch, rows, at("2026-12-04T21:30:00Z")) == set()
}

test_names_without_an_exception_live_long if {
	request := asks("acorn", "www.shop.example")
	candidates(request, rows, at("2026-12-04T21:30:00Z")) == set()
	edges := data.dnspolicy.edges with input as request with data.exceptions as rows
	min(edges) == 86400
}

good := {"lifts": {"blocklist": true}, "until": "2026-12-24T12:00:00Z"}

test_a_malformed_row_lifts_nothing_and_is_seen if {
	every row in [
		{}, "yes", true, {"lifts": {"blocklist": true}}, {"until": "2026-12-24T12:00:00Z"},
		object.union(good, {"untill": "2026-12-25T12:00:00Z"}), object.union(good, {"until": "2026-12-24"}),
		object.union(good, {"until": "never"}), object.union(good, {"until": 5}), object.union(good, {"since": "soon"}),
		object.union(good, {"lifts": "blocklist"}), object.union(good, {"namespaces": ["acorn"]}),
		object.union(good, {"hours": []}), object.union(good, {"hours": "02:00-04:00"}),
		object.union(good, {"hours": [{"from": "02:00"}]}),
	] {
		table := {"names": {"a.example": {"EX-1": row}}}
		found := candidates(asks("acorn", "a.example"), table, at("2026-12-04T21:30:00Z"))
		{[c.rule, c.mode, c.reason] | some c in found} == {["exception/EX-1", "shadow", "malformed"]}
		lifted := data.dnspolicy.exceptions.lifted with input as asks("acorn", "a.example")
			with data.exceptions as table
			with data.dnspolicy.candidates as {blocks("blocklist/malware")}
			with time.now_ns as at("2026-12-04T21:30:00Z")
		lifted == {}
	}
}

test_a_good_row if judged_row(good) == ["in force", 1] with time.now_ns as at("2026-12-24T11:59:59Z")

test_a_row_for_everybody_is_not_for_nobody if {
	empty := {"names": {"a.example": {"EX-1": object.union(good, {"namespaces": {}})}}}
	candidates(asks("acorn", "a.example"), empty, at("2026-12-04T21:30:00Z")) == set()
}

test_without_data if {
	every table in [{}, null] {
		candidates(asks("acorn", "a.example"), table, at("2026-12-04T21:30:00Z")) == set()
	}
}
