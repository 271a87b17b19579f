# From shadow to everybody, rule by rule: what `data.rollout.rules` says about the rules of all candidates.
#
#     rollout:
#       rules:
#         tenant/other:
#           mode: enforce            # or shadow: nobody
#           percent: 10              # of clients; a client that is in stays in when it grows
#           of: workloads            # or clients, as if not given
#           namespaces:
#             birch: {mode: enforce} # instead of the above for clients of that namespace
#
# A rule without entry is enforced. An entry that is malformed makes every decision that its rule has a part in a bad
# one: it opens nothing.
package dnspolicy.rollout

loaded := true

modes[rule] := mode if {
	not malformed
	some candidate in data.dnspolicy.candidates
	rule := candidate.rule
	entry := data.rollout.rules[rule]
	mode := mode_of(entry)
}

modes[rule] := "data.rollout is to hold rules, by their names, and nothing else" if {
	malformed
	some candidate in data.dnspolicy.candidates
	rule := candidate.rule
}

malformed if type_name(data.rollout) != "object"

malformed if {
	is_object(data.rollout)
	object.keys(data.rollout) != {"rules"}
}

malformed if type_name(data.rollout.rules) != "object"

mode_of(entry) := mode if {
	part := part_for_client(entry)
	well_formed(entry)
	well_formed(part)
	mode := share(part)
} else := "its entry in data.rollout.rules is malformed"

part_for_client(entry) := part if {
	part := entry.namespaces[input.client.namespace]
} else := entry

share(part) := "shadow" if {
	part.mode == "shadow"
} else := "enforce" if {
	bucket(object.get(part, "of", "clients")) < object.get(part, "percent", 100)
} else := "shadow"

bucket("workloads") := input.client.owner.bucket

# A client without a workload counts by itself.
# dnspolicy-lint: ignore class-per-client a share of clients is meant
bucket("workloads") := input.client.bucket if not input.client.owner

bucket("clients") := input.client.bucket # dnspolicy-lint: ignore class-per-client a share of clients is meant

well_formed(part) if {
	is_object(part)
	object.keys(part) - {"mode", "percent", "of", "namespaces"} == set()
	part.mode in {"enforce", "shadow"}
	object.get(part, "of", "clients") in {"clients", "workloads"}
	is_object(object.get(part, "namespaces", {}))
	percent := object.get(part, "percent", 100)
	is_number(percent)
	percent >= 0
	percent <= 100
	needless(part) == set()
}

# A share of nobody is a slip of the pen.
needless(part) := object.keys(part) & {"percent", "of"} if {
	part.mode == "shadow"
} else := set()
