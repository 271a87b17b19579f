package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.closest.verdict
