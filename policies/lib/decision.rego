# The combining order: what every policy says becomes one decision.
#
# A policy keeps its rules in a package of its own and adds what it has to say to `data.dnspolicy.candidates`:
#
#     package dnspolicy
#
#     candidates contains candidate if {
#         input.query.name == "old.example"
#         candidate := {"tier": "tenant", "action": "block", "rule": "site/old", "reason": "retired"}
#     }
#
# 1. The highest tier in which anybody says something decides: `admin`, then `tenant`, then `default`.
# 2. Within a tier: block, redirect, rewrite, allow. A wrong block is seen and repaired, a wrong allow is not; a
#    redirect is final while a rewrite only asks again; an allow is what remains when nobody wants more. A redirect to
#    endpoints comes after one that leads elsewhere: where it leads to a name, that name's endpoints are chosen from.
# 3. Equals: the rule whose name sorts first, so that the outcome never depends on the order of files. Choices of
#    endpoints with a `step` narrow one another instead (`steps.rego`).
# 4. Candidates with `"mode": "shadow"` never decide. They are listed in `shadow` beside the decision; alone they make a
#    decision in shadow, which the server writes down and does not follow.
# 5. Nobody says anything: undefined, and the server's own default applies (block, unless configured otherwise), as it
#    does for a decision in shadow.
#
# Every candidate has `tier`, `action`, `rule` and `reason`. One that has not, or whose tier or action is unknown, comes
# before all others and unchanged: the server refuses it as a bad decision. So a slip of the pen never opens what the
# other policies keep shut.
#
# Policies that read the clock add to `data.dnspolicy.edges` in how many seconds what they say may change. The decision,
# and so the answer, lives no longer than until the first edge.
#
# METADATA
# title: One decision of what all policies say
# scope: subpackages
# schemas:
#   - input: schema.input
package dnspolicy

# The common case: one candidate, nothing to combine.
decision := verdict if {
	[candidate] := [c | some c in data.dnspolicy.candidates]
	object.get(candidate, "mode", "enforce") == "enforce"
	candidate.tier in {"admin", "tenant", "default"}
	known_step(candidate)
	edges == set()
	data.dnspolicy.rollout.modes == {}
	data.dnspolicy.exceptions.lifted == {}
	verdict := object.remove(candidate, beside)
} else := combined if {
	edges == set()
} else := object.union(combined, {"ttl": soonest})

# There may be none: the server remembers a decision for as long as it stays the same, unless somebody says otherwise.
edges contains seconds if some seconds in []

# An edge that is no number is handed on, and refused by the server.
soonest := seconds if {
	every edge in edges {
		is_number(edge)
	}
	own := object.get(combined, "ttl", 86400)
	is_number(own)
	seconds := max([0, min([86400, own, floor(min(edges))])])
} else := "an edge that is no number of seconds"

combined := chosen if {
	count(enforced) == count(said)
} else := verdict if {
	count(enforced) + count(shadow) == count(said)
	verdict := object.union(chosen, {"shadow": array.slice(shadow, 0, 64)})
} else := verdict if {
	count(said) > 0
	count(shadow) == count(said)
	watched := min([[ranks[c.tier][c.action], chooses(c), c.rule, c] | some c in said])[3]
	others := [would | some would in shadow; would.rule != watched.rule]
	verdict := object.union(object.remove(watched, beside), {"shadow": array.slice(others, 0, 64)})
} else := min([c | some c in said; not well_formed(c)])

# Keys of candidates that no decision has.
beside := ["tier", "step"]

first := min(enforced)[3]

# What the first of the enforced says, or all choices of endpoints together.
chosen := data.dnspolicy.steps.narrowed if {
	first.step
} else := object.remove(first, beside)

# What was said, with the mode that the roll-out gives to each rule, and in shadow what an exception lifts.
said contains candidate if {
	some c in data.dnspolicy.candidates
	mode := object.get(data.dnspolicy.rollout.modes, object.get(c, "rule", ""), "enforce")
	candidate := put(lift(c), mode)
}

lift(candidate) := lifted if {
	candidate.action != "allow"
	why := data.dnspolicy.exceptions.lifted[candidate.rule]
	lifted := object.union(candidate, {"mode": "shadow", "reason": concat("; ", [candidate.reason, why])})
} else := candidate

put(candidate, "enforce") := candidate

put(candidate, mode) := object.union(candidate, {"mode": mode}) if mode != "enforce"

enforced := [[rank, elsewhere, rule, c] |
	some c in said
	object.get(c, "mode", "enforce") == "enforce"
	rank := ranks[c.tier][c.action]
	elsewhere := chooses(c)
	rule := c.rule
	known_step(c)
]

chooses(c) := 1 if {
	c.endpoints
} else := 0

# One that is misspelt would be passed over where several choose.
known_step(c) if {
	object.get(c, "step", "site") in data.dnspolicy.steps.order
}

shadow := [would |
	some c in said
	object.get(c, "mode", "enforce") == "shadow"
	ranks[c.tier][c.action]
	known_step(c)
	would := {"action": c.action, "rule": c.rule, "reason": c.reason}
]

ranks := {
	"admin": {"block": 1, "redirect": 2, "rewrite": 3, "allow": 4},
	"tenant": {"block": 5, "redirect": 6, "rewrite": 7, "allow": 8},
	"default": {"block": 9, "redirect": 10, "rewrite": 11, "allow": 12},
}

well_formed(c) if {
	ranks[c.tier][c.action]
	is_string(c.rule)
	is_string(c.reason)
	known_step(c)
	object.get(c, "mode", "enforce") in {"enforce", "shadow"}
}
