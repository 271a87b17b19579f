package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.rolling_upgrade.verdict
