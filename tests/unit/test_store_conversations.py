"""What was said: kept, shown to whom it belongs, and deleted when it is to be."""

from typing import Any

import pytest

from polytalk.errors import BadInput
from polytalk.store.conversations import SessionRecord, TurnRecord, answered, began, ended
from polytalk.store.store import DAY, Store
from tests.support.stores import Watch


def turn(name: str, session: str, at: float, **more: Any) -> TurnRecord:
    said = {"user_text": "Who are you?", "answer_text": "I am Mira.", "heard_text": "I am", "status": "cancelled"}
    return TurnRecord(name, session, at, **{**said, **more})


async def fill(store: Store) -> None:
    """Three calls: two of acme's users, one of blog's."""
    watch = store.now
    assert isinstance(watch, Watch)
    for number, (tenant, user) in enumerate((("acme", "ann"), ("acme", "bob"), ("blog", "ann"))):
        name = f"sess_{number}"
        store.writer.put(began(SessionRecord(name, tenant, "mira", watch(), "pt_1", user)))
        store.writer.put(answered(turn(f"resp_{number}b", name, watch() + 2)))
        store.writer.put(answered(turn(f"resp_{number}a", name, watch() + 1, first_audio_ms=321, input_tokens=7)))
        store.writer.put(ended(name, watch() + 3))
        watch.time += 100.0
    await store.writer.drain(10.0)
    assert dict(store.writer.written) == {"session": 6, "turn": 6}


async def names(store: Store, **of: Any) -> list[str]:
    return [session.id for session in await store.conversations.page(**of)]


async def test_sessions_are_listed_newest_first_by_whom_they_belong_to(store: Store) -> None:
    await fill(store)
    assert await names(store) == ["sess_2", "sess_1", "sess_0"]
    assert await names(store, tenant="acme") == ["sess_1", "sess_0"]
    assert await names(store, tenant="acme", user="ann") == ["sess_0"]
    newest = (await store.conversations.page(limit=1))[0]
    assert await names(store, before=newest.started_at) == ["sess_1", "sess_0"]
    assert (newest.turns, newest.ended_at) == (2, newest.started_at + 3)


async def test_a_session_is_shown_with_its_turns_in_order_and_to_no_other_tenant(store: Store) -> None:
    await fill(store)
    session, turns = await store.conversations.show("sess_0", "acme")
    assert (session.user, session.key, session.turns) == ("ann", "pt_1", 2)
    assert [one.id for one in turns] == ["resp_0a", "resp_0b"]
    assert turns[0] == turn("resp_0a", "sess_0", 1_000_001.0, first_audio_ms=321, input_tokens=7)
    for name, tenant in (("sess_0", "blog"), ("sess_9", None)):
        with pytest.raises(BadInput) as none:
            await store.conversations.show(name, tenant)
        assert none.value.detail == "session_not_found"


async def test_what_is_deleted_is_gone_with_its_turns_and_does_not_come_back(store: Store) -> None:
    await fill(store)
    assert await store.conversations.delete(user="ann", tenant="acme") == 1
    assert await names(store) == ["sess_2", "sess_1"]
    assert await store.conversations.delete(session="sess_1", tenant="blog") == 0
    assert await store.conversations.delete(session="sess_1") == 1
    store.writer.put(answered(turn("resp_late", "sess_1", 1.0)))
    await store.writer.drain(10.0)
    assert (store.writer.failed["turn"], store.writer.waiting) == (1, 0)
    async with store.database.reading() as connection:
        left = (await connection.exec_driver_sql("SELECT DISTINCT session FROM turns")).scalars().all()
    assert left == ["sess_2"]
    with pytest.raises(ValueError, match="name what to delete"):
        await store.conversations.delete()


async def test_what_is_past_its_time_goes(store: Store) -> None:
    await fill(store)
    watch = store.now
    assert isinstance(watch, Watch)
    watch.time = 1_000_000.0 + 30 * DAY + 150.0
    _, value = await store.secrets.create("acme", None, None, {}, -1.0)
    await store.purge()
    assert await names(store) == ["sess_2"]
    assert await store.secrets.find(value) is None


async def test_texts_that_a_database_can_not_keep_are_kept_without_what_it_can_not(store: Store) -> None:
    store.writer.put(began(SessionRecord("sess_x", "acme", "mira", 5.0, user="a\0b")))
    store.writer.put(answered(turn("resp_x", "sess_x", 5.0, user_text="one\0two 你好 🙂")))
    await store.writer.drain(10.0)
    session, (one,) = await store.conversations.show("sess_x")
    assert (session.user, one.user_text) == ("ab", "onetwo 你好 🙂")


async def test_a_write_that_is_refused_takes_no_other_with_it(store: Store) -> None:
    store.writer.put(began(SessionRecord("sess_1", "acme", "mira", 1.0)))
    store.writer.put(answered(turn("resp_1", "sess_none", 1.0)))
    store.writer.put(began(SessionRecord("sess_2", "x" * 10_000, "mira", 2.0)))  # longer than PostgreSQL takes
    store.writer.put(began(SessionRecord("sess_3", "acme", "mira", 3.0)))
    await store.writer.drain(10.0)
    assert set(await names(store)) >= {"sess_1", "sess_3"}
    assert store.writer.failed["turn"] == 1
    assert store.writer.waiting == 0
