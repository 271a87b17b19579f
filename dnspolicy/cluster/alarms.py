"""Alarms about clients, beside what the cluster says of them: the identity of a client holds both."""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.cluster.tables import Tables
from dnspolicy.model.identity import Alarm, Identity

Subject = tuple[str, ...]
"""Whom an alarm is about: `(namespace, kind, name)` of a workload, `(namespace, pod)`, or `(address,)`."""


def subject_of(client: Identity) -> Subject:
    """The workload of a client, else the pod, else the address."""
    namespace, owner = client.namespace, client.owner
    if namespace is not None and owner is not None:
        return (namespace, owner.kind, owner.name)
    if namespace is not None and client.pod is not None:
        return (namespace, client.pod)
    return (client.ip,)


class Alarms:
    """The alarms that are on, by subject and by who raised them. Who raises bounds how many there are."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._raised: dict[Subject, dict[object, tuple[Alarm, ...]]] = {}

    def of(self, client: Identity) -> tuple[Alarm, ...]:
        """Those about a client, by domain; of two about one domain that which ends last."""
        raised = self._raised.get(subject_of(client)) if self._raised else None
        if raised is None:
            return ()
        found: dict[str, Alarm] = {}
        for alarm in (alarm for alarms in raised.values() for alarm in alarms):
            known = found.get(alarm.domain)
            if known is None or known.until < alarm.until:
                found[alarm.domain] = alarm
        return tuple(found[domain] for domain in sorted(found))

    def put(self, subject: Subject, by: object, alarms: tuple[Alarm, ...]) -> None:
        """What one source has to say about a subject now, in place of what it said before."""
        raised = self._raised.setdefault(subject, {})
        raised.pop(by, None)
        if alarms:
            raised[by] = alarms
        elif not raised:
            del self._raised[subject]

    def by(self, source: object) -> tuple[Subject, ...]:
        """The subjects that a source has alarms about."""
        return tuple(subject for subject, raised in self._raised.items() if source in raised)

    def addresses(self, subject: Subject) -> Iterator[str]:
        """The addresses whose identity an alarm about a subject is part of."""
        match subject:
            case (namespace, kind, name):
                for pod in self._tables.pods_in(namespace):
                    if pod.owner is not None and (pod.owner.kind, pod.owner.name) == (kind, name):
                        yield from pod.addresses
            case (namespace, name):
                found = self._tables.pod(namespace, name)
                yield from () if found is None else found.addresses
            case _:
                yield from subject
