package dnspolicy

import data.dnspolicy.blocklist.block
import data.dnspolicy.blocklist.entry
import data.dnspolicy.blocklist.inside
import data.dnspolicy.blocklist.suffixes_of

# The name asked for, and every name an alias leads to: the server asks about each, before it is resolved.
candidates contains candidate if {
	input.phase == "query"
	listed := entry(input.query.name, input.query.suffixes)
	candidate := block(listed, input.query.suffixes)
}

# Other names in an answer from outside, such as the target of an HTTPS record.
candidates contains candidate if {
	input.phase == "response"
	input.target.kind == "external"
	some name in input.answer.names
	name != input.query.name
	suffixes := suffixes_of(name)
	listed := entry(name, suffixes)
	candidate := block(listed, suffixes)
}

# A name outside the cluster must not lead to an address inside (rebinding, cloud metadata).
candidates contains candidate if {
	input.phase == "response"
	input.target.kind == "external"
	candidate := inside
}
