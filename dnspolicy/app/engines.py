"""Policy engines: one per set of folders, loaded, watched, swapped."""

from __future__ import annotations

import logging

log = logging.getLogger("dnspolicy.policy")
