# The endpoints of a service that are near the client come first, or are all it gets.
# METADATA
# scope: package
# title: The nearest endpoints
# schemas:
#   - input: schema.input
package dnspolicy.closest

import data.dnspolicy.lib.service
import data.dnspolicy.lib.turn
import data.dnspolicy.lib.weight
import data.dnspolicy.steps.in_order

# METADATA
# title: Endpoints in the order of their distance
# description: Nothing is said when the service did not ask for it, when it has no endpoint, or the client has no place.
verdict := {
	"tier": "default",
	"step": "near",
	"action": "redirect",
	"endpoints": in_order(step),
	"ttl": 5,
	"rule": step.rule,
	"reason": "the nearest endpoints first",
} if {
	wanted
	step := choice(input.target.endpoints)
}

# METADATA
# title: Which of some endpoints are near
# description: As a step among other choices (`policies/lib/steps.rego`). What is cut is equally near.
choice(endpoints) := {
	"rule": concat("/", ["near", reach]),
	"ttl": 5,
	"places": [[near * whole[reach], [near, heavy], ip] |
		some [near, heavy, ip, _] in ranked
		near <= farthest[reach]
	],
} if {
	wanted
	count(endpoints) > 0
	ranked := by_distance(endpoints)
	reach := reach_of(ranked)
}

farthest := {"node": 0, "zone": 1, "all": 2}

whole := {"node": 0, "zone": 0, "all": 1}

# How much of the service is wanted: `order`, `zone` or `node`. The row of the service, then its label, then that of its
# namespace; the first that is there counts, also when it says something else, such as `off`.
mode := row.mode if {
	row.mode
} else := input.target.labels["dns.example/closest"] if {
	input.target.labels["dns.example/closest"]
} else := input.target.namespace_labels["dns.example/closest"]

wanted if {
	input.target.kind == "service"
	not endswith(input.query.name, ".arpa")
	mode in {"order", "zone", "node"}
	place
}

row := data.closest.services[service]

# A client without a zone and a node is near to nothing.
place if input.client.zone

place if input.client.node

default floor := 2

floor := row.floor if {
	row.floor
} else := data.closest.floor

# Endpoints by distance: 0 on the client's node, 1 in its zone, 2 elsewhere. Equals are in an order that every node has
# for itself, so that not all clients of a zone begin with the same endpoint, and that stays when others come and go.
by_distance(endpoints) := [[distance(endpoint), weight(endpoint.hash, turn), endpoint.ip, who] |
	some endpoint in endpoints
	who := object.get(endpoint, "pod", endpoint.ip)
]

distance(endpoint) := 0 if {
	endpoint.node == input.client.node
} else := 1 if {
	endpoint.zone == input.client.zone
} else := 2

# How far the answer goes: as near as the service wants it and as many different pods are found, else everywhere.
reach_of(ranked) := "node" if {
	mode == "node"
	enough(ranked, 0)
} else := "zone" if {
	mode in {"zone", "node"}
	enough(ranked, 1)
} else := "all"

enough(ranked, far) if {
	found := {who |
		some [near, _, _, who] in ranked
		near <= far
	}
	count(found) >= floor
}
