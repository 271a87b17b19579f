# One name, an answer for each environment; and no way from one environment into another.
# METADATA
# scope: package
# title: One name, an answer for each environment
# schemas:
#   - input: schema.input
package dnspolicy.environments

import data.dnspolicy.lib.named_service

# What the row of the table found at `entry` says for this client. A cell holds the keys of a decision. It was acted upon
# before there was an answer, so the answer itself is just let through.
answer(row, entry) := candidate if {
	where := column(row)
	input.phase == "query" # dnspolicy-lint: ignore both-phases others beside it may read the answer
	candidate := object.union(row[where], {
		"tier": "default",
		"rule": concat("/", ["environment", where]),
		"reason": concat(" ", ["the", where, "answer of", entry]),
	})
} else := candidate if {
	where := column(row)
	candidate := {
		"tier": "default",
		"action": "allow",
		"rule": concat("/", ["environment", where]),
		"reason": concat(" ", ["the", where, "answer of", entry]),
	}
} else := {
	"tier": "default",
	"action": "block",
	"rule": "environment/none",
	"reason": concat(" ", ["no answer of", entry, "for the client's environment"]),
}

# The first that the row has: environment and track (`prod/canary`), environment, everybody (`*`).
column(row) := both if {
	both := concat("/", [input.client.namespace_labels["dns.example/environment"], input.client.labels.track])
	row[both]
} else := environment if {
	environment := input.client.namespace_labels["dns.example/environment"]
	row[environment]
} else := "*" if {
	row["*"]
}

# The service of the same name in the namespace that the client's environment has for the one in the name.
twin := candidate if {
	input.phase == "query"
	row := data.environments.namespaces[input.target.namespace]
	where := column(row)
	namespace := row[where]
	namespace != input.target.namespace
	candidate := {
		"tier": "default",
		"action": "redirect",
		"cname": named_service(namespace, input.target.name),
		"rule": concat("/", ["environment", where]),
		"reason": concat(" ", ["namespace", namespace, "is the", where, "one of", input.target.namespace]),
	}
} else := candidate if {
	row := data.environments.namespaces[input.target.namespace]
	not column(row)
	candidate := {
		"tier": "default",
		"action": "block",
		"rule": "environment/none",
		"reason": concat(" ", ["no namespace for", input.target.namespace, "in the client's environment"]),
	}
}

# A namespace without the label belongs to no environment: it may ask all, and all may ask it.
crossing := candidate if {
	mine := input.client.namespace_labels["dns.example/environment"]
	theirs := input.target.namespace_labels["dns.example/environment"]
	mine != theirs
	candidate := {
		"tier": "default",
		"action": "block",
		"rule": "environment/other",
		"reason": concat(" ", ["a client in", mine, "does not ask", theirs]),
	}
} else := candidate if {
	mine := input.client.namespace_labels["dns.example/environment"]
	input.target.kind == "none"
	input.query.type in {"AXFR", "IXFR"}
	candidate := {
		"tier": "default",
		"action": "block",
		"rule": "environment/other",
		"reason": concat(" ", ["a client in", mine, "does not have the names of all environments"]),
	}
}
