"""A decision point: `python decide.py ADDRESS RULES`. The first rule that fits a question decides."""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import grpc
from google.protobuf.json_format import ParseDict

from dnspolicy.engines.grpc.decider import add_decider, pb


class Rules:
    def __init__(self, file: Path) -> None:
        self.file = file

    def info(self) -> pb.GetInfoResponse:
        revision = hashlib.sha256(self.file.read_bytes()).hexdigest()[:12]
        return pb.GetInfoResponse(engine="python example", revision=revision, timeless=True)

    async def check(self, request: pb.CheckRequest) -> pb.CheckResponse:
        for rule in json.loads(self.file.read_bytes()):
            here = rule.get("namespace", request.client.namespace) == request.client.namespace
            if here and rule.get("suffix", ".") in (*request.query.suffixes, "."):
                return ParseDict(rule["response"], pb.CheckResponse())
        return pb.CheckResponse(undefined=pb.Undefined())


async def main(address: str, rules: str) -> None:
    server = grpc.aio.server()
    await add_decider(Rules(Path(rules)), server)
    print("listening on port", server.add_insecure_port(address), flush=True)
    await server.start()
    await server.wait_for_termination()


asyncio.run(main(*sys.argv[1:]))
