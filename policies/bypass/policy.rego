# Names by which software finds a way around this server: encrypted DNS elsewhere.
# METADATA
# scope: package
# title: Ways around this server
# schemas:
#   - input: schema.input
package dnspolicy.bypass

# METADATA
# title: Why a name is not to be had
# description: What is answered is what the software takes for "not here". Nothing is said of other names.
verdict := {
	"tier": "admin",
	"action": "block",
	"rule": "bypass/browser",
	"reason": "names are resolved here and not by the browser",
} if {
	held["use-application-dns.net"]
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "bypass/relay",
	"reason": "names are resolved here and not by a relay",
} if {
	held[relays[_]]
} else := {
	"tier": "admin",
	"action": "block",
	"as": "nodata",
	"rule": "bypass/discovery",
	"reason": "this server has no encrypted transport to be discovered",
} if {
	held["resolver.arpa"]
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "bypass/provider",
	"reason": concat(" ", ["names are resolved here and not by", provider[0]]),
} if {
	count(provider) > 0
}

# What Apple documents for networks that do not want Private Relay.
relays := ["mask.icloud.com", "mask-h2.icloud.com"]

# The name and all above it; nothing for those who may.
held[suffix] := true if {
	input.target.kind == "external"
	not exempt
	some suffix in input.query.suffixes
}

exempt if data.bypass.exempt[input.client.namespace]

provider := [suffix |
	table := data.bypass.providers
	some suffix in input.query.suffixes
	held[suffix]
	table[suffix]
]
