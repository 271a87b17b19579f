package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.tenant_isolation.verdict
