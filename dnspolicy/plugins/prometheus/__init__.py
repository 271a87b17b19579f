"""Counts what the server does and shows it to Prometheus."""

from dnspolicy.plugins.prometheus.config import Config
from dnspolicy.plugins.prometheus.handler import Prometheus
from dnspolicy.plugins.prometheus.tally import Enabled, Tally

__all__ = ["Config", "Enabled", "Prometheus", "Tally"]
