"""What a Config struct says about its directive, read from its annotations (see `schema`)."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from dnspolicy.corefile.schema import Positional, Rest
from dnspolicy.corefile.values import bare, describe, metas


class Form(Enum):
    """How a field stands in the text."""

    FLAG = auto()
    SCALAR = auto()
    WORDS = auto()
    STRUCT = auto()
    STRUCTS = auto()
    REST_WORDS = auto()
    REST_STRUCTS = auto()


class Field(msgspec.Struct, frozen=True):
    """One field. `hint` is the type of one word, or the struct; `least` and `most` limit the length of a tuple."""

    name: str
    form: Form
    hint: Any
    positional: bool
    required: bool
    least: int = 0
    most: int | None = None

    @property
    def word(self) -> str:
        """The name as written in a Corefile."""
        return self.name.removesuffix("_")

    @property
    def placeholder(self) -> str:
        """The name as shown in a usage."""
        text = self.word.upper() + ("…" if self.form is Form.WORDS else "")
        return text if self.required or self.least else f"[{text}]"

    @property
    def usage(self) -> str:
        """The option as it should stand."""
        if self.form is Form.FLAG:
            return f"{self.word} alone"
        if self.form is Form.SCALAR:
            return f"{self.word} and {describe(self.hint)}"
        return f"{self.word} {self.placeholder}"


@cache
def fields(config: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a Config in order. Raises TypeError for a type that the binder has no rule for."""
    return tuple(_field(info, config) for info in msgspec.structs.fields(config))


def usage(name: str, config: type[msgspec.Struct]) -> str:
    """A directive's line, such as `forward FROM TO…`."""
    return " ".join([name, *(field.placeholder for field in fields(config) if field.positional)]).strip()


def _field(info: msgspec.structs.FieldInfo, config: type[msgspec.Struct]) -> Field:
    marks = get_args(info.type)[1:] if get_origin(info.type) is Annotated else ()
    rest = Rest in marks
    form, hint = _form(_without_none(info.type), rest)
    if form is None:
        raise TypeError(f"{config.__qualname__}.{info.name}: no rule for {info.type}")
    lengths = metas(info.type) if form is not Form.SCALAR else []
    least = max((m.min_length for m in lengths if m.min_length is not None), default=0)
    return Field(
        info.name,
        form,
        hint,
        Positional in marks,
        info.required,
        max(least, 1) if info.required and form is Form.WORDS else least,
        min((m.max_length for m in lengths if m.max_length is not None), default=None),
    )


def _form(hint: Any, rest: bool) -> tuple[Form | None, Any]:
    base = bare(hint)
    if get_origin(base) is tuple:
        item, *more = get_args(base)
        if more != [...]:
            return None, base
        if _is_struct(item):
            return (Form.REST_STRUCTS if rest else Form.STRUCTS), item
        return (Form.REST_WORDS if rest else Form.WORDS), item
    if rest:
        return None, base
    if base is bool:
        return Form.FLAG, bool
    if _is_struct(base):
        return Form.STRUCT, base
    return Form.SCALAR, hint


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _without_none(hint: Any) -> Any:
    """`T` for `T | None`, constraints kept."""
    base = bare(hint)
    if get_origin(base) not in (Union, UnionType):
        return hint
    kept = [arg for arg in get_args(base) if arg is not NoneType]
    if len(kept) != 1:
        return hint
    extras = metas(hint)
    return Annotated[(kept[0], *extras)] if extras else kept[0]
