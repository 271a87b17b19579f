package dnspolicy.lib

# METADATA
# title: An alias that a name of the cluster led to
# description: >-
#   Such as that of a Service of type ExternalName, which whoever may create Services writes; or of a name with a search
#   list behind it, that the server tried without (`typed`).
alias_of_ours if {
	input.query.via == "cname"
	"svc" in labels_asked
}

# METADATA
# title: What a client typed before a search list was appended
# description: Of `www.pay.example.shop.svc.cluster.local` it is `www.pay.example`, of `db.shop.svc.cluster.local` it is `db`.
typed contains name if {
	alias_of_ours
	some at, label in labels_asked
	label == "svc"
	at > 1
	name := concat(".", array.slice(labels_asked, 0, at - 1))
}

labels_asked := split(lower(input.query.asked), ".")

# METADATA
# title: A name and all above it
# description: The longest first, as `input.query.suffixes`.
suffixes_of(name) := [suffix |
	labels := split(name, ".")
	some i, _ in labels
	suffix := concat(".", array.slice(labels, i, count(labels)))
]
