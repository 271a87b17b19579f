# Between clients and a service stand others: a scanner, a proxy, an auditor. Each gets the next, and the last the service.
#
# Loops cannot be written: a client is only ever sent to an intermediary, and names of intermediaries are never sent on.
# METADATA
# scope: package
# title: Intermediaries before a service
# schemas:
#   - input: schema.input
package dnspolicy.service_chain

import data.dnspolicy.lib.gone
import data.dnspolicy.lib.named_service
import data.dnspolicy.lib.service

# METADATA
# title: The next in the chain, in place of the service
# description: Nothing is said of services without a chain, and to those for whom the service itself comes next.
verdict := {
	"tier": "admin",
	"action": "redirect",
	"cname": address,
	"ttl": 5,
	"rule": "chain/next",
	"reason": concat(" ", ["the way to", service, "leads through", following]),
} if {
	address
} else := {
	"tier": "admin",
	"action": "block",
	"ttl": 5,
	"rule": "chain/gone",
	"reason": "what stands before the service is not there",
} if {
	input.target.kind == "service"
	following
} else := {
	"tier": "admin",
	"action": "block",
	"ttl": 5,
	"rule": "chain/around",
	"reason": "single endpoints would lead around what stands before the service",
} if {
	following
}

# The chain of the service that is asked for. Who it is that an address belongs to is no way to get there.
chain := hops if {
	name := service
	found := data.service_chain.chains[name]
	hops := hops_of(found)
	not data.service_chain.intermediaries[name]
	not endswith(input.query.name, ".arpa")
}

# What is no list of names leads nowhere, and not past it.
hops_of(found) := found if {
	is_array(found)
} else := [found]

# The account the client runs as; only pods have one.
who := concat("/", [input.client.namespace, input.client.service_account])

# Where in the chain the client itself stands: behind its last place; others are before the first.
behind := max([place |
	some at, hop in chain
	data.service_chain.intermediaries[hop].accounts[who]
	place := at + 1
])

start := behind if {
	behind
} else := 0

# The first of those that come next and are not passed over.
following := [hop |
	some at, hop in chain
	at >= start
	not passed_over(hop)
][0]

# Only one that is gone, and may be missing.
passed_over(hop) if {
	data.service_chain.intermediaries[hop].gone == "bypass"
	is_gone(hop)
}

is_gone(hop) if {
	[namespace, name] := split(hop, "/")
	gone(namespace, name)
}

address := named_service(namespace, name) if {
	hop := following
	data.service_chain.intermediaries[hop]
	not is_gone(hop)
	[namespace, name] := split(hop, "/")
}
