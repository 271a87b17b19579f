package dnspolicy_exfiltration_test

import data.dnspolicy.decision

sample := {
	"ttl": 10,
	"namespaces": {"delta-lab": "shadow"},
	"exceptions": {
		"ok.evil.example": {},
		"telemetry.example": {"namespaces": {"acorn": "measures its own clients"}},
	},
}

alarm := {"since": 1767225600, "until": 1767226200, "names": 103, "bytes": 6180, "length": 60, "entropy": 4.2}

alarms := {"evil.example": alarm, "telemetry.example": alarm}

asks(client, name) := {
	"version": 1,
	"phase": "query",
	"client": object.union({"kind": "pod", "namespace": "birch", "pod": "web-0"}, client),
	"query": {"name": name, "suffixes": suffixes(name), "via": "client"},
	"target": {"kind": "external"},
}

suffixes(name) := [suffix |
	parts := split(name, ".")
	some i, _ in parts
	suffix := concat(".", array.slice(parts, i, count(parts)))
]

# What this policy alone makes of a request, whatever else is loaded.
judged(request) := judged_with(request, sample)

judged_with(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.exfiltration as table
	mine := {candidate | some candidate in all; startswith(candidate.rule, "exfiltration/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

test_without_alarms_nothing_is_said if not judged(asks({}, "a.evil.example"))

test_the_domain_is_blocked if {
	verdict := judged(asks({"alarms": alarms}, "a.b.evil.example"))
	verdict.action == "block"
	verdict.rule == "exfiltration/domain"
	verdict.reason == "the workload asked for 103 names with 6180 bytes below evil.example, 4.2 bits a byte"
	verdict.ttl == 10
	verdict.audit == "full"
	judged(asks({"alarms": alarms}, "evil.example")).action == "block"
}

test_other_domains_are_not if {
	not judged(asks({"alarms": alarms}, "www.example"))
	not judged(asks({"alarms": alarms}, "notevil.example"))
}

test_a_namespace_may_only_be_watched if {
	verdict := judged(asks({"namespace": "delta-lab", "alarms": alarms}, "a.evil.example"))
	verdict.mode == "shadow"
}

test_so_may_a_rule if {
	table := object.union(sample, {"modes": {"domain": "shadow"}})
	judged_with(asks({"alarms": alarms}, "a.evil.example"), table).mode == "shadow"
}

test_exceptions if {
	not judged(asks({"alarms": alarms}, "a.ok.evil.example"))
	not judged(asks({"namespace": "acorn", "alarms": alarms}, "a.telemetry.example"))
	judged(asks({"alarms": alarms}, "a.telemetry.example")).action == "block"
}

test_many_domains_are_only_watched if {
	request := asks({"alarms": {"*": alarm}}, "a.any.example")
	judged(request).rule == "exfiltration/many"
	judged(request).mode == "shadow"
	not judged_with(request, {"modes": {"many": "enforce"}}).mode == "shadow"
	not judged(json.patch(request, [{"op": "replace", "path": "/target/kind", "value": "service"}]))
}

test_without_data_the_domain_is_blocked if {
	verdict := judged_with(asks({"alarms": alarms}, "a.evil.example"), {})
	verdict.action == "block"
	verdict.ttl == 30
}

test_an_exception_that_is_misspelt_is_none if {
	every exception in [{"namespace": {"acorn": true}}, {"namespaces": false}, true, null, "why"] {
		table := {"exceptions": {"evil.example": exception}}
		judged_with(asks({"alarms": alarms}, "a.evil.example"), table).action == "block"
	}
	not judged_with(asks({"alarms": alarms}, "a.evil.example"), {"exceptions": {"evil.example": {"why": "a scanner"}}})
}
