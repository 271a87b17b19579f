"""What is wrong with a bundle, and where in it."""

from __future__ import annotations

from dnspolicy.model.errors import PolicyLoadError

_SHOWN = 200


class BundleError(PolicyLoadError):
    """A bundle cannot be used. `file` is a path in it, or empty."""

    def __init__(self, what: str, file: str = "", remedy: str = "") -> None:
        self.what = what
        self.file = file
        self.remedy = remedy
        place = f"{plain(file)}: " if file else ""
        super().__init__(f"{place}{plain(what)}" + (f"; {remedy}" if remedy else ""))

    def of(self, bundle: str) -> BundleError:
        """The same with the name of the bundle."""
        named = BundleError(self.what, self.file, self.remedy)
        named.args = (f"bundle {plain(bundle)}: {self}",)
        return named


def plain(text: str) -> str:
    """Text of a stranger as it may be shown: printable, and not long."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return shown if shown.isprintable() else ascii(shown)[1:-1]
