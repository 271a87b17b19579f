"""Every builtin that may be called makes the same of edge cases in all engines, is refused, or is in the papers."""

from __future__ import annotations

import pytest

from dnspolicy.engines.rego.binding import Binding, available
from dnspolicy.engines.rego.builtins import ARITY
from tests.contract.expressions import Row, embedded_makes, equal, opa_makes, read

ROWS = read()


@pytest.mark.parametrize("binding", list(Binding), ids=str)
def test_the_embedded_engine_makes_of_them_what_is_written_down(binding: Binding) -> None:
    if not available(binding):
        pytest.skip(f"the {binding} binding is not there; `make native` builds it")
    found = embedded_makes([row.expression for row in ROWS], binding)
    assert [
        (row, said) for row, said in zip(ROWS, found, strict=True) if not equal(said, row.embedded or row.opa)
    ] == []


@pytest.mark.real("opa")
def test_open_policy_agent_makes_of_them_what_is_written_down() -> None:
    found = opa_makes([row.expression for row in ROWS])
    assert [(row, said) for row, said in zip(ROWS, found, strict=True) if not equal(said, row.opa)] == []


def test_every_builtin_is_among_them() -> None:
    assert [name for name in ARITY if not any(_calls(row, name) for row in ROWS)] == ["trace"]


def _calls(row: Row, name: str) -> bool:
    return f"{name}(" in row.expression
