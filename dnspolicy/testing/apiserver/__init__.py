"""A fake kube-apiserver: lists, pages, watches, bookmarks and access as the real one, misbehaviour on command."""

from dnspolicy.testing.apiserver.faults import Fault, Trick, Verb
from dnspolicy.testing.apiserver.server import Asked, FakeApiServer, Threaded, WatchLists, in_thread

__all__ = ["Asked", "FakeApiServer", "Fault", "Threaded", "Trick", "Verb", "WatchLists", "in_thread"]
