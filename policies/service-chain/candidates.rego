package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.service_chain.verdict
