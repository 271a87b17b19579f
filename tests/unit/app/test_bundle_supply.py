"""Policies from bundles: what is in force, whatever happens to files, servers and copies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from errno import EIO
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dnspolicy.bundle import BundleFile, BundleNotOpened, Contents, Manifest, Signer, build, signing_key
from dnspolicy.corefile.regular import Content, read_regular
from dnspolicy.corefile.schema import Duration, Size
from dnspolicy.engines.rego import Loaded, load
from dnspolicy.model.errors import PolicyLoadError, PolicyNotChecked
from dnspolicy.policy.settings.bundle import BundleKey
from dnspolicy.testing.bundleserver import BundleServer, Fault
from tests.unit.app.bundle_rig import NOT_YET, Rig, line, running, until
from tests.unit.bundle.archives import P256, manifest, packed, private_pem, public_pem, rule

ANOTHER = ec.generate_private_key(ec.SECP256R1())
DATA_RULE = b'package dnspolicy\n\ndecision := {"action": "allow", "rule": "r", "reason": data.site.name}\n'


def bundle(reason: str, **fields: object) -> bytes:
    return packed({".manifest": manifest(revision=f"of {reason}", **fields), "p.rego": rule(reason)})


def signed(reason: str, private: Any = P256) -> bytes:
    key, algorithm = signing_key("k", private_pem(private))
    contents = Contents(b"{}", (BundleFile("p.rego", rule(reason)),), Manifest(f"of {reason}"))
    return build(contents, Signer(key, algorithm))


@pytest.fixture
def key(tmp_path: Path) -> BundleKey:
    path = tmp_path / "key.pem"
    path.write_bytes(public_pem(P256))
    return BundleKey(str(path))


@asynccontextmanager
async def serving(body: bytes = b"", holds: bool = False) -> AsyncIterator[BundleServer]:
    server = BundleServer(holds)
    await server.start()
    if body:
        server.serve(body)
    try:
        yield server
    finally:
        await server.stop()


def test_a_file_is_in_force_and_followed(tmp_path: Path, key: BundleKey) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(signed("one"))

    async def story() -> None:
        async with running(line(path, key=(key,))) as rig:
            assert await rig.reason() == "one"
            assert "revision of one, signed with " in rig.supply.announcement()
            assert rig.supply.source_of("r") == "b.tar.gz:p.rego:3"
            before = rig.supply.engine.revision
            path.write_bytes(bundle("not signed"))
            await until(lambda: rig.refused == 1)
            assert await rig.reason() == "one"
            path.write_bytes(signed("two"))
            await rig.comes_to("two")
            assert rig.changes == 1
            assert rig.supply.engine.revision != before
            assert list(rig.value("dnspolicy_policy_bundle_info")) == [(str(path), "of two")]

    asyncio.run(story())


def test_two_policies_may_have_one_bundle() -> None:
    """As a policy and its candidate have, or that of before a change and that of after it."""

    async def story() -> None:
        async with serving(bundle("one")) as server, running(line(server.url)) as rig:
            await rig.comes_to("one")
            async with running(line(server.url), metrics=rig.metrics) as other:
                await other.comes_to("one")
            server.serve(bundle("two"))
            await rig.comes_to("two")
            async with running(line(server.url), metrics=rig.metrics) as other:
                await other.comes_to("two")
                assert list(rig.value("dnspolicy_policy_bundle_info")) == [(server.url, "of two")]
            assert list(rig.value("dnspolicy_policy_bundle_info")) == [(server.url, "of two")]
            assert list(rig.value("dnspolicy_policy_bundle_confirmed_seconds")) == [(server.url,)]
        assert rig.value("dnspolicy_policy_bundle_info") == {}
        assert rig.value("dnspolicy_policy_bundle_confirmed_seconds") == {}

    asyncio.run(story())


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, key: BundleKey) -> None:
    path = tmp_path / "b.tar.gz"
    with pytest.raises(PolicyLoadError, match=r"bundle .*b\.tar\.gz: cannot be read: No such file"):
        Rig(line(path))
    path.write_bytes(bundle("one"))
    with pytest.raises(PolicyLoadError, match=r"bundle .*b\.tar\.gz: it is not signed"):
        Rig(line(path, key=(key,)))
    with pytest.raises(PolicyLoadError, match="larger than 10 bytes"):
        Rig(line(path, size=Size(10)))
    with pytest.raises(PolicyLoadError, match=r"key nowhere\.pem cannot be read"):
        Rig(line("http://127.0.0.1:1/b.tar.gz", key=(BundleKey("nowhere.pem"),)))
    path.write_bytes(packed({"a/p.rego": b"package dnspolicy\n\ndecision := http.send({})\n"}))
    with pytest.raises(PolicyLoadError, match=r"b\.tar\.gz:a/p\.rego:3:13: "):
        Rig(line(path))


def test_a_file_that_could_not_be_opened_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(bundle("one"))
    failures = [BundleNotOpened("opening it took longer than 60 s"), OSError(EIO, "disk")]

    def fails(where: Path, limit: int) -> Content:
        if failures:
            raise failures.pop()
        return read_regular(where, limit)

    async def story() -> None:
        async with running(line(path)) as rig:
            monkeypatch.setattr("dnspolicy.app.supply.bundles.places.read_regular", fails)
            path.write_bytes(bundle("two"))
            await rig.comes_to("two")

    asyncio.run(story())


def test_a_policy_of_bundles_that_could_not_be_checked_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(bundle("one"))
    failures = [PolicyNotChecked("the check cannot be started"), RuntimeError("can't start new thread")]

    def fails(*arguments: Any, **options: Any) -> Loaded:
        if failures:
            raise failures.pop()
        return load(*arguments, isolated=False, **options)

    async def story() -> None:
        async with running(line(path)) as rig:
            rig.loads = fails
            path.write_bytes(bundle("two"))
            await rig.comes_to("two")

    asyncio.run(story())


def test_a_key_that_comes_after_its_bundle_is_noticed(tmp_path: Path, key: BundleKey) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(signed("one"))
    another, renew = signed("two", ANOTHER), partial(Path(key.file).write_bytes, public_pem(ANOTHER))

    async def story() -> None:
        async with running(line(path, key=(key,))) as rig:
            path.write_bytes(another)
            await until(lambda: rig.refused == 1)
            renew()
            await rig.comes_to("two")

    asyncio.run(story())


def test_one_file_that_is_refused_does_not_hold_back_another(tmp_path: Path) -> None:
    one, two = tmp_path / "one.tar.gz", tmp_path / "two.tar.gz"
    one.write_bytes(packed({".manifest": manifest(roots=["dnspolicy"]), "p.rego": DATA_RULE}))
    two.write_bytes(packed({".manifest": manifest(roots=["site"]), "site/data.json": b'{"name": "a"}'}))

    async def story() -> None:
        async with running(line(one), line(two)) as rig:
            one.write_bytes(b"no bundle")
            two.write_bytes(packed({".manifest": manifest(roots=["site"]), "site/data.json": b'{"name": "b"}'}))
            await rig.comes_to("b")

    asyncio.run(story())


def test_a_bundle_of_policies_stands_beside_a_folder_of_data(tmp_path: Path) -> None:
    path, site = tmp_path / "b.tar.gz", tmp_path / "site"
    path.write_bytes(packed({".manifest": manifest(roots=["dnspolicy"]), "p.rego": DATA_RULE}))
    site.mkdir()
    (site / "data.json").write_text('{"site": {"name": "here"}}')

    async def story() -> None:
        async with running(line(path), folders=(site,)) as rig:
            assert await rig.reason() == "here"
            (site / "data.json").write_text('{"site": {"name": "there"}}')
            await rig.comes_to("there")

    asyncio.run(story())


def test_two_bundles_do_not_own_the_same(tmp_path: Path) -> None:
    one, two = tmp_path / "one.tar.gz", tmp_path / "two.tar.gz"
    one.write_bytes(packed({".manifest": manifest(roots=["dnspolicy"]), "p.rego": DATA_RULE}))
    two.write_bytes(packed({".manifest": manifest(roots=["site"]), "site/data.json": b'{"name": "bundled"}'}))

    async def story() -> None:
        async with running(line(one), line(two)) as rig:
            assert await rig.reason() == "bundled"

    asyncio.run(story())
    two.write_bytes(packed({".manifest": manifest(roots=["dnspolicy/site"]), "dnspolicy/site/data.json": b"{}"}))
    with pytest.raises(PolicyLoadError, match=r"two\.tar\.gz: its root 'dnspolicy/site' overlaps the root 'dnspolicy'"):
        Rig(line(one), line(two))


def test_nothing_is_decided_before_the_first_bundle(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as server, running(line(server.url)) as rig:
            assert await rig.reason() == NOT_YET
            assert rig.supply.engine.not_ready() == f"bundle {server.url} is not here yet"  # type: ignore[attr-defined]
            assert "no policy yet" in rig.supply.announcement()
            await until(lambda: 503 in server.answered)
            server.serve(bundle("one"))
            await rig.comes_to("one")
            assert rig.supply.engine.not_ready() is None  # type: ignore[attr-defined]
            assert rig.changes == 1

    asyncio.run(story())


def test_beside_a_policy_in_force_a_bundle_must_come(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as server:
            rig = Rig(line(server.url), here=False)
            with pytest.raises(PolicyLoadError, match=r"is not here yet\nbundle http.*: status 503"):
                await rig.supply.settle()
            await rig.supply.stop()
            server.serve(bundle("one"))
            rig = Rig(line(server.url), here=False)
            await rig.supply.settle()
            assert await rig.reason() == "one"
            await rig.supply.stop()

    asyncio.run(story())


async def away(server: BundleServer) -> None:
    await server.stop()


async def status(server: BundleServer) -> None:
    server.serve(bundle("two"), Fault.STATUS)


async def half(server: BundleServer) -> None:
    server.serve(bundle("two"), Fault.HALF)


async def slow(server: BundleServer) -> None:
    server.serve(bundle("two"), Fault.SLOW)


async def garbage(server: BundleServer) -> None:
    server.serve(b"<html>")


async def broken(server: BundleServer) -> None:
    server.serve(packed({"p.rego": b"package dnspolicy\n\ndecision := \n"}))


async def others(server: BundleServer) -> None:
    server.serve(packed({".manifest": manifest(roots=["other"]), "p.rego": rule("two")}))


FAULTS = {
    "away": (away, "unreachable"),
    "status": (status, "status"),
    "half": (half, "bad_reply"),
    "slow": (slow, "timeout"),
    "garbage": (garbage, "bad_document"),
    "broken policy": (broken, "bad_document"),
    "roots": (others, "bad_document"),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_in_force_stays_until_a_good_one_comes(
    fault: Callable[[BundleServer], Awaitable[None]], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with serving(bundle("one")) as server, running(line(server.url, timeout=Duration(0.5))) as rig:
            await rig.comes_to("one")
            await fault(server)
            failures = "dnspolicy_policy_bundle_failures_total"
            await until(lambda: rig.value(failures).get((server.url, reason), 0) >= 2)
            assert await rig.reason() == "one"
            assert rig.refused == (1 if reason == "bad_document" else 0)
            if fault is away:
                await server.start()
            server.serve(bundle("three"))
            await rig.comes_to("three")

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == len(set(texts))


def test_what_did_not_change_is_not_sent_again() -> None:
    async def story() -> None:
        async with serving(bundle("one")) as server, running(line(server.url)) as rig:
            await rig.comes_to("one")
            await until(lambda: server.answered.count(304) >= 2)
            assert server.answered.count(200) == 1
            assert rig.changes == 1

    asyncio.run(story())


def test_a_server_that_holds_requests_is_asked_at_once_and_never_in_a_circle() -> None:
    async def story() -> None:
        async with serving(bundle("one"), holds=True) as server:
            async with running(line(server.url, wait=Duration(30.0))) as rig:
                await rig.comes_to("one")
                server.serve(bundle("two"))
                await rig.comes_to("two")
                assert server.answered == [200, 200]
            server.serve(bundle("three"))

    asyncio.run(story())


def test_the_token_is_sent(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")

    async def story() -> None:
        async with serving(bundle("one")) as server, running(line(server.url, token_file=str(token))) as rig:
            await rig.comes_to("one")
            assert server.tokens == {"Bearer s3cret"}

    asyncio.run(story())


def test_the_copy_on_disk_serves_while_the_server_is_away(tmp_path: Path, key: BundleKey) -> None:
    keep = tmp_path / "keep"

    async def story() -> None:
        async with serving(signed("one")) as server:
            options = {"key": (key,), "keep": str(keep)}
            async with running(line(server.url, **options)) as rig:
                await rig.comes_to("one")
                await until(lambda: bool(list(keep.glob("*.body"))))
                server.serve(bundle("not signed"))
                await until(lambda: rig.refused == 1)
            await server.stop()
            async with running(line(server.url, **options)) as rig:
                assert await rig.reason() == "one"
                await server.start()
                server.serve(signed("two"))
                await rig.comes_to("two")

    asyncio.run(story())


def test_who_keeps_nothing_reads_the_copy_and_leaves_it(tmp_path: Path, key: BundleKey) -> None:
    keep = tmp_path / "keep"

    async def story() -> None:
        async with serving(signed("one")) as server:
            options = {"key": (key,), "keep": str(keep)}
            async with running(line(server.url, **options)) as rig:
                await rig.comes_to("one")
                await until(lambda: (keep / "copy.json").exists())
            before = {path.name: path.read_bytes() for path in keep.iterdir()}
            async with running(line(server.url, **options), keeps=False) as rig:
                assert await rig.reason() == "one"
                for reason in ("two", "three"):  # what would be kept of one is, before the next is asked for
                    server.serve(signed(reason))
                    await rig.comes_to(reason)
            assert {path.name: path.read_bytes() for path in keep.iterdir()} == before

    asyncio.run(story())


@pytest.mark.parametrize("how", ["damaged", "another key"])
def test_a_copy_on_disk_is_checked_like_any_other(tmp_path: Path, key: BundleKey, how: str) -> None:
    keep = tmp_path / "keep"

    async def story() -> None:
        async with serving(signed("one")) as server:
            options = {"key": (key,), "keep": str(keep)}
            async with running(line(server.url, **options)) as rig:
                await rig.comes_to("one")
                await until(lambda: (keep / "copy.json").exists())
            await server.stop()
            if how == "damaged":
                body = next(keep.glob("*.body"))
                body.write_bytes(body.read_bytes()[:-1] + b"x")
            else:
                (tmp_path / "key.pem").write_bytes(public_pem(ec.generate_private_key(ec.SECP256R1())))
            async with running(line(server.url, **options)) as rig:
                assert await rig.reason() == NOT_YET

    asyncio.run(story())


def test_of_two_that_need_each_other_none_is_lost(tmp_path: Path) -> None:
    """A policy that cannot be without a function comes before the bundle that has it."""
    uses = packed(
        {
            ".manifest": manifest(roots=["dnspolicy"]),
            "p.rego": b"package dnspolicy\n\nimport data.own\n\n"
            b'decision := {"action": "allow", "rule": "r", "reason": own.name("x")}\n',
        }
    )
    has = packed({".manifest": manifest(roots=["own"]), "own.rego": b"package own\n\nname(x) := x\n"})
    empty = packed({".manifest": manifest(roots=["own"]), "own.rego": b"package own\n\nother := 1\n"})
    plain = packed({".manifest": manifest(roots=["dnspolicy"]), "p.rego": rule("plain")})

    async def story() -> None:
        async with serving(plain) as one, serving(empty) as two, running(line(one.url), line(two.url)) as rig:
            await rig.comes_to("plain")
            one.serve(uses)
            await until(lambda: rig.refused == 1)
            assert await rig.reason() == "plain"
            two.serve(has)
            await rig.comes_to("x")

    asyncio.run(story())


def test_documents_that_come_before_the_bundle_are_there_with_it() -> None:
    ruled = packed({".manifest": manifest(roots=["dnspolicy"]), "p.rego": DATA_RULE})
    filled = packed({"p.rego": DATA_RULE, "site/data.json": b'{"name": "bundled"}'})

    async def story() -> None:
        async with serving() as server, running(line(server.url), declared=(("site",),)) as rig:
            await rig.supply.feed({("site",): b'{"name": "fed"}'})
            assert await rig.reason() == NOT_YET
            server.serve(ruled)
            await rig.comes_to("fed")
            server.serve(filled)
            await until(lambda: rig.refused == 1)
            await rig.supply.feed({("site",): b'{"name": "fed again"}'})
            await rig.comes_to("fed again")

    asyncio.run(story())
