package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.bypass.verdict
