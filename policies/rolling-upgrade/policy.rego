# From one version of a service to the next: some clients first, pinned ones when they want, and nobody left with nothing.
package dnspolicy.rolling_upgrade

import data.dnspolicy.lib.gone
import data.dnspolicy.lib.named_service
import data.dnspolicy.lib.service

# METADATA
# title: The version of the service that is the client's
# description: Nothing is said of services without a row, or when there is nothing to choose from.
verdict := {
	"tier": "default",
	"action": "redirect",
	"cname": elsewhere,
	"ttl": 5,
	"rule": concat("/", ["upgrade", choice]),
	"reason": "the next version is a service of its own",
} if {
	elsewhere
} else := {
	"tier": "default",
	"action": "redirect",
	"endpoints": [endpoint.ip | some endpoint in given[1]],
	"ttl": 5,
	"rule": concat("/", ["upgrade", given[0]]),
	"reason": "endpoints of the client's version",
} if {
	count(given[1]) < count(versioned)
}

row := data.rolling_upgrade.services[service] if {
	input.target.kind == "service"
	not endswith(input.query.name, ".arpa")
}

# What holds for the client's namespace comes before what holds for all.
own := row.namespaces[input.client.namespace]

default percent := 0

percent := own.percent if {
	own.percent
} else := row.percent

least := own.min if {
	own.min
} else := row.min

limit := own.below if {
	own.below
} else := row.below

next := full(row.version)

# `pinned`: the label of the client says which version; `next`: it is among those who move; `current`: it is not.
choice := "pinned" if {
	pin
} else := "next" if {
	input.client.bucket < percent
} else := "current"

pin := trim_prefix(input.client.labels["dns.example/version"], "v")

# The name of the next version's service, for a client that is to have it.
elsewhere := named_service(namespace, name) if {
	namespace := input.target.namespace
	name := row.service
	moves
	not gone(namespace, name)
}

moves if choice == "next"

moves if {
	choice == "pinned"
	is_of(next, pin)
}

# Every endpoint with its version. One that says none, or none that can be read, counts as 0.0.0.
versioned := [{"ip": endpoint.ip, "version": found} |
	row
	some endpoint in input.target.endpoints
	found := version(endpoint)
]

default label := "app.kubernetes.io/version"

label := row.label

version(endpoint) := found if {
	found := full(endpoint.labels[label])
} else := "0.0.0"

permitted := [endpoint |
	some endpoint in versioned
	enough(endpoint.version)
	low_enough(endpoint.version)
]

enough(found) if {
	semver.compare(found, full(least)) >= 0
} else if {
	not least
}

low_enough(found) if {
	semver.compare(found, full(limit)) < 0
} else if {
	not limit
}

# What the client should have; when that is nothing, what it may have; when that is nothing, all there is.
given := [choice, wanted] if {
	count(wanted) > 0
} else := ["any", permitted] if {
	count(permitted) > 0
} else := ["all", versioned]

wanted := [endpoint |
	some endpoint in permitted
	mine(endpoint.version)
]

mine(found) if {
	choice == "pinned"
	is_of(found, pin)
} else if {
	choice == side(found)
}

# All endpoints are of the current version when the next one is a service of its own.
side(found) := "next" if {
	not row.service
	semver.compare(found, next) >= 0
} else := "current"

# 1.4.2 is of 1.4 and of 1, and of itself.
is_of(found, wish) if startswith(concat("", [found, "."]), concat("", [wish, "."]))

# METADATA
# title: A version in full
# description: >-
#   `1`, `1.4` and `v1.4.0` are versions too; undefined for what is none. What is a version is said here, as engines
#   differ in what they let pass.
full(text) := found if {
	is_string(text)
	bare := trim_prefix(text, "v")
	regex.match(`^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}$`, bare)
	zeros := {0: ".0.0", 1: ".0", 2: ""}[strings.count(bare, ".")]
	found := concat("", [bare, zeros])
} else := bare if {
	is_string(text)
	bare := trim_prefix(text, "v")
	count(bare) < 64
	regex.match(concat("", [`^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}-`, word, `(\.`, word, `)*$`]), bare)
}

word := `(0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`
