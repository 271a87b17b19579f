package dnspolicy

import data.dnspolicy.exceptions.notice
import data.dnspolicy.exceptions.rows

candidates contains candidate if {
	some [id, row, state, _] in rows
	candidate := notice(id, row, state)
}

# What is said of names without an exception stays the same.
edges contains 86400 if data.exceptions.names

edges contains 86400 if data.exceptions.suffixes

edges contains seconds if {
	some [_, _, _, seconds] in rows
}
