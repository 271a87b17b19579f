"""A directive → the typed Config of its room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from dnspolicy.corefile.complaints import Complaints, shown
from dnspolicy.corefile.fields import Field, Form, fields, usage
from dnspolicy.corefile.tree import Directive, Position, Word
from dnspolicy.corefile.values import choices, describe, read
from dnspolicy.model.errors import DnsPolicyError

T = TypeVar("T", bound=msgspec.Struct)


def bind(directive: Directive, config: type[T], complaints: Complaints) -> T | None:
    """The directive as its Config, by the rules of `schema`; None when there was something to complain about."""
    return _Binding(directive, config, complaints).result()


class _Binding(Generic[T]):
    """One directive being bound. `_values` are the fields found so far, tuples still as lists.

    `nearby`: options that the line may have been meant as instead.
    """

    def __init__(
        self, directive: Directive, config: type[T], complaints: Complaints, nearby: Sequence[str] = ()
    ) -> None:
        self._directive = directive
        self._nearby = nearby
        self._config = config
        self._complaints = complaints
        self._fields = fields(config)
        self._values: dict[str, Any] = {}
        self._seen: dict[str, Position] = {}
        self._bad: set[str] = set()
        self._good = True

    def result(self) -> T | None:
        self._positionals()
        self._options()
        self._check_presence()
        if not self._good:
            return None
        try:
            return self._config(**{name: tuple(v) if isinstance(v, list) else v for name, v in self._values.items()})
        except (ValueError, DnsPolicyError) as problem:
            self._wrong(self._culprit(str(problem)), f"{self._directive.name}: {problem}".removeprefix(": "))
            return None

    def _wrong(
        self, at: Position, wrong: str, *, expected: str = "", word: str = "", known: Iterable[str] = ()
    ) -> None:
        self._good = False
        if self._nearby:
            word, known = self._directive.words[0].text, self._nearby
        self._complaints.add(at, wrong, expected=expected, word=word, known=known)

    def _positionals(self) -> None:
        words = list(self._directive.words)
        places = [field for field in self._fields if field.positional]
        for index, field in enumerate(places):
            if field.form is Form.WORDS:
                self._take_words(field, words)
                words = []
            elif words and not self._may_skip(field, words[0], places[index + 1 :]):
                self._scalar(field, words.pop(0))
        if words:
            self._wrong(
                words[0].at,
                f"{shown(words[0].text)} is one word too many",
                expected=usage(self._directive.name, self._config),
            )

    def _may_skip(self, field: Field, word: Word, later: Iterable[Field]) -> bool:
        """Whether an optional word is left out, as in `cache example.org`, where a number could stand first."""
        return not field.required and not _reads(word, field) and any(_reads(word, other) for other in later)

    def _options(self) -> None:
        known = {field.word: field for field in self._fields if not field.positional and not _is_rest(field)}
        rest = next((field for field in self._fields if _is_rest(field)), None)
        for option in self._directive.options:
            field = known.get(option.name, rest)
            if field is None:
                self._good = False
                self._complaints.unknown(option, known, "option", self._directive.name)
            elif _is_rest(field):
                self._rest(field, option, list(known))
            else:
                self._option(field, option)

    def _option(self, field: Field, option: Directive) -> None:
        if field.form in (Form.STRUCT, Form.STRUCTS):
            self._struct(field, option)
            return
        if option.braces:
            self._wrong(option.at, f"{option.name} takes no block", expected=field.usage)
        if field.form is Form.WORDS:
            self._take_words(field, option.words)
            return
        if not self._once(field, option):
            return
        wanted = 0 if field.form is Form.FLAG else 1
        if len(option.words) > wanted:
            extra = option.words[wanted]
            self._wrong(extra.at, f"{shown(extra.text)} is one word too many for {option.name}", expected=field.usage)
        elif len(option.words) < wanted:
            self._wrong(option.at, f"{option.name} lacks its value", expected=field.usage)
        elif wanted:
            self._scalar(field, option.words[0])
        else:
            self._values[field.name] = True

    def _once(self, field: Field, option: Directive) -> bool:
        first = self._seen.setdefault(field.name, option.at)
        if first is not option.at:
            self._wrong(option.at, f"{option.name} is given twice; first at {first}", expected="it once")
        return first is option.at

    def _struct(self, field: Field, option: Directive) -> None:
        if field.form is Form.STRUCT and not self._once(field, option):
            return
        value = bind(option, field.hint, self._complaints)
        if value is None:
            self._good = False
        if field.form is Form.STRUCT:
            self._values[field.name] = value
        else:
            self._extend(field, [value])

    def _rest(self, field: Field, option: Directive, known: list[str]) -> None:
        line = (option.head, *option.words)
        if option.braces:
            self._wrong(option.at, f"{shown(option.name)} takes no block", word=option.name, known=known)
            return
        value: Any
        if field.form is Form.REST_WORDS:
            value = tuple(word.text for word in line)
        else:
            # a line that fits nothing may have been meant as an option
            unnamed = Directive("", line, (), option.at)
            value = _Binding(unnamed, field.hint, self._complaints, known).result()
            self._good = self._good and value is not None
        self._extend(field, [value])

    def _take_words(self, field: Field, words: Iterable[Word]) -> None:
        listed = list(words)
        found = [value for word in listed for value in self._read(field, word)]
        if listed or not field.positional:
            self._extend(field, found)

    def _extend(self, field: Field, found: Iterable[object]) -> None:
        self._values.setdefault(field.name, []).extend(found)

    def _scalar(self, field: Field, word: Word) -> None:
        found = self._read(field, word)
        if len(found) > 1:
            self._bad.add(field.name)
            self._wrong(word.at, f"{shown(word.text)} stands for {len(found)} zones", expected="one zone")
        elif found:
            self._values[field.name] = found[0]

    def _read(self, field: Field, word: Word) -> tuple[Any, ...]:
        try:
            return read(word.text, field.hint)
        except ValueError:  # msgspec's ValidationError is one too
            self._bad.add(field.name)
            self._wrong(
                word.at,
                f"{shown(word.text)} is not right for {field.word}",
                expected=describe(field.hint),
                word=word.text,
                known=choices(field.hint),
            )
            return ()

    def _check_presence(self) -> None:
        for field in self._fields:
            value = self._values.get(field.name)
            if field.name in self._bad:
                continue
            if (value is None and field.required) or (isinstance(value, list) and len(value) < field.least):
                self._missing(field)
            elif isinstance(value, list) and field.most is not None and len(value) > field.most:
                self._wrong(
                    self._directive.at, f"{field.word} has {len(value)} words", expected=f"at most {field.most}"
                )

    def _missing(self, field: Field) -> None:
        if field.positional:
            lacking, wanted = field.word.upper(), usage(self._directive.name, self._config)
        else:
            lacking, wanted = field.word, f"{field.usage} in its block"
        self._wrong(self._directive.at, f"{self._directive.name or 'the line'} lacks {lacking}", expected=wanted)

    def _culprit(self, message: str) -> Position:
        """Where the word stands that a complaint of the Config quotes; else the directive."""
        for word in _all_words(self._directive):
            if word.text and (repr(word.text) in message or f'"{word.text}"' in message):
                return word.at
        return self._directive.at


def _all_words(directive: Directive) -> Iterator[Word]:
    yield from directive.words
    for option in directive.options:
        yield option.head
        yield from _all_words(option)


def _is_rest(field: Field) -> bool:
    return field.form in (Form.REST_WORDS, Form.REST_STRUCTS)


def _reads(word: Word, field: Field) -> bool:
    try:
        return bool(read(word.text, field.hint))
    except ValueError:  # msgspec's ValidationError is one too
        return False
