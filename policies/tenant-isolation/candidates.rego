package dnspolicy

import data.dnspolicy.tenant_isolation.verdict

candidates contains candidate if candidate := verdict
