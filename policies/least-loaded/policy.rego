# The endpoints of a service with the least to do come first, or are all a client gets.
# METADATA
# scope: package
# title: The least loaded endpoints
# schemas:
#   - input: schema.input
package dnspolicy.least_loaded

import data.dnspolicy.lib.service
import data.dnspolicy.lib.turn
import data.dnspolicy.lib.weight

# METADATA
# title: Endpoints by what they have to do
# description: >-
#   Nothing is said when the service did not ask for it or has no endpoint; with `pass`, nor when too few numbers are
#   young enough.
verdict := {
	"tier": "default",
	"action": "redirect",
	"endpoints": [ip | some [_, _, ip] in in_order],
	"ttl": 5,
	"rule": "load/order",
	"reason": "the least loaded endpoints first",
} if {
	mode == "order"
	enough
} else := {
	"tier": "default",
	"action": "redirect",
	"endpoints": [ip | some [_, ip] in kept],
	"ttl": 5,
	"rule": "load/least",
	"reason": "the least loaded endpoints",
} if {
	mode == "cut"
	enough
} else := {
	"tier": "default",
	"action": "redirect",
	"endpoints": [ip | some [_, ip] in unordered],
	"ttl": 5,
	"rule": "load/stale",
	"reason": "all endpoints, as their load is not known",
} if {
	mode
	not enough
	stale == "all"
}

# How a service is answered: the row of the service, then its label, then that of its namespace.
mode := how if {
	about_a_service
	how := asked
	how in {"order", "cut"}
}

asked := row.mode if {
	row.mode
} else := input.target.labels["dns.example/least-loaded"] if {
	input.target.labels["dns.example/least-loaded"]
} else := input.target.namespace_labels["dns.example/least-loaded"]

about_a_service if {
	input.target.kind == "service"
	not endswith(input.query.name, ".arpa")
	count(input.target.endpoints) > 0
}

row := data.least_loaded.services[service]

setting(key, otherwise) := row[key] if {
	row[key]
} else := data.least_loaded[key] if {
	data.least_loaded[key]
} else := otherwise

source := setting("source", "metrics")

stale := setting("stale", "all")

least_pods := setting("floor", 2)

# What differs by less counts as the same.
tolerance := max([setting("tolerance", 0.1), 0.000001])

max_age := setting("max_age", 120)

# Numbers that are young enough, by address.
loads[ip] := load if {
	about_a_service
	some endpoint in input.target.endpoints
	ip := endpoint.ip
	load := number(endpoint)
	is_number(load)
}

number(endpoint) := sum(amounts) if {
	source == "metrics"
	found := data.load.metrics[input.target.namespace][endpoint.pod]
	young(object.get(found, "timestamp", null))
	amounts := [amount | some container in found.containers; amount := quantity(container.usage.cpu)]
	count(amounts) == count(found.containers)
} else := data.load.numbers[input.target.namespace][endpoint.pod] if {
	source == "prometheus"
} else := data.load.addresses[endpoint.ip] if {
	source == "addresses"
} else := quantity(notes["dns.example/load"]) if {
	source == "annotations"
	notes := data.load.annotations[input.target.namespace][endpoint.pod].metadata.annotations
	young(object.get(notes, "dns.example/load-at", null))
}

# What has no time of its own is as young as its feed. Times are compared as the texts they are, in UTC and to the second.
young(text) if {
	text == null
} else if {
	count(text) == 20
	text >= oldest
	text <= newest
}

# dnspolicy-lint: ignore uncacheable the candidates of this folder give an edge
oldest := time.format([time.now_ns() - (max_age * 1000000000), "UTC", "2006-01-02T15:04:05Z07:00"])

# Clocks differ a little; but what is of tomorrow would be young for a day.
# dnspolicy-lint: ignore uncacheable the candidates of this folder give an edge
newest := time.format([time.now_ns() + 60000000000, "UTC", "2006-01-02T15:04:05Z07:00"])

# `250m` and its like, as Kubernetes writes cores. What is no number is none, in every engine.
quantity(text) := amount if {
	is_string(text)
	digits := trim_right(text, "num")
	count(text) - count(digits) <= 1
	[whole, fraction] := array.slice(array.concat(split(digits, "."), ["0"]), 0, 2)
	count(split(digits, ".")) <= 2
	trim(whole, "0123456789") == ""
	trim(fraction, "0123456789") == ""
	whole != ""
	fraction != ""
	not begins_with_zero(whole)
	amount := to_number(digits) / object.get(parts, substring(text, count(digits), -1), 1)
}

begins_with_zero(digits) if {
	count(digits) > 1
	startswith(digits, "0")
}

parts := {"n": 1000000000, "u": 1000000, "m": 1000}

# An endpoint's pod; both of its addresses are one.
who(endpoint) := object.get(endpoint, "pod", endpoint.ip)

pods := {pod | some endpoint in input.target.endpoints; pod := who(endpoint)}

by_load := sort({[load, pod] |
	some endpoint in input.target.endpoints
	load := loads[endpoint.ip]
	pod := who(endpoint)
})

# Numbers of as many pods as are to be answered at least.
enough if count(by_load) >= min([least_pods, count(pods)])

# All whose load is within the tolerance of the least, and as many more as the floor wants.
most := max([by_load[0][0] + tolerance, by_load[min([least_pods, count(by_load)]) - 1][0]])

kept := sort([[weight(endpoint.hash, turn), endpoint.ip] |
	some endpoint in input.target.endpoints
	loads[endpoint.ip] <= most
])

# By steps of the tolerance; what has no number comes last. Equals are in an order that each node has for itself, so that
# not everybody goes to the same endpoint.
in_order := sort([[step(endpoint.ip), weight(endpoint.hash, turn), endpoint.ip] |
	some endpoint in input.target.endpoints
])

step(ip) := floor(loads[ip] / tolerance) if {
	loads[ip]
} else := 1000000000000

unordered := sort([[weight(endpoint.hash, turn), endpoint.ip] | some endpoint in input.target.endpoints])
