"""What is wrong with a bundle, and where in it."""

from __future__ import annotations

from dnspolicy.model.errors import PolicyLoadError, PolicyNotChecked
from dnspolicy.model.printable import printable


class BundleError(PolicyLoadError):
    """A bundle cannot be used. `file` is a path in it, or empty."""

    def __init__(self, what: str, file: str = "", remedy: str = "") -> None:
        self.what = what
        self.file = file
        self.remedy = remedy
        place = f"{printable(file)}: " if file else ""
        super().__init__(f"{place}{printable(what)}" + (f"; {remedy}" if remedy else ""))

    def of(self, bundle: str) -> BundleError:
        """The same with the name of the bundle."""
        named = type(self)(self.what, self.file, self.remedy)
        named.args = (f"bundle {printable(bundle)}: {self}",)
        return named


class BundleNotOpened(BundleError, PolicyNotChecked):
    """Nobody knows whether a bundle can be used: it could not be read or opened. Another time it may."""
