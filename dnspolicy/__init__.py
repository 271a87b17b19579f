"""dnspolicy: the DNS server of a Kubernetes cluster that knows who is asking."""

from importlib.metadata import version

__version__ = version("dnspolicy")
