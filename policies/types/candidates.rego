package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.types.verdict
