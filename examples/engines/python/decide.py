"""A decision point: `python decide.py ADDRESS RULES`. The first rule that fits a question decides."""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import grpc
from google.protobuf.json_format import ParseDict

sys.path.append(str(Path(__file__).resolve().parents[3] / "proto" / "dnspolicy" / "v1"))
pb, services = grpc.protos_and_services("policy.proto")  # made by grpcio-tools


class Decider(services.PolicyServiceServicer):
    def __init__(self, rules):
        self.file = rules

    def read(self):
        text = self.file.read_bytes()
        return json.loads(text), {"revision": hashlib.sha256(text).hexdigest()[:12]}

    def decide(self, request):
        rules, revision = self.read()
        for rule in rules:
            fits = rule.get("suffix", ".") in [*request.query.suffixes, "."]
            if fits and rule.get("namespace", request.client.namespace) == request.client.namespace:
                return ParseDict(rule["response"], pb.CheckResponse(request_id=request.request_id, **revision))
        return pb.CheckResponse(request_id=request.request_id, undefined=pb.Undefined(), **revision)

    async def Check(self, request, context):
        return self.decide(request)

    async def StreamCheck(self, batches, context):
        async for batch in batches:
            yield pb.CheckBatchResponse(responses=map(self.decide, batch.requests))

    async def GetInfo(self, request, context):
        return pb.GetInfoResponse(engine="python example", timeless=True, **self.read()[1])

    async def Watch(self, request, context):
        while True:  # saying the same again does no harm
            yield pb.PolicyRevision(timeless=True, **self.read()[1])
            await asyncio.sleep(0.2)


async def main(address, rules):
    server = grpc.aio.server()
    services.add_PolicyServiceServicer_to_server(Decider(Path(rules)), server)
    print("listening on port", server.add_insecure_port(address), flush=True)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
