# Each client of a headless service gets the endpoints of its shard, and always the same.
# METADATA
# scope: package
# title: The endpoints of a client's shard
# schemas:
#   - input: schema.input
package dnspolicy.sharding

import data.dnspolicy.lib.service
import data.dnspolicy.lib.weight
import data.dnspolicy.steps.in_order

# METADATA
# title: The endpoints of the client's shard
# description: Nothing is said when the service is not sharded or has no endpoint, or the client has no shard.
verdict := {
	"tier": "default",
	"step": "shard",
	"action": "redirect",
	"endpoints": in_order(labelled),
	"ttl": 5,
	"rule": "shard/label",
	"reason": "the endpoints of the client's shard",
} if {
	count(labelled.places) > 0
} else := {
	"tier": "default",
	"action": "block",
	"as": "nodata",
	"ttl": 5,
	"rule": "shard/missing",
	"reason": "the client's shard has no endpoint that is ready",
} if {
	mode == "label"
	input.client.labels["dns.example/shard"]
	instead == "block"
} else := {
	"tier": "default",
	"step": "own",
	"action": "redirect",
	"endpoints": in_order(hashed),
	"ttl": 5,
	"rule": "shard/hash",
	"reason": "the endpoints that are the client's own",
} if {
	hashed := by_hash(input.target.endpoints)
}

# The row of the service, then its label: `label` or `hash`; anything else is no sharding.
mode := how if {
	sharded
	how := row.mode
} else := how if {
	sharded
	how := input.target.labels["dns.example/sharding"]
}

sharded if {
	input.target.kind == "service"
	not endswith(input.query.name, ".arpa")
}

row := data.sharding.services[service]

wants_hash if mode == "hash"

wants_hash if {
	mode == "label"
	input.client.labels["dns.example/shard"]
	instead == "hash"
}

# What a client gets whose shard has no endpoint: `block`, `hash`, or `all`.
default instead := "block"

instead := row.missing

# Which label of an endpoint says its shard.
default label := "dns.example/shard"

label := row.label

labelled := by_label(input.target.endpoints)

# METADATA
# title: Which of some endpoints are of the client's shard
by_label(endpoints) := {"rule": "shard/label", "ttl": 5, "places": places} if {
	mode == "label"
	shard := input.client.labels["dns.example/shard"]
	places := [[0, heavy, endpoint.ip] |
		some endpoint in endpoints
		endpoint.labels[label] == shard
		heavy := weight(endpoint.hash, input.client.hash) # dnspolicy-lint: ignore class-per-client each client has its own
	]
}

# METADATA
# title: Which of some endpoints are the client's own
# description: Those with the greatest weight for it. Both addresses of a pod weigh the same, and count once.
by_hash(endpoints) := {"rule": "shard/hash", "ttl": 5, "places": places} if {
	wants_hash
	count(endpoints) > 0
	weighed := [[heavy, endpoint.ip] |
		some endpoint in endpoints
		heavy := weight(endpoint.hash, input.client.hash) # dnspolicy-lint: ignore class-per-client each client has its own
	]
	most := array.slice(array.reverse(sort({heavy | some [heavy, _] in weighed})), 0, copies)
	places := [[0, light, ip] |
		some [heavy, ip] in weighed
		heavy in most
		light := 0 - heavy
	]
}

default copies := 1

copies := row.copies
