package dnspolicy_rpz_test

import data.dnspolicy.decision

malware := {
	"serial": 7,
	"names": {
		"bad.example": "nxdomain", "nodata.example": "nodata", "drop.example": "drop", "ok.sub.bad.example": "passthru",
		"tcp.example": "tcp_only", "portal.example": "local", "alias.example": "local", "text.example": "local",
		"both.example": "nxdomain",
	},
	"wildcards": {"bad.example": "nodata", "sub.bad.example": "nxdomain", "garden.example": "local"},
	"client_ips": {
		"hosts": {"10.9.9.9": "drop"},
		"networks": [{"cidr": "10.9.8.0/24", "action": "local"}, {"cidr": "10.9.0.0/16", "action": "passthru"}],
	},
	"response_ips": {
		"hosts": {"192.0.2.7": "nodata", "2001:db8::7": "local"},
		"networks": [{"cidr": "192.0.2.128/25", "action": "passthru"}, {"cidr": "192.0.2.0/24", "action": "nxdomain"}],
	},
	"records": {
		"names": {
			"portal.example": [
				{"type": "A", "data": "192.0.2.80", "ttl": 300},
				{"type": "AAAA", "data": "2001:db8::80", "ttl": 60},
				{"type": "TXT", "data": "hello", "ttl": 5},
			],
			"alias.example": [{"type": "CNAME", "data": "portal.example", "ttl": 100000}],
			"text.example": [{"type": "TXT", "data": "hello", "ttl": 5}],
		},
		"wildcards": {"garden.example": [{"type": "CNAME", "data": "*.walled.example", "ttl": 30}]},
		"client_ips": {"10.9.8.0/24": [{"type": "A", "data": "192.0.2.81", "ttl": 30}]},
		"response_ips": {"2001:db8::7/128": [{"type": "A", "data": "192.0.2.82", "ttl": 30}]},
	},
	"not_enforced": {"nsip": 0, "nsdname": 0},
}

second := {
	"serial": 8,
	"names": {"both.example": "passthru", "bad.example": "drop", "late.example": "nxdomain", "free.example": "passthru"},
	"wildcards": {".": "nodata"},
	"client_ips": {"hosts": {}, "networks": []},
	"response_ips": {"hosts": {"192.0.2.7": "drop"}, "networks": []},
	"records": {"names": {}, "wildcards": {}, "client_ips": {}, "response_ips": {}},
}

one := {"zones": {"malware": malware}, "order": [{"zone": "malware"}]}

two := {"zones": {"malware": malware, "second": second}, "order": [{"zone": "malware"}, {"zone": "second"}]}

over(override) := {"zones": {"malware": malware}, "order": [object.union({"zone": "malware"}, override)]}

suffixes(name) := [suffix |
	parts := split(name, ".")
	some i, _ in parts
	suffix := concat(".", array.slice(parts, i, count(parts)))
]

asks(name) := {
	"version": 1,
	"phase": "query",
	"client": {"kind": "pod", "namespace": "acorn", "ip": "10.1.2.3"},
	"query": {"name": name, "suffixes": suffixes(name), "transport": "udp"},
	"target": {"kind": "external"},
}

from(request, ip) := object.union(request, {"client": {"ip": ip}})

answered(name, addresses) := object.union(asks(name), {
	"phase": "response",
	"answer": {"rcode": "NOERROR", "names": [name], "addresses": addresses, "from": "forward"},
})

# What this policy alone makes of a request, whatever else is loaded.
judged(request, table) := verdict if {
	all := data.dnspolicy.candidates with input as request
		with data.rpz as table
		with data.dnspolicy.rpz.client_addresses as {request.client.ip}
	mine := {candidate | some candidate in all; startswith(candidate.rule, "rpz/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

blocked(how, zone, reason) := {"action": "block", "as": how, "rule": concat("/", ["rpz", zone]), "reason": reason}

test_names_are_exact if {
	judged(asks("bad.example"), one) == blocked("nxdomain", "malware", "qname bad.example")
	judged(asks("nodata.example"), one) == blocked("nodata", "malware", "qname nodata.example")
	judged(asks("drop.example"), one) == blocked("drop", "malware", "qname drop.example")
	not judged(asks("a.drop.example"), one)
	not judged(asks("example"), one)
}

test_wildcards_are_for_what_is_below_and_the_longest_counts if {
	judged(asks("a.bad.example"), one) == blocked("nodata", "malware", "wildcard *.bad.example")
	judged(asks("b.a.bad.example"), one) == blocked("nodata", "malware", "wildcard *.bad.example")
	judged(asks("sub.bad.example"), one) == blocked("nodata", "malware", "wildcard *.bad.example")
	judged(asks("a.sub.bad.example"), one) == blocked("nxdomain", "malware", "wildcard *.sub.bad.example")
}

test_the_wildcard_of_everything if {
	judged(asks("www.shop.example"), two) == blocked("nodata", "second", "wildcard *")
}

test_passthru_decides_nothing_and_is_written_down if {
	judged(asks("ok.sub.bad.example"), one) == {
		"action": "allow",
		"mode": "shadow",
		"rule": "rpz/malware",
		"reason": "qname ok.sub.bad.example",
		"shadow": [],
	}
}

test_the_first_zone_decides if {
	judged(asks("both.example"), two) == blocked("nxdomain", "malware", "qname both.example")
	turned := object.union(two, {"order": [{"zone": "second"}, {"zone": "malware"}]})
	judged(asks("both.example"), turned).mode == "shadow"
	judged(asks("bad.example"), turned).as == "drop"
	judged(asks("late.example"), two) == blocked("nxdomain", "second", "qname late.example")
}

test_a_zone_that_is_not_there_says_nothing if {
	judged(asks("late.example"), object.union(two, {"zones": {"malware": null}})).rule == "rpz/second"
	not judged(asks("bad.example"), {"order": [{"zone": "malware"}]})
	not judged(asks("bad.example"), {"zones": {"malware": malware}})
	not judged(asks("bad.example"), {})
}

test_local_addresses if {
	judged(asks("portal.example"), one) == {
		"action": "redirect",
		"addresses": ["192.0.2.80", "2001:db8::80"],
		"ttl": 60,
		"rule": "rpz/malware",
		"reason": "qname portal.example",
	}
}

test_a_local_alias if {
	alias := judged(asks("alias.example"), one)
	[alias.action, alias.cname, alias.ttl] == ["redirect", "portal.example", 86400]
	judged(asks("www.garden.example"), one).cname == "www.garden.example.walled.example"
}

test_local_data_of_other_types_are_no_data if {
	judged(asks("text.example"), one) == blocked("nodata", "malware", "qname text.example")
}

test_an_answer_of_ours_is_allowed if {
	judged(answered("portal.example", ["192.0.2.80"]), one) == {
		"action": "allow",
		"rule": "rpz/malware",
		"reason": "qname portal.example",
	}
}

test_tcp_only if {
	judged(asks("tcp.example"), one) == blocked("refused", "malware", "qname tcp.example")
	judged(object.union(asks("tcp.example"), {"query": {"transport": "tcp"}}), one).mode == "shadow"
}

test_clients_come_before_names if {
	judged(from(asks("bad.example"), "10.9.9.9"), one) == blocked("drop", "malware", "client-ip 10.9.9.9/32")
	judged(from(asks("bad.example"), "10.9.7.1"), one).reason == "client-ip 10.9.0.0/16"
	judged(from(asks("www.shop.example"), "10.9.8.1"), one).addresses == ["192.0.2.81"]
	judged(from(answered("www.shop.example", ["192.0.2.81"]), "10.9.8.1"), one).action == "allow"
}

test_addresses_of_answers if {
	judged(answered("www.shop.example", ["203.0.113.5", "192.0.2.1"]), one) == blocked("nxdomain", "malware", "ip 192.0.2.0/24")
	judged(answered("www.shop.example", ["::ffff:192.0.2.1"]), one).reason == "ip 192.0.2.0/24"
	judged(answered("www.shop.example", ["192.0.2.7"]), one) == blocked("nodata", "malware", "ip 192.0.2.7/32")
	judged(answered("www.shop.example", ["192.0.2.200"]), one).mode == "shadow"
	judged(answered("www.shop.example", ["2001:db8::7"]), one).addresses == ["192.0.2.82"]
	not judged(answered("www.shop.example", ["203.0.113.5"]), one)
	not judged(object.remove(answered("www.shop.example", ["192.0.2.1"]), ["phase"]), one)
}

test_names_come_before_addresses_in_a_zone_and_zones_before_both if {
	judged(answered("nodata.example", ["192.0.2.1"]), one).reason == "qname nodata.example"
	judged(answered("free.example", ["192.0.2.1"]), two).reason == "ip 192.0.2.0/24"
	turned := object.union(two, {"order": [{"zone": "second"}, {"zone": "malware"}]})
	judged(answered("free.example", ["192.0.2.1"]), turned).mode == "shadow"
}

test_overrides if {
	every name in ["bad.example", "portal.example", "ok.sub.bad.example"] {
		every how in ["nxdomain", "nodata", "drop"] {
			judged(asks(name), over({"override": how})).as == how
		}
		judged(asks(name), over({"override": "passthru"})).mode == "shadow"
		judged(asks(name), over({"override": "cname", "target": "walled.example"})).cname == "walled.example"
	}
	judged(asks("bad.example"), over({"override": "given"})).as == "nxdomain"
	judged(asks("bad.example"), over({"override": "tcp_only"})).as == "refused"
}

test_a_disabled_zone_is_in_shadow_and_the_next_decides if {
	order := [{"zone": "malware", "override": "disabled"}, {"zone": "second"}]
	verdict := judged(asks("bad.example"), object.union(two, {"order": order}))
	[verdict.rule, verdict.as] == ["rpz/second", "drop"]
	verdict.shadow == [{"action": "block", "rule": "rpz/malware", "reason": "qname bad.example"}]
	judged(asks("portal.example"), over({"override": "disabled"})).mode == "shadow"
}

# The server refuses such a decision.
test_an_override_that_is_none_is_a_bad_decision if {
	every override in [{"override": "nxdoman"}, {"override": "cname"}, {"override": "cname", "target": 5}] {
		judged(asks("bad.example"), over(override)).action == "an action that is none"
	}
}

test_names_of_the_cluster_are_none_of_theirs if {
	service := {"target": {"kind": "service", "namespace": "acorn", "name": "web"}}
	not judged(object.union(asks("bad.example"), service), one)
}
