"""One rig for each kind of engine, under the contract in `test_engine.py`.

A new kind is a file here, with a class that descends from `Rig`, and a line in `RIGS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.rigs.base import UNDEFINED, Break, Rig
from tests.contract.rigs.examples import GoRig, PythonRig
from tests.contract.rigs.grpc import FakePointRig, FakePointUnaryRig, PdpRig
from tests.contract.rigs.opa import FakeOpaRig, RealOpaRig
from tests.contract.rigs.rego import RegoRig
from tests.contract.rigs.static import StaticRig

RIGS: Mapping[str, type[Rig]] = {
    "static": StaticRig,
    "rego": RegoRig,
    "opa": FakeOpaRig,
    "opa real": RealOpaRig,
    "grpc": FakePointRig,
    "grpc unary": FakePointUnaryRig,
    "grpc pdp": PdpRig,
    "grpc python": PythonRig,
    "grpc go": GoRig,
}

__all__ = ["RIGS", "UNDEFINED", "Break", "Rig"]
