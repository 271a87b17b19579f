"""dnspolicy: the DNS server of a Kubernetes cluster that knows who is asking."""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: reading what is installed takes 30 ms."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version

    return version("dnspolicy")
