package dnspolicy

candidates contains candidate if {
	candidate := data.dnspolicy.exfiltration.domain
}

candidates contains candidate if {
	candidate := data.dnspolicy.exfiltration.many
}
