"""Decision points over gRPC. Importing this costs 0.1 s and 10 MB, so it is imported where the word is used."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # the library would write lines of its own to standard error

from dnspolicy.engines.grpc.engine import GrpcEngine
from dnspolicy.engines.grpc.supply import GrpcSupply

__all__ = ["GrpcEngine", "GrpcSupply"]
