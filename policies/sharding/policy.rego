# Each client of a headless service gets the endpoints of its shard, and always the same.
# METADATA
# scope: package
# title: The endpoints of a client's shard
# schemas:
#   - input: schema.input
package dnspolicy.sharding

import data.dnspolicy.lib.service
import data.dnspolicy.lib.weight

# METADATA
# title: The endpoints of the client's shard
# description: Nothing is said when the service is not sharded or has no endpoint, or the client has no shard.
verdict := {
	"tier": "default",
	"action": "redirect",
	"endpoints": labelled,
	"ttl": 5,
	"rule": "shard/label",
	"reason": "the endpoints of the client's shard",
} if {
	mode == "label"
	count(labelled) > 0
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
	"action": "redirect",
	"endpoints": hashed,
	"ttl": 5,
	"rule": "shard/hash",
	"reason": "the endpoints that are the client's own",
} if {
	by_hash
	count(hashed) > 0
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

by_hash if mode == "hash"

by_hash if {
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

labelled := [ip | some [_, ip] in sort(of_shard)]

of_shard := [[heavy, endpoint.ip] |
	shard := input.client.labels["dns.example/shard"]
	some endpoint in input.target.endpoints
	endpoint.labels[label] == shard
	heavy := weight(endpoint.hash, input.client.hash) # dnspolicy-lint: ignore class-per-client each client has its own
]

# Endpoints with the greatest weight for this client. Both addresses of a pod weigh the same, and count once.
hashed := [ip |
	weights := {heavy | some [heavy, _] in weighed}
	least := array.slice(array.reverse(sort(weights)), 0, copies)
	some [heavy, ip] in array.reverse(sort(weighed))
	heavy in least
]

weighed := [[heavy, endpoint.ip] |
	some endpoint in input.target.endpoints
	heavy := weight(endpoint.hash, input.client.hash) # dnspolicy-lint: ignore class-per-client each client has its own
]

default copies := 1

copies := row.copies
