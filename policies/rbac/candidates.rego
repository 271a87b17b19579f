package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.rbac.verdict
