"""Who may ask for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dnspolicy.testing.apiserver.faults import Verb
from dnspolicy.testing.apiserver.refusal import Refusal, forbidden
from dnspolicy.testing.apiserver.resources import Resource

ANONYMOUS = "system:anonymous"


class Access:
    """Without `tokens` and `certificates` anybody may do anything that is not denied.

    `tokens` are the bearer tokens that are good now, with the user each stands for; taking one away is its expiry.
    `certificates`: whether a client certificate of the server's authority is good enough. `anybody`: whether those who
    show nothing may do what is not denied, all the same.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.certificates = False
        self.anybody = False
        self._denied: set[tuple[str, str]] = set()
        self._allowed: dict[str, tuple[str, ...]] = {}

    def deny(self, *plurals: str, verbs: Iterable[str] = ("list", "watch")) -> None:
        """Answer 403 to these verbs for these resources."""
        self._denied |= {(plural, verb) for plural in plurals for verb in verbs}

    def grant(self, *plurals: str) -> None:
        """Take back what was denied for these resources."""
        self._denied = {(plural, verb) for plural, verb in self._denied if plural not in plurals}

    def allow_only(self, user: str, plurals: Iterable[str]) -> None:
        """Answer 403 to a user for all resources but these."""
        self._allowed[user] = tuple(plurals)

    def user(self, headers: Mapping[str, str], certificate: str) -> str:
        """Who is asking; `certificate` is the common name of the client's. Raises Refusal (401)."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and self.tokens:
            if token not in self.tokens:
                raise Refusal(401, "Unauthorized")
            return self.tokens[token]
        return certificate if self.certificates and certificate else ANONYMOUS

    def check(self, user: str, verb: Verb, resource: Resource, namespace: str) -> None:
        """Raises Refusal (403)."""
        name = "watch" if verb is Verb.WATCH else "list"
        open_to_all = self.anybody or (not self.tokens and not self.certificates)
        if resource.plural not in self._allowed.get(user, (resource.plural,)):
            raise forbidden(user, name, resource, namespace)
        if (resource.plural, name) in self._denied or (user == ANONYMOUS and not open_to_all):
            raise forbidden(user, name, resource, namespace)
