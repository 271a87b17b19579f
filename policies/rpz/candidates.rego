package dnspolicy

import data.dnspolicy.rpz.candidate as made
import data.dnspolicy.rpz.decided
import data.dnspolicy.rpz.disabled

candidates contains candidate if candidate := made(decided)

candidates contains candidate if {
	some found in disabled
	candidate := object.union(made(found), {"mode": "shadow"})
}
