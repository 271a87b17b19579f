"""A real cluster that changes while its pods ask."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import NETWORK
from tests.contract.clusters import namespace, pod, service
from tests.e2e.process import eventually
from tests.peers.find import find
from tests.real.cluster import PROGRAMS, RealCluster
from tests.real.history import History
from tests.real.pods import Askers, Noted, Question, ask
from tests.real.rolling import BLUE, NOBODY, RED, Rolling
from tests.real.serving import ADDRESS, dns_server

pytestmark = pytest.mark.real(NETWORK, *PROGRAMS)

MOST_LATE = 1.0
"""Seconds after which a change that was committed must be in every answer."""
AWAY = float(os.environ.get("API_AWAY_SECONDS", "10"))
"""How long the API server is dead; 30 is what was promised, 10 is what a run has time for."""
SIZE = 5_000


@pytest.fixture
def tenants(real_cluster: RealCluster) -> Iterator[RealCluster]:
    """Two tenants: each has a namespace, a service `home`, and a pod that stays (10.1.0.1 and 10.2.0.1)."""
    control = real_cluster.control
    for space, ip, home in ((RED, "10.1.0.1", "10.96.1.1"), (BLUE, "10.2.0.1", "10.96.2.1")):
        control.put(namespace(space))
        control.put(pod(space, "stays", ip))
        control.put(service(space, "home", home))
    yield real_cluster
    for space in (RED, BLUE):
        control.empty(space)


def home(space: str) -> str:
    return f"home.{space}.svc.cluster.local"


def seen(source: str, name: str) -> tuple[str, frozenset[str]]:
    noted = ask(ADDRESS, Question(source, name))
    return noted.code, noted.addresses


def test_tenants_see_what_is_theirs(tenants: RealCluster, tmp_path: Path) -> None:
    with dns_server(tenants, tmp_path):
        assert seen("10.1.0.1", home(RED)) == ("NOERROR", {"10.96.1.1"})
        assert seen("10.2.0.1", home(BLUE)) == ("NOERROR", {"10.96.2.1"})
        assert seen("10.2.0.1", home(RED)) == ("NXDOMAIN", frozenset())
        assert seen("10.3.0.1", home(RED)) == ("NXDOMAIN", frozenset())


def test_who_gets_an_address_is_judged_as_himself(tenants: RealCluster, tmp_path: Path) -> None:
    """An address goes back and forth between tenants, slowly enough that old answers cannot pass for new ones."""
    control, owner = tenants.control, History(RED)
    control.put(pod(RED, "roams", "10.4.0.1"))
    with dns_server(tenants, tmp_path):
        eventually(lambda: seen("10.4.0.1", home(RED))[0] == "NOERROR")
        with Askers(ADDRESS, lambda: Question("10.4.0.1", random.choice((home(RED), home(BLUE))))) as askers:
            for space, other in ((BLUE, RED), (RED, BLUE)) * 3:
                owner.become(NOBODY, lambda other=other: control.remove("Pod", other, "roams"))
                owner.become(space, lambda space=space: control.put(pod(space, "roams", "10.4.0.1")))
                time.sleep(1.5 * MOST_LATE)
        assert_all_answered(askers.noted)
        late = [_lateness_of_verdict(noted, owner) for noted in askers.noted]
        assert max(late) <= MOST_LATE
        assert {noted.code for noted in askers.noted} == {"NOERROR", "NXDOMAIN"}


def _lateness_of_verdict(noted: Noted, owner: History[str]) -> float:
    """By whom the question would have been answered so, how long ago."""
    asked = RED if RED in noted.question.name else BLUE
    others = {RED, BLUE, NOBODY} - {asked}
    fitting = {asked} if noted.code == "NOERROR" else others
    return min(owner.lateness(who, noted.sent, noted.received) for who in fitting)


def assert_all_answered(noted: list[Noted]) -> None:
    lost = [one for one in noted if not one.code]
    assert len(noted) > 20
    assert not lost, f"{len(lost)} of {len(noted)} queries lost"


@contextlib.contextmanager
def dnsperf(folder: Path, *names: str) -> Iterator[Callable[[], str]]:
    """A steady load of questions from a pod that stays; call what comes for the report at the end."""
    questions = folder / "questions"
    questions.write_text("".join(f"{name} A\n" for name in names))
    words = ["-s", ADDRESS, "-a", "10.1.0.1", "-d", str(questions), "-Q", "300", "-c", "4", "-l", "120"]
    with (folder / "dnsperf.log").open("w+") as log:
        load = subprocess.Popen([str(find("dnsperf")), *words], stdout=log, stderr=log)

        def report() -> str:
            load.send_signal(signal.SIGINT)
            load.wait(20)
            return (folder / "dnsperf.log").read_text()

        try:
            yield report
        finally:
            load.kill()
            load.wait()


def assert_none_lost(report: str) -> None:
    sent, lost = (int(re.search(rf"Queries {what}: +(\d+)", report)[1]) for what in ("sent", "lost"))
    assert (sent > 100, lost) == (True, 0), report


@pytest.mark.real("dnsperf")
def test_pods_are_replaced_while_they_ask(tenants: RealCluster, tmp_path: Path) -> None:
    """500 of them: no wrong answer, none that is late by more than a second, none lost."""
    rolling = Rolling(tenants)
    rolling.fill()
    names = list(rolling.pods)

    def choose() -> Question:
        """A service from a pod that stays, or a tenant's home from a pod that may be another's by now."""
        if random.random() < 0.5:
            return Question("10.1.0.1", f"{random.choice(names)}.{RED}.svc.cluster.local")
        return Question(random.choice(list(rolling.owner)), home(random.choice((RED, BLUE))))

    with dns_server(tenants, tmp_path), dnsperf(tmp_path, home(RED), home(BLUE)) as report:
        with Askers(ADDRESS, choose) as askers:
            rolling.roll()
            time.sleep(MOST_LATE)
        assert_none_lost(report())
    assert_all_answered(askers.noted)
    worst = max(askers.noted, key=lambda noted: _lateness(noted, rolling))
    assert _lateness(worst, rolling) <= MOST_LATE, worst


def _lateness(noted: Noted, rolling: Rolling) -> float:
    host = noted.question.name.split(".", maxsplit=1)[0]
    if host in rolling.truth:
        return rolling.truth[host].lateness(noted.addresses, noted.sent, noted.received)
    return _lateness_of_verdict(noted, rolling.owner[noted.question.source])


@pytest.mark.real("dnsperf")
def test_the_api_server_dies_and_comes_back_without_history(tenants: RealCluster, tmp_path: Path) -> None:
    """Nobody notices while it is away; what has changed since counts a second after the index was heard of again."""
    control, owner = tenants.control, History(RED)
    control.put(pod(RED, "roams", "10.4.0.1"))
    with dns_server(tenants, tmp_path) as server, dnsperf(tmp_path, home(RED), home(BLUE)) as report:
        eventually(lambda: seen("10.4.0.1", home(RED))[0] == "NOERROR")
        with Askers(ADDRESS, lambda: Question("10.4.0.1", random.choice((home(RED), home(BLUE))))) as askers:
            tenants.kill()
            try:
                server.await_line("pods: ")
                time.sleep(AWAY)
                tenants.compact()
            finally:
                tenants.start()
            owner.become(NOBODY, lambda: control.remove("Pod", RED, "roams"))
            owner.become(BLUE, lambda: control.put(pod(BLUE, "roams", "10.4.0.1")))
            eventually(lambda: seen("10.4.0.1", home(BLUE))[0] == "NOERROR")
            heard = time.monotonic()
            time.sleep(MOST_LATE)
        assert_none_lost(report())
    assert_all_answered(askers.noted)
    after = [noted for noted in askers.noted if noted.sent > heard or noted.received < owner.states[1].began]
    assert {_lateness_of_verdict(noted, owner) for noted in after} == {0.0}


def test_a_big_cluster_is_loaded(big_cluster: RealCluster, tmp_path: Path) -> None:
    """5,000 services and 5,000 pods; all of a sample are answered, and known by their addresses."""
    control = big_cluster.control
    control.put(namespace(RED))
    control.put_all(service(RED, f"s{n}", numbered("10.100", n)) for n in range(SIZE))
    control.put_all(pod(RED, f"p{n}", numbered("10.8", n)) for n in range(SIZE))
    filled = time.monotonic()
    with dns_server(big_cluster, tmp_path):
        print(f"{SIZE} services and pods are loaded {time.monotonic() - filled:.1f} s after the start")
        for n in random.sample(range(SIZE), 200):
            found = seen(numbered("10.8", n), f"s{n}.{RED}.svc.cluster.local")
            assert found == ("NOERROR", {numbered("10.100", n)})


def numbered(network: str, n: int) -> str:
    return f"{network}.{n // 250}.{n % 250 + 1}"
