# From one version of a service to the next: some clients first, pinned ones when they want, and nobody left with nothing.
# METADATA
# scope: package
# title: From one version to the next
# schemas:
#   - input: schema.input
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
	"step": "version",
	"action": "redirect",
	"endpoints": [place[2] | some place in step.places],
	"ttl": 5,
	"rule": step.rule,
	"reason": "endpoints of the client's version",
} if {
	step := of_version(input.target.endpoints)
}

# METADATA
# title: Which of some endpoints are of the client's version
# description: Undefined when all are to be given.
of_version(endpoints) := {"rule": concat("/", ["upgrade", why]), "ttl": 5, "places": places} if {
	versioned := with_versions(endpoints)
	[why, given] := given_of({version | some [_, version] in versioned})
	places := [[0, null, ip] |
		some [ip, version] in versioned
		version in given
	]
	count(places) < count(versioned)
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
	input.client.bucket < percent # dnspolicy-lint: ignore class-per-client a percentage of clients is meant
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

default label := "app.kubernetes.io/version"

label := row.label

# Endpoints have few different versions: these are read and compared, and not each endpoint's.
versions := {text: found |
	some text in texts
	found := full(text)
}

texts := {text |
	row
	some endpoint in input.target.endpoints
	text := endpoint.labels[label]
}

# The version of each endpoint. One that says none, or none that can be read, counts as 0.0.0.
with_versions(endpoints) := [[endpoint.ip, version] |
	row
	some endpoint in endpoints
	version := object.get(versions, object.get(endpoint, ["labels", label], ""), "0.0.0")
]

# What the client should have; when that is nothing, what it may have; when that is nothing, all there is.
given_of(different) := given if {
	wanted := {version |
		some version in different
		permitted(version)
		mine(version)
	}
	count(wanted) > 0
	given := [choice, wanted]
} else := ["any", allowed] if {
	allowed := {version |
		some version in different
		permitted(version)
	}
	count(allowed) > 0
} else := ["all", different]

permitted(version) if {
	enough(version)
	low_enough(version)
}

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
#   differ in what they let pass; and without regular expressions, which would be read anew each time.
full(text) := found if {
	is_string(text)
	bare := trim_prefix(text, "v")
	parts := split(bare, ".")
	found := concat("", [bare, [".0.0", ".0", ""][count(parts) - 1]])
	every part in parts {
		is_number_text(part)
	}
} else := bare if {
	is_string(text)
	bare := trim_prefix(text, "v")
	count(bare) < 64
	dash := indexof(bare, "-")
	dash > 0
	parts := split(substring(bare, 0, dash), ".")
	count(parts) == 3
	every part in parts {
		is_number_text(part)
	}
	every word in split(substring(bare, dash + 1, -1), ".") {
		is_word(word)
	}
}

# Digits without zeros in front.
is_number_text(text) if text == "0"

is_number_text(text) if {
	text != ""
	count(text) < 10
	trim(text, "0123456789") == ""
	not startswith(text, "0")
}

is_word(text) if is_number_text(text)

is_word(text) if {
	trim(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
	trim(text, "0123456789") != ""
}
