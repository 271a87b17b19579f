"""The embedded engine in each of its bindings."""

from __future__ import annotations

import pytest

from dnspolicy.engines.rego.binding import CHOICE, Binding, available


@pytest.fixture(params=list(Binding), ids=str)
def binding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Binding:
    """The binding that this test and what it calls use."""
    chosen: Binding = request.param
    if not available(chosen):
        pytest.skip(f"the {chosen} binding is not there; `make native` builds it")
    monkeypatch.setenv(CHOICE, chosen)
    return chosen
