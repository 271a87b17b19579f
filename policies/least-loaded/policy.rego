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
import data.dnspolicy.steps.in_order

# METADATA
# title: Endpoints by what they have to do
# description: >-
#   Nothing is said when the service did not ask for it or has no endpoint; with `pass`, nor when too few numbers are
#   young enough.
verdict := {
	"tier": "default",
	"step": "load",
	"action": "redirect",
	"endpoints": addresses(step),
	"ttl": 5,
	"rule": step.rule,
	"reason": reasons[step.rule],
} if {
	step := choice(input.target.endpoints)
}

reasons := {
	"load/order": "the least loaded endpoints first",
	"load/least": "the least loaded endpoints",
	"load/stale": "all endpoints, as their load is not known",
}

# METADATA
# title: Which of some endpoints have the least to do
# description: As a step among other choices (`policies/lib/steps.rego`).
choice(endpoints) := {"rule": "load/order", "ttl": 5, "places": places} if {
	mode == "order"
	enough(endpoints)
	places := places_of(endpoints)
} else := {"rule": "load/least", "ttl": 5, "places": kept} if {
	mode == "cut"
	enough(endpoints)
	places := places_of(endpoints)
	most := last_rank(endpoints, places)
	kept := [place |
		some place in places
		place[0] <= most
	]
} else := {"rule": "load/stale", "ttl": 5, "places": [[0, null, endpoint.ip] | some endpoint in endpoints]} if {
	mode
	not enough(endpoints)
	stale == "all"
}

# When nothing is known, nobody else says in which order they are either.
addresses(step) := in_order(step) if step.rule != "load/stale"

addresses(step) := in_order({"places": [[0, leaning[ip], ip] | some [_, _, ip] in step.places]}) if {
	step.rule == "load/stale"
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

least_pods := max([1, setting("floor", 2)])

# What differs by less counts as the same.
tolerance := max([setting("tolerance", 0.1), 0.000001])

max_age := setting("max_age", 120)

# Numbers that are young enough, by address.
amounts := {endpoint.ip: amount |
	about_a_service
	some endpoint in input.target.endpoints
	amount := of_containers(metrics[endpoint.pod])
} if {
	source == "metrics"
	metrics := data.load.metrics[input.target.namespace]
} else := {endpoint.ip: amount |
	about_a_service
	some endpoint in input.target.endpoints
	amount := numbers[endpoint.pod]
} if {
	source == "prometheus"
	numbers := data.load.numbers[input.target.namespace]
} else := {endpoint.ip: amount |
	about_a_service
	some endpoint in input.target.endpoints
	amount := data.load.addresses[endpoint.ip]
} if {
	source == "addresses"
} else := {endpoint.ip: amount |
	about_a_service
	some endpoint in input.target.endpoints
	notes := data.load.annotations[input.target.namespace][endpoint.pod].metadata.annotations
	young(object.get(notes, "dns.example/load-at", null))
	amount := quantity(notes["dns.example/load"])
} if {
	source == "annotations"
} else := {}

of_containers(found) := sum(used) if {
	young(object.get(found, "timestamp", null))
	used := [amount |
		some container in found.containers
		amount := quantity(container.usage.cpu)
	]
	count(used) == count(found.containers)
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

# `250m` and its like, as Kubernetes writes cores. What is no number is none, in every engine. Metrics are in nanocores.
quantity(text) := amount if {
	is_string(text)
	endswith(text, "n")
	digits := trim_suffix(text, "n")
	digits != ""
	trim(digits, "0123456789") == ""
	not startswith(digits, "0")
	amount := to_number(digits) / 1000000000
} else := with_a_point(text)

with_a_point(text) := amount if {
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

# Numbers of as many pods as are to be answered at least; both addresses of a pod are one.
enough(endpoints) if {
	count(endpoints) > 0
	pods := {[pod, known] |
		some endpoint in endpoints
		pod := object.get(endpoint, "pod", endpoint.ip)
		known := object.get(thousandths, endpoint.ip, unknown) < unknown
	}
	all := {pod | some [pod, _] in pods}
	known := {pod | some [pod, true] in pods}
	count(known) >= min([least_pods, count(all)])
}

# Loads in thousandths of the tolerance, as whole numbers: all else is reckoned without fractions, alike in every engine.
# What is added keeps numbers as people write them away from the edge between two thousandths.
thousandths := {ip: whole |
	some ip, amount in amounts
	is_number(amount)
	steps := (amount * 1000) / tolerance
	whole := floor(min([1000000000000, steps]) + 0.4999983)
}

# What has no number comes last.
unknown := 1000000000000000

# An endpoint's rank is how many whole tolerances it is above the least. Within one, its share of the clients shrinks with
# its load, from all at the least to nothing at the edge: nothing much happens when one steps over an edge.
places_of(endpoints) := [[rank, light, endpoint.ip] |
	some endpoint in endpoints
	above := object.get(thousandths, endpoint.ip, unknown) - least
	rank := floor(above / 1000)
	light := ((above % 1000) - 1000) * leaning[endpoint.ip]
] if {
	least := min([thousandths[endpoint.ip] | some endpoint in endpoints])
}

# How many tolerances the floor takes: 0 when as many pods are within one of the least.
last_rank(endpoints, places) := ranks[min([least_pods, count(ranks)]) - 1][0] if {
	pods := {endpoint.ip: pod | some endpoint in endpoints; pod := object.get(endpoint, "pod", endpoint.ip)}
	ranks := sort({[place[0], pods[place[2]]] | some place in places; place[0] < 100000000})
}

# What an endpoint weighs for the client's node.
leaning := {endpoint.ip: heavy |
	some endpoint in input.target.endpoints
	heavy := weight(endpoint.hash, turn) + 1
}
