package dnspolicy

import data.dnspolicy.environments.answer
import data.dnspolicy.environments.crossing
import data.dnspolicy.environments.twin

candidates contains candidate if {
	row := data.environments.names[input.query.name]
	candidate := answer(row, input.query.name)
}

candidates contains candidate if {
	input.target.kind == "external"
	zones := data.environments.zones
	zone := [suffix | some suffix in input.query.suffixes; zones[suffix]][0]
	name := input.query.name
	not data.environments.names[name]
	candidate := answer(zones[zone], zone)
}

candidates contains candidate if candidate := twin

candidates contains candidate if {
	not twin
	candidate := crossing
}
