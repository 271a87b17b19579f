"""Where entries are: bounds in number and bytes, and what a change takes away."""

from __future__ import annotations

import pytest
from cache_help import WEB, a, cluster, outside
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import from_text
from dnspolicy.plugins.cache.store import Entry, Key, Store


def key(number: int) -> Key:
    return (b"%d" % number, 1, 1, False, False)


def entry(number: int, answer: Answer) -> Entry:
    return Entry(key(number), from_text("www.lab.test"), answer, 60, 0.0, 60.0)


@pytest.mark.parametrize("capacity", [1, 10, 200])
def test_as_many_as_there_is_room_for(capacity: int) -> None:
    store = Store(capacity)
    evicted = 0
    for number in range(capacity * 2):
        evicted += store.put(entry(number, outside(a())))
        assert len(store) <= capacity
        assert store.get(key(number)) is not None
    assert capacity - capacity // 32 <= len(store) == 2 * capacity - evicted


def test_the_old_do_not_all_go_first() -> None:
    store = Store(1000)
    for number in range(2000):
        store.put(entry(number, outside(a())))
    assert any(store.get(key(number)) is not None for number in range(1000))
    assert any(store.get(key(number)) is None for number in range(1000, 2000))


def test_a_newer_answer_takes_the_place_of_the_older() -> None:
    store, newer = Store(10), entry(1, outside(a()))
    store.put(entry(1, outside(a())))
    assert store.put(newer) == 0
    assert (len(store), store.get(key(1))) == (1, newer)


def test_large_answers_count_by_their_bytes() -> None:
    many = outside(*(a(300, address=f"198.51.{n // 250}.{n % 250}") for n in range(1000)))
    store = Store(100)
    for number in range(50):
        store.put(entry(number, many))
    assert 1 < len(store) < 10


def test_an_answer_as_large_as_all_is_not_taken() -> None:
    store = Store(1)
    assert store.put(entry(1, outside(*[a()] * 6000))) == 0
    assert len(store) == 0


@given(st.lists(st.tuples(st.sampled_from(["put", "rest", "drop", "change"]), st.integers(0, 7)), max_size=60))
def test_what_is_there_is_what_was_put_last_and_not_taken_away(steps: list[tuple[str, int]]) -> None:
    store = Store(1000)
    model: dict[int, tuple[Entry, bool]] = {}
    for step, number in steps:
        if step in ("put", "rest"):
            made = entry(number, cluster(a()) if step == "rest" else outside(a()))
            store.put(made)
            model[number] = (made, step == "rest")
        elif step == "drop":
            store.drop(key(number))
            model.pop(number, None)
        else:
            store.changed(WEB)
            model = {n: kept for n, kept in model.items() if not kept[1]}
        assert len(store) == len(model)
        assert [store.get(key(n)) for n in range(8)] == [model[n][0] if n in model else None for n in range(8)]
