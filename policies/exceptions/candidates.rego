package dnspolicy

import data.dnspolicy.exceptions.rows
import data.dnspolicy.exceptions.said

candidates contains candidate if {
	some [id, row, state, _] in rows
	candidate := said(id, row, state)
}

# What is said of names without an exception stays the same.
edges contains 86400 if data.exceptions

edges contains seconds if {
	some [_, _, _, seconds] in rows
}
