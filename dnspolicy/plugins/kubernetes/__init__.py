"""Answers the names of the cluster."""

from dnspolicy.plugins.kubernetes.config import Config
from dnspolicy.plugins.kubernetes.handler import Kubernetes

__all__ = ["Config", "Kubernetes"]
