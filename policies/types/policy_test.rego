package dnspolicy_types_test

import data.dnspolicy.decision

table := {
	"everybody": {"NULL": true, "WKS": true, "TXT": "outside", "SPF": false},
	"namespaces": {
		"delta-lab": {"blocked": {"TXT": true, "HINFO": true}},
		"mail": {"allowed": {"TXT": true, "AXFR": true, "NULL": "outside"}},
		"plain": {"only": {"A": true, "AAAA": true}},
	},
}

asks(namespace, type, kind) := {
	"version": 1,
	"phase": "query",
	"client": {"kind": "pod", "namespace": namespace},
	"query": {"name": "www.shop.example", "type": type},
	"target": {"kind": kind},
}

# What this policy alone makes of a request, whatever else is loaded.
judged_with(request, rows) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.types as rows
	mine := {candidate | some candidate in all; startswith(candidate.rule, "type/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

judged(namespace, type, kind) := judged_with(asks(namespace, type, kind), table)

test_a_type_that_is_blocked_is_no_data_and_says_why if {
	judged("delta-lab", "TXT", "external") == {
		"action": "block",
		"as": "nodata",
		"rule": "type/blocked",
		"reason": "qtype TXT",
	}
	judged("delta-lab", "HINFO", "service").rule == "type/blocked"
}

test_addresses_are_not_meant if {
	every type in ["A", "AAAA", "SRV", "HTTPS", "SPF"] {
		not judged("delta-lab", type, "external")
		not judged("acorn", type, "external")
	}
}

test_everybody if {
	judged("acorn", "NULL", "service").reason == "qtype NULL"
	judged("acorn", "TXT", "external").reason == "qtype TXT"
	not judged("acorn", "TXT", "service")
	judged_with(json.remove(asks("x", "NULL", "external"), ["/client/namespace"]), table).rule == "type/blocked"
}

test_a_namespace_that_may if {
	not judged("mail", "TXT", "external")
	not judged("mail", "NULL", "external")
	judged("mail", "NULL", "service").rule == "type/blocked"
	judged("mail", "WKS", "external").rule == "type/blocked"
}

test_only_some_types if {
	not judged("plain", "A", "external")
	not judged("plain", "AAAA", "service")
	every type in ["TXT", "HTTPS", "TYPE65280", "ANY"] {
		judged("plain", type, "external").reason == concat(" ", ["qtype", type])
	}
}

test_transfers_are_refused_unless_somebody_may if {
	every type in ["AXFR", "IXFR"] {
		verdict := judged_with(asks("acorn", type, "none"), {})
		[verdict.as, verdict.rule, verdict.reason] == ["refused", "type/transfer", concat(" ", ["qtype", type])]
	}
	not judged("mail", "AXFR", "none")
	judged("mail", "IXFR", "none").rule == "type/transfer"
	judged("plain", "AXFR", "none").rule == "type/transfer"
}

test_without_data if not judged_with(asks("acorn", "TXT", "external"), {})

test_some_types_outside_only if {
	rows := {"namespaces": {"acorn": {"only": {"A": true, "TXT": "outside"}}}}
	not judged_with(asks("acorn", "TXT", "external"), rows)
	judged_with(asks("acorn", "TXT", "service"), rows).rule == "type/blocked"
}

test_what_is_said_in_other_words_opens_nothing if {
	every word in ["Outside", "ticket-7", null, 1, {}] {
		judged_with(asks("acorn", "TXT", "external"), {"everybody": {"TXT": word}}).rule == "type/blocked"
		judged_with(asks("acorn", "TXT", "service"), {"namespaces": {"acorn": {"blocked": {"TXT": word}}}}).rule == "type/blocked"
		rows := {"everybody": {"TXT": true}, "namespaces": {"acorn": {"allowed": {"TXT": word}}}}
		judged_with(asks("acorn", "TXT", "external"), rows).rule == "type/blocked"
		only := {"namespaces": {"acorn": {"only": {"TXT": word}}}}
		judged_with(asks("acorn", "TXT", "external"), only).rule == "type/blocked"
	}
}
