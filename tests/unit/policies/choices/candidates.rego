package dnspolicy

candidates contains candidate if {
	step := data.dnspolicy.steps.site
	candidate := {
		"tier": "default",
		"step": "site",
		"action": "redirect",
		"endpoints": data.dnspolicy.steps.in_order(step),
		"ttl": step.ttl,
		"rule": step.rule,
		"reason": "tested ones only",
	}
}
