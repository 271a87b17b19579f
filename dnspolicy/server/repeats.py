"""Repeats of finished answers: counted where they happen, told to the observers now and then."""

from __future__ import annotations

import msgspec

from dnspolicy.chain.observer import Outcome
from dnspolicy.server.memo import Cell


class Repeats:
    """`active` are the cells with repeats not yet told. `hits` and `seconds` price them on average."""

    def __init__(self) -> None:
        self.active: list[Cell] = []
        self.hits = 0
        self.seconds = 0.0

    def count(self, cell: Cell, wall: float, seconds: float) -> None:
        """One more repeat, at wall time `wall`, that took `seconds`."""
        if not cell.count:
            cell.first = wall
            self.active.append(cell)
        cell.count += 1
        cell.last = wall
        self.hits += 1
        self.seconds += seconds

    def tell(self) -> None:
        """Tell the observers that take folds about all repeats since the last time."""
        active, self.active = self.active, []
        price = self.seconds / self.hits if self.hits else 0.0
        self.hits, self.seconds = 0, 0.0
        active.reverse()
        try:
            while active:
                cell = active.pop()
                count, cell.count = cell.count, 0
                outcome = self._outcome(cell)
                for observer in cell.entry.observers:
                    if not observer.every:
                        observer.repeated(outcome, count, cell.first, cell.last, count * price)
        finally:
            self.active += active  # a fault leaves the others for the next time, or they would never be told again

    def tell_one(self, cell: Cell, query_id: int, port: int, seconds: float) -> None:
        """Tell the observers that want every query about the repeat that was just counted."""
        told = self._outcome(cell)
        query = msgspec.structs.replace(told.query, id=query_id)
        outcome = msgspec.structs.replace(told, query=query, port=port, wall=cell.last, seconds=seconds)
        for observer in cell.entry.observers:
            if observer.every:
                observer.seen(outcome)

    @staticmethod
    def _outcome(cell: Cell) -> Outcome:
        return msgspec.structs.replace(cell.entry.outcome, source=cell.source, identity=cell.identity, memo=True)
