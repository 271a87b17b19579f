"""The sample clusters of the policies show what their pages say."""

from __future__ import annotations

import pytest

from dnspolicy.cli.main import main
from tests.unit.policies.library import POLICIES

ZONE = "svc.cluster.local"


@pytest.mark.parametrize(
    ("policy", "client", "name", "shown"),
    [
        ("tenant-isolation", "acorn/web-0", f"ledger.birch.{ZONE}", "rule tenant/granted"),
        ("tenant-isolation", "acorn/web-0", f"db.birch.{ZONE}", "rule tenant/other"),
        ("environments", "shop-prod/web-1", "orders-db.internal.example", "rule environment/prod/canary"),
        ("closest", "shop/web-n", f"db.shop.{ZONE}", "redirect to 10.244.1.10, 10.244.2.10"),
        ("closest", "shop/web-s", f"db.shop.{ZONE}", "rule near/all"),
        ("rbac", "shop/web-0", f"db.data.{ZONE}", "rule rbac/granted"),
        ("rbac", "shop/web-0", f"cache.data.{ZONE}", "rule rbac/denied"),
        ("rolling-upgrade", "shop/old", f"api.shop.{ZONE}", "redirect to 10.244.1.10"),
        ("service-chain", "shop/web-0", f"db.shop.{ZONE}", f"redirect to scanner.security.{ZONE}"),
        ("service-chain", "security/scanner-0", f"db.shop.{ZONE}", f"redirect to recorder.security.{ZONE}"),
        ("sharding", "shop/web-b", f"db.shop.{ZONE}", "redirect to 10.244.1.11"),
        ("sharding", "shop/web-b", f"cache.shop.{ZONE}", "rule shard/hash"),
        ("egress", "cedar-pay/pay-0", "evil.example", "rule egress/other"),
        ("bypass", "acorn/web-0", "use-application-dns.net", "rule bypass/browser"),
        ("exceptions", "delta-lab/sample-0", "sample.c2.example", "rule exception/EX-17"),
        ("rpz", "acorn/web-0", "portal.example", "redirect to 198.51.100.80"),
        ("least-loaded", "shop/web-n", f"db.shop.{ZONE}", "redirect to 10.244.2.10\n"),
    ],
)
def test_what_the_sample_shows(
    policy: str, client: str, name: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    corefile = POLICIES / policy / "sample" / "Corefile"
    assert main(["explain", "--conf", str(corefile), "--as", client, name]) == 0
    assert shown in capsys.readouterr().out
