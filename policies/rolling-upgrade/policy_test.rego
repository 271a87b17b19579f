package dnspolicy_rolling_upgrade_test

import data.dnspolicy.decision
import data.dnspolicy.rolling_upgrade.full

endpoint(ip, version) := {"ip": ip, "hash": 1, "pod": ip, "labels": {"app.kubernetes.io/version": version}}

endpoints := [
	endpoint("10.1.0.1", "1.4.2"),
	endpoint("10.1.0.2", "v1.5.0"),
	endpoint("10.1.0.3", "2.0.0"),
	endpoint("10.1.0.4", "2.1"),
]

service(ready) := {
	"kind": "service",
	"namespace": "shop",
	"name": "web",
	"labels": {},
	"namespace_labels": {},
	"exists": true,
	"endpoints": ready,
}

web := service(endpoints)

pod(bucket) := {"kind": "pod", "namespace": "shop", "bucket": bucket, "labels": {}}

pinned(version) := object.union(pod(0), {"labels": {"dns.example/version": version}})

asks(client, what) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": {
		"name": "web.shop.svc.cluster.local",
		"labels": ["web", "shop", "svc", "cluster", "local"],
		"suffixes": [
			"web.shop.svc.cluster.local",
			"shop.svc.cluster.local",
			"svc.cluster.local",
			"cluster.local",
			"local",
		],
	},
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request, row) := verdict if {
	all := data.dnspolicy.candidates with input as request with data.rolling_upgrade.services as {"shop/web": row}
	mine := {candidate | some candidate in all; startswith(candidate.rule, "upgrade/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

# The rule and the last numbers of the addresses; `none` when the policy says nothing.
chosen(client, what, row) := [verdict.rule, [number | some ip in verdict.endpoints; number := split(ip, ".")[3]]] if {
	verdict := judged(asks(client, what), row)
} else := "none"

half := {"version": "2.0.0", "percent": 50}

test_a_percentage_moves if {
	chosen(pod(0), web, half) == ["upgrade/next", ["3", "4"]]
	chosen(pod(49), web, half) == ["upgrade/next", ["3", "4"]]
	chosen(pod(50), web, half) == ["upgrade/current", ["1", "2"]]
	chosen(pod(99), web, half) == ["upgrade/current", ["1", "2"]]
}

test_nobody_and_everybody if {
	every bucket in [0, 99] {
		chosen(pod(bucket), web, {"version": "2.0.0"}) == ["upgrade/current", ["1", "2"]]
		chosen(pod(bucket), web, {"version": "2.0.0", "percent": 100}) == ["upgrade/next", ["3", "4"]]
	}
}

test_who_has_moved_stays_moved_when_more_do if {
	every bucket in [0, 7, 49] {
		chosen(pod(bucket), web, half) == chosen(pod(bucket), web, {"version": "2.0.0", "percent": 80})
	}
}

test_the_decision if {
	judged(asks(pod(0), web), half) == {
		"action": "redirect",
		"endpoints": ["10.1.0.3", "10.1.0.4"],
		"ttl": 5,
		"rule": "upgrade/next",
		"reason": "endpoints of the client's version",
	}
}

test_pinned_clients_stay if {
	row := {"version": "2.0.0", "percent": 100}
	chosen(pinned("1"), web, row) == ["upgrade/pinned", ["1", "2"]]
	chosen(pinned("1.4"), web, row) == ["upgrade/pinned", ["1"]]
	chosen(pinned("v1.5.0"), web, row) == ["upgrade/pinned", ["2"]]
	chosen(pinned("2"), web, {"version": "2.0.0"}) == ["upgrade/pinned", ["3", "4"]]
}

test_a_pin_is_of_whole_numbers if {
	chosen(pinned("1"), service([endpoint("10.1.0.1", "10.0.0"), endpoint("10.1.0.2", "1.0.0")]), half)[1] == ["2"]
}

test_nobody_is_left_with_nothing if {
	old := service(array.slice(endpoints, 0, 2))
	young := service(array.slice(endpoints, 2, 4))
	chosen(pod(0), old, half) == "none"
	chosen(pod(99), young, half) == "none"
	chosen(pinned("3"), web, half) == "none"
	chosen(pinned("3"), web, {"version": "2.0.0", "below": "2.0.0"}) == ["upgrade/any", ["1", "2"]]
	chosen(pod(0), web, {"min": "9.0.0"}) == "none"
	chosen(pod(0), service([]), half) == "none"
}

test_constraints if {
	chosen(pod(0), web, {"min": "1.5", "below": "2.1.0"}) == ["upgrade/current", ["2", "3"]]
	chosen(pod(0), web, {"min": "1.5.0"}) == ["upgrade/current", ["2", "3", "4"]]
	chosen(pod(0), web, {"below": "1.5"}) == ["upgrade/current", ["1"]]
	chosen(pinned("1"), web, {"min": "1.5"}) == ["upgrade/pinned", ["2"]]
	chosen(pod(0), web, {"version": "2.0.0", "percent": 50, "below": "2.1"}) == ["upgrade/next", ["3"]]
}

test_a_constraint_nobody_can_read_permits_nothing_and_so_all if {
	chosen(pod(0), web, {"min": "latest"}) == "none"
	chosen(pod(0), web, {"below": "latest"}) == "none"
}

test_a_namespace_has_its_own if {
	row := {"version": "2.0.0", "namespaces": {"shop": {"percent": 100, "below": "2.1.0", "min": "1.5.0"}}}
	chosen(pod(99), web, row) == ["upgrade/next", ["3"]]
	chosen(object.union(pod(0), {"namespace": "pay"}), web, row) == ["upgrade/current", ["1", "2"]]
	chosen({"kind": "external", "bucket": 0}, web, row) == ["upgrade/current", ["1", "2"]]
}

test_pre_releases_come_before_their_release if {
	ready := service([endpoint("10.1.0.1", "2.0.0-rc.2"), endpoint("10.1.0.2", "2.0.0-rc.10"), endpoint("10.1.0.3", "2.0.0")])
	chosen(pod(0), ready, half)[1] == ["3"]
	chosen(pod(0), ready, {"version": "2.0.0-rc.10", "percent": 100})[1] == ["2", "3"]
}

test_endpoints_without_a_version_are_old if {
	bare := [{"ip": "10.1.0.8", "hash": 1}, endpoint("10.1.0.9", "latest"), endpoint("10.1.0.3", "2.0.0")]
	chosen(pod(99), service(bare), half) == ["upgrade/current", ["8", "9"]]
	chosen(pod(0), service(bare), half) == ["upgrade/next", ["3"]]
}

test_another_label if {
	labelled := [object.union(e, {"labels": {"release": number}}) |
		some at, e in endpoints
		number := concat("", [format_int(at, 10), ".0.0"])
	]
	chosen(pod(0), service(labelled), {"version": "2", "percent": 100, "label": "release"})[1] == ["3", "4"]
}

moving := {"service": "web-v2", "version": "2.0.0", "percent": 50}

test_the_next_version_as_a_service if {
	verdict := judged(asks(pod(0), web), moving)
	verdict == {
		"action": "redirect",
		"cname": "web-v2.shop.svc.cluster.local",
		"ttl": 5,
		"rule": "upgrade/next",
		"reason": "the next version is a service of its own",
	}
	chosen(pod(50), web, moving) == "none"
}

test_pinned_clients_of_services if {
	all := object.union(moving, {"percent": 100})
	not judged(asks(pinned("1"), service([])), all)
	judged(asks(pinned("2"), web), object.union(moving, {"percent": 0})).cname == "web-v2.shop.svc.cluster.local"
	judged(asks(pinned("2.0"), web), all).rule == "upgrade/pinned"
	chosen(pinned("1"), web, all) == ["upgrade/pinned", ["1", "2"]]
}

test_a_service_that_is_gone_moves_nobody if {
	not judged(asks(pod(0), web), moving) with data.kubernetes.services as {"shop": {"web": {}}}
	there := {"shop": {"web": {}, "web-v2": {}}}
	judged(asks(pod(0), web), moving).rule == "upgrade/next" with data.kubernetes.services as there
}

test_nothing_is_said if {
	not judged(asks(pod(0), object.union(web, {"name": "other"})), half)
	not judged(asks(pod(0), {"kind": "external"}), half)
	not judged(asks(pod(0), object.union(web, {"kind": "endpoint"})), half)
	not judged(object.union(asks(pod(0), web), {"query": {"name": "20.2.96.10.in-addr.arpa"}}), half)
}

test_versions if {
	full("1") == "1.0.0"
	full("v1.4") == "1.4.0"
	full("1.4.2") == "1.4.2"
	full("2.0.0-rc.1") == "2.0.0-rc.1"
	full("2.0.0-0a.0.x-y") == "2.0.0-0a.0.x-y"
	every text in ["", "v", "latest", "01.2.3", "1.2.3.4", "1.2-rc", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3-a_b", "1..3", "-rc.1", "1.2.3+b1", "1234567890.0.0", "-1", 1.4] {
		not full(text)
	}
}
