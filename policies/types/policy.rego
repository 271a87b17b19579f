# Which record types may be asked for.
# METADATA
# scope: package
# title: Record types that may be asked for
# schemas:
#   - input: schema.input
package dnspolicy.types

# METADATA
# title: Why the type is not to be had
# description: The name stays. A type that is blocked is no data, a transfer is refused. Nothing is said of other types.
verdict := {
	"tier": "admin",
	"action": "block",
	"as": "refused",
	"rule": "type/transfer",
	"reason": concat(" ", ["qtype", input.query.type]),
} if {
	input.query.type in {"AXFR", "IXFR"}
	not permitted
} else := {
	"tier": "admin",
	"action": "block",
	"as": "nodata",
	"rule": "type/blocked",
	"reason": concat(" ", ["qtype", input.query.type]),
} if {
	blocked
	not permitted
}

# A row says of a type: `true` everywhere, `outside` for names outside the cluster.
blocked if forbidden(data.types.everybody[input.query.type])

blocked if forbidden(data.types.namespaces[input.client.namespace].blocked[input.query.type])

# With `only`, what is not in it is blocked.
blocked if {
	row := data.types.namespaces[input.client.namespace]
	only := row.only
	not among(only)
}

among(table) if meant(table[input.query.type])

permitted if meant(data.types.namespaces[input.client.namespace].allowed[input.query.type])

# What is said in other words is no permission, and blocks everywhere.
forbidden(scope) if not scope in {false, "outside"}

forbidden(scope) if {
	scope == "outside"
	input.target.kind == "external"
}

meant(scope) if scope == true

meant(scope) if {
	scope == "outside"
	input.target.kind == "external"
}
