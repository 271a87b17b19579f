# Policies that choose endpoints of a service narrow one another: each chooses from what those before it left.
#
# A policy that chooses defines, in this package, the rule of its step, and `all`; its candidate names the step:
#
#     package dnspolicy.steps
#
#     all := input.target.endpoints
#
#     near := {"rule": "near/zone", "ttl": 5, "places": [[0, 7, "10.1.0.1"], [1, 5, "10.1.0.2"]]}
#
# It chooses from `left_for_near`, endpoints as in the input. `places` are those that stay, each as `[rank, tie, address]`; the smallest come
# first. Ranks count, those of an earlier step before those of a later one; ties order what has the same ranks, and those
# of the last step that has any count (`null` is none). A rule that is undefined, or would leave nothing, is passed
# over.
#
# METADATA
# title: Choices of endpoints that narrow one another
# scope: package
# schemas:
#   - input: schema.input
package dnspolicy.steps

default all := []

# METADATA
# title: The steps, in their order
order := ["site", "shard", "version", "near", "own", "load"]

# Those that take part: of candidates that are enforced, in the tier that decides.
taking_part := {step |
	some [_, _, _, candidate] in data.dnspolicy.enforced
	candidate.tier == data.dnspolicy.first.tier
	step := candidate.step
}

several if count(taking_part) > 1

start := {"left": all, "steps": []}

left_for_site := start.left

after_site := taken(start, data.dnspolicy.steps.site) if {
	"site" in taking_part
} else := start

left_for_shard := after_site.left

after_shard := taken(after_site, data.dnspolicy.steps.shard) if {
	"shard" in taking_part
} else := after_site

left_for_version := after_shard.left

after_version := taken(after_shard, data.dnspolicy.steps.version) if {
	"version" in taking_part
} else := after_shard

left_for_near := after_version.left

after_near := taken(after_version, data.dnspolicy.steps.near) if {
	"near" in taking_part
} else := after_version

left_for_own := after_near.left

after_own := taken(after_near, data.dnspolicy.steps.own) if {
	"own" in taking_part
} else := after_near

left_for_load := after_own.left

after_load := taken(after_own, data.dnspolicy.steps.load) if {
	"load" in taking_part
} else := after_own

# What is left, and the steps up to now, each with how many it left. Undefined when it would be nothing.
taken(before, step) := {"left": left, "steps": array.concat(before.steps, [told])} if {
	ranks := {place[2]: place[0] | some place in step.places}
	left := [endpoint |
		some endpoint in before.left
		is_number(ranks[endpoint.ip])
	]
	count(left) > 0
	ties := {place[2]: place[1] |
		some place in step.places
		place[1] != null
	}
	told := {"rule": step.rule, "ttl": step.ttl, "ranks": ranks, "ties": ties, "left": count(left)}
}

# METADATA
# title: What several choices make together
# description: >-
#   The rule is that of the last step, the reason tells all of them, the time to live is the shortest.
narrowed := {
	"action": "redirect",
	"endpoints": [place[2] | some place in places],
	"ttl": min([step.ttl | some step in steps]),
	"rule": steps[count(steps) - 1].rule,
	"reason": concat(" ", ["of", format_int(count(all), 10), "endpoints:", concat(", ", told)]),
} if {
	several
	count(steps) > 0
}

steps := after_load.steps

told := [text |
	some step in steps
	text := concat(" ", [format_int(step.left, 10), "by", step.rule])
]

# By the ranks of the first step, then of the second …; equals as the last step has it that orders them.
places := sort([[ranks, object.get(ties, endpoint.ip, 0), endpoint.ip] |
	some endpoint in after_load.left
	ranks := [rank |
		some step in steps
		rank := step.ranks[endpoint.ip]
	]
])

ordered := [step.ties |
	some step in steps
	count(step.ties) > 0
]

ties := ordered[count(ordered) - 1] if {
	count(ordered) > 0
} else := {}

# METADATA
# title: The addresses of one step, in their order
in_order(step) := [place[2] | some place in sort(step.places)]
