# Which rules are in shadow for the client that asks: none, unless the folder `roll-out` is loaded.

# METADATA
# title: Rules on their way
# scope: package
# schemas:
#   - input: schema.input
package dnspolicy.rollout

# By the rule of a candidate: `enforce` or `shadow`. The server refuses anything else as a bad decision. Data that nobody
# reads would silently enforce what should only be watched.
modes[rule] := "data.rollout is there, and the folder that reads it is not loaded" if {
	type_name(data.rollout)
	not loaded
	some candidate in data.dnspolicy.candidates
	rule := candidate.rule
}

loaded if some _ in []
