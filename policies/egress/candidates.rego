package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.egress.verdict
