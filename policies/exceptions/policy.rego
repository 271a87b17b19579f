# Exceptions that end: rules that are lifted for names and namespaces, until a date or at some hours.
# METADATA
# scope: package
# title: Exceptions that end
# schemas:
#   - input: schema.input
package dnspolicy.exceptions

import data.dnspolicy.lib.hours_at
import data.dnspolicy.lib.instant

now := time.now_ns()

# Rows for the name that is asked and the client's namespace, as [id, row, state, seconds until that may change].
rows contains found if {
	some id, row in data.exceptions.names[input.query.name]
	concerns(row)
	[state, seconds] := judged(row)
	found := [id, row, state, seconds]
}

rows contains found if {
	table := data.exceptions.suffixes
	some suffix in input.query.suffixes
	some id, row in table[suffix]
	concerns(row)
	[state, seconds] := judged(row)
	found := [id, row, state, seconds]
}

# A row for some namespaces, or for everybody. One that is malformed concerns everybody, so that it is seen.
concerns(row) if {
	not row.namespaces
} else if {
	row.namespaces[input.client.namespace]
} else if {
	type_name(row.namespaces) != "object"
}

# METADATA
# title: Why rules are lifted
# description: Of several exceptions the one whose id sorts first.
lifted[rule] := why if {
	some candidate in data.dnspolicy.candidates
	rule := candidate.rule
	held := [[id, row] | some [id, row, "in force", _] in rows; lifts(row, rule)]
	why := concat(" ", [min(held)[0], told(min(held)[1])])
}

# By its whole name, or by what stands before the slash for all rules of a policy.
lifts(row, rule) if {
	row.lifts[rule]
} else if {
	row.lifts[split(rule, "/")[0]]
}

# What the exception itself says: an allow in the lowest tier while it is in force, else the same in shadow, so that the
# record tells why a name is not open any more.
notice(id, row, "in force") := {
	"tier": "default",
	"action": "allow",
	"rule": concat("/", ["exception", id]),
	"reason": told(row),
}

notice(id, _, held) := {
	"tier": "default",
	"action": "allow",
	"mode": "shadow",
	"rule": concat("/", ["exception", id]),
	"reason": held,
} if {
	held != "in force"
}

told(row) := concat(" ", ["until", row.until]) if {
	row.until
} else := "at its hours"

# METADATA
# title: What a row says now, and for how many seconds
# description: >-
#   The seconds have a fraction, which the library takes off, so that nothing outlives an edge. A row that says less than
#   it has to is not in force, nor is one with a key too many: a date that is misspelt must not make an exception that
#   never ends.
judged(row) := [state, seconds] if {
	is_object(row)
	object.keys(row) - {"namespaces", "lifts", "since", "until", "hours", "why"} == set()
	object.keys(row) & {"until", "hours"} != set()
	is_object(object.get(row, "namespaces", {}))
	is_object(row.lifts)
	since := end_of_time(row, "since", 0)
	until := end_of_time(row, "until", 9000000000000000000)
	times := times_of_day(row)
	state := state_at(row, since, until, times)
	changes := {moment | some moment in [(since - now) / 1000000000, (until - now) / 1000000000]; moment > 0}
	seconds := min(union({{86400}, changes, {moment | now < until; some [_, moment] in times}}))
} else := ["malformed", 86400]

end_of_time(row, key, otherwise) := moment if {
	moment := instant(row[key])
} else := otherwise if {
	not key in object.keys(row)
}

# As [inside, seconds] for each; all day if no hours are given.
times_of_day(row) := [[true, 86400]] if {
	not "hours" in object.keys(row)
} else := times if {
	is_array(row.hours)
	times := [time | some hours in row.hours; time := hours_at(hours, now)]
	count(times) == count(row.hours)
	count(times) > 0
}

state_at(row, since, until, times) := concat(" ", ["not before", text]) if {
	now < since
	text := row.since
} else := concat(" ", ["ended", text]) if {
	now >= until
	text := row.until
} else := "in force" if {
	some [true, _] in times
} else := "outside of its hours"
