"""The digest of a file in a bundle, as OPA signs it.

Data and the manifest are hashed as values, so that spaces and the order of keys do not count; all else as bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NoReturn

from dnspolicy.bundle.errors import BundleError

ALGORITHM = "SHA-256"
ALGORITHMS = {
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "SHA-512-224": "sha512_224",
    "SHA-512-256": "sha512_256",
}
"""OPA also takes MD5 and SHA-1, for which two files with one digest can be made."""
ReadYaml = Callable[[bytes], Any]
"""A YAML document as JSON knows it. Raises BundleError."""
_VALUES = ("data.json", "data.yaml", ".manifest")
_quoted = json.encoder.encode_basestring
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def digest(path: str, raw: bytes, algorithm: str, read_yaml: ReadYaml) -> str:
    """In hex. Raises BundleError."""
    name = ALGORITHMS.get(algorithm)
    if name is None:
        raise BundleError(f"signed with the digest {algorithm!r}, which is not one to rely on", path)
    sums = hashlib.new(name)
    if path.rpartition("/")[2] in _VALUES:
        try:
            text = "".join(_written(_value(path, raw, read_yaml)))
        except RecursionError:
            raise BundleError("nested too deeply", path) from None
        sums.update(_SURROGATE.sub("\ufffd", text).encode())
    else:
        sums.update(raw)
    return sums.hexdigest()


def _value(path: str, raw: bytes, read_yaml: ReadYaml) -> Any:
    try:
        return json.loads(raw.decode(), parse_int=_Number, parse_float=_Number, parse_constant=_constant)
    except (ValueError, RecursionError) as problem:
        if path.endswith(".yaml"):
            return read_yaml(raw)
        raise BundleError(f"not JSON: {problem}", path) from None


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number that JSON knows")


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        comma = "{"
        for key in sorted(value):
            yield f"{comma}{_string(key)}:"
            yield from _written(value[key])
            comma = ","
        yield "}" if value else "{}"
    elif isinstance(value, list):
        comma = "["
        for item in value:
            yield comma
            yield from _written(item)
            comma = ","
        yield "]" if value else "[]"
    else:
        yield _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value)


def _string(text: str) -> str:
    """As Go writes it, which cares for JavaScript."""
    return _quoted(text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _float(value: float) -> str:
    """As Go writes a number that came from YAML (ECMAScript's rules)."""
    if value == 0 or 1e-6 <= math.fabs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = repr(value).partition("e")
    sign = "-" if exponent.startswith("-") else "+"
    return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').rjust(2, '0')}".replace("e-0", "e-")
