"""The words of one action, taken from the left."""

from __future__ import annotations

from dnspolicy.plugins.template.lexer import Action, BadTemplate, Sort, Word


class Words:
    """The words of one action, from the left."""

    def __init__(self, action: Action) -> None:
        self._words = action.words
        self._next = 0
        self.at = action.at

    def peek(self, ahead: int = 0) -> Word | None:
        place = self._next + ahead
        return self._words[place] if place < len(self._words) else None

    def take(self) -> Word:
        word = self.peek()
        if word is None:
            raise BadTemplate("a value is missing", self.at)
        self._next += 1
        self.at = word.at
        return word

    def accept(self, sign: str) -> bool:
        word = self.peek()
        if word is None or word.sort is not Sort.SIGN or word.text != sign:
            return False
        self.take()
        return True

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise BadTemplate(f"{sign} is missing", self.at)

    def done(self) -> None:
        word = self.peek()
        if word is not None:
            raise BadTemplate(f"{word.text!r} is out of place", word.at)

    def fields(self) -> tuple[str, ...]:
        """Fields that follow without a blank."""
        found = []
        while (word := self.peek()) is not None and word.sort is Sort.FIELD and not word.spaced:
            found.append(self.take().text[1:])
        return tuple(found)

    def declared(self) -> list[str]:
        """The variables before `:=`, if that is what comes."""
        names = []
        place = 0
        while (word := self.peek(place)) is not None and word.sort is Sort.VARIABLE:
            names.append(word.text)
            sign = self.peek(place + 1)
            if sign is not None and sign.text == ":=" and len(names) < 3:
                self._next += place + 2
                return names
            if sign is None or sign.text != ",":
                break
            place += 2
        return []
