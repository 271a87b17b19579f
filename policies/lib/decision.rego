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
#    redirect is final while a rewrite only asks again; an allow is what remains when nobody wants more.
# 3. Equals: the rule whose name sorts first, so that the outcome never depends on the order of files.
# 4. Candidates with `"mode": "shadow"` never decide. They are listed in `shadow` beside the decision.
# 5. Nobody says anything: undefined, and the server's own default applies (block, unless configured otherwise). A
#    candidate in shadow alone counts as nothing.
#
# Every candidate has `tier`, `action`, `rule` and `reason`. One that has not, or whose tier or action is unknown, comes
# before all others and unchanged: the server refuses it as a bad decision. So a slip of the pen never opens what the
# other policies keep shut.
package dnspolicy

# The common case: one candidate, nothing to combine.
decision := verdict if {
	[candidate] := [c | some c in data.dnspolicy.candidates]
	object.get(candidate, "mode", "enforce") == "enforce"
	candidate.tier in {"admin", "tenant", "default"}
	verdict := object.remove(candidate, ["tier"])
} else := verdict if {
	count(enforced) == count(data.dnspolicy.candidates)
	verdict := object.remove(min(enforced)[2], ["tier"])
} else := verdict if {
	count(enforced) + count(shadow) == count(data.dnspolicy.candidates)
	verdict := object.union(object.remove(min(enforced)[2], ["tier"]), {"shadow": shadow})
} else := min([c | some c in data.dnspolicy.candidates; not well_formed(c)])

enforced := [[rank, rule, c] |
	some c in data.dnspolicy.candidates
	object.get(c, "mode", "enforce") == "enforce"
	rank := ranks[c.tier][c.action]
	rule := c.rule
]

shadow := [would |
	some c in data.dnspolicy.candidates
	object.get(c, "mode", "enforce") == "shadow"
	ranks[c.tier][c.action]
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
	object.get(c, "mode", "enforce") in {"enforce", "shadow"}
}
