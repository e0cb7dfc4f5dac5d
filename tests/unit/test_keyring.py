"""Keys of the store at the gateway: found, kept in memory, and forgotten when they end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from polytalk.config import ANYBODY, Settings, TenantSettings
from polytalk.dialogue.capacity.shares import Shares
from polytalk.errors import StoreLost
from polytalk.gateway.keyring import KeyRing
from polytalk.gateway.keys import ORDINARY, Principal
from polytalk.schedule.bank import Bank
from polytalk.store.store import Store
from tests.support.stores import Watch


@pytest.fixture
async def ring(store: Store, store_settings: Settings) -> KeyRing:
    made = KeyRing(store_settings, store, Shares(Bank(4.0, 0.0), {}, {}))
    store.opened.set()
    await made.look()
    return made


def watch_of(store: Store) -> Watch:
    assert isinstance(store.now, Watch)
    return store.now


def lose(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have the database fail until the returned function is called."""

    def lost(*_: Any) -> Any:
        raise StoreLost("gone")

    monkeypatch.setattr(store.database, "reading", lost)
    return monkeypatch.undo


async def test_the_door_is_shut_by_the_first_key_and_stays_shut(store: Store, ring: KeyRing) -> None:
    assert not await ring.exist()
    key, _ = await store.keys.create("default")
    await ring.look()
    assert await ring.exist()
    await store.keys.revoke(key.id)
    await ring.look()
    assert await ring.exist()


async def test_a_key_is_its_tenants_with_its_scopes(store: Store, ring: KeyRing) -> None:
    await store.tenants.add(TenantSettings(name="acme", tier="vip"))
    plain, value = await store.keys.create("acme")
    few, few_value = await store.keys.create("default", scopes=("admin", "chat"))
    _, orphan = await store.keys.create("nobody")
    await ring.look()
    assert ring.recall(value) == await ring.find(value), "it is known before it is used"
    assert await ring.find(value) == Principal(TenantSettings(name="acme", tier="vip"), plain.id, ORDINARY)
    assert ring.recall(value) is not None
    assert await ring.find(few_value) == Principal(ANYBODY, few.id, frozenset({"admin", "chat"}))
    for other in (orphan, "nonsense", value[:-1], few_value[:-1] + "?"):
        assert await ring.find(other) is None
        assert ring.recall(other) is None


async def test_a_key_that_is_known_ends_when_it_is_revoked_or_its_time_is_over(store: Store, ring: KeyRing) -> None:
    watch = watch_of(store)
    key, value = await store.keys.create("default", lifetime=100.0)
    _, secret = await store.secrets.create("default", key.id, None, {}, 60.0)
    other, other_value = await store.keys.create("default")
    await ring.look()
    assert all([await ring.find(one) for one in (value, secret, other_value)])
    watch.time += 61.0
    assert [ring.recall(one) is not None for one in (value, secret, other_value)] == [True, False, True]
    watch.time += 40.0
    assert (ring.recall(value), await ring.find(value)) == (None, None)
    await store.keys.revoke(other.id)
    assert ring.recall(other_value), "for as long as nobody looked"
    await ring.look()
    assert (ring.recall(other_value), await ring.find(other_value)) == (None, None)


async def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_kept(
    store: Store, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, value = await store.keys.create("default")
    await ring.look()
    find = store.keys.find

    async def late(token: str) -> Any:
        found = await find(token)
        await store.keys.revoke(key.id)
        await ring.look()
        return found

    monkeypatch.setattr(store.keys, "find", late)
    assert await ring.find(value), "it was good when it was asked for"
    assert ring.recall(value) is None


async def test_keys_beyond_those_that_are_read_at_once_are_found_when_they_are_used(
    store: Store, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polytalk.gateway.keyring.AT_ONCE", 2)
    monkeypatch.setattr("polytalk.gateway.keyring.KNOWN", 3)
    watch = watch_of(store)
    values = []
    for _ in range(5):
        values.append((await store.keys.create("default"))[1])
        watch.time += 1.0
    await ring.look()
    assert [ring.recall(value) is not None for value in values] == [False, False, False, True, True]
    assert all([await ring.find(value) for value in values])
    assert sum(ring.recall(value) is not None for value in values) == 3


async def test_a_client_secret_opens_conversations_only_and_no_longer_than_its_key(store: Store, ring: KeyRing) -> None:
    watch = watch_of(store)
    key, _ = await store.keys.create("default", lifetime=30.0)
    preset = {"instructions": "Be brief."}
    _, secret = await store.secrets.create("default", key.id, "ann", preset, 600.0)
    await ring.look()
    found = await ring.find(secret)
    assert found == Principal(ANYBODY, key.id, frozenset({"realtime"}), "ann", preset, ephemeral=True)
    watch.time += 31.0
    assert (ring.recall(secret), await ring.find(secret)) == (None, None)


async def test_while_the_database_is_lost_known_keys_open_for_the_time_of_grace(
    store: Store, ring: KeyRing, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_of(store)
    _, known = await store.keys.create("default")
    _, secret = await store.secrets.create("default", None, None, {}, 5_000.0)
    await ring.look()
    await ring.find(secret)
    await store.tenants.add(TenantSettings(name="acme"))
    await ring.look()
    assert ring.recall(secret), "a change elsewhere is no reason to forget it"
    _, unknown = await store.keys.create("default")
    come_back = lose(store, monkeypatch)
    watch.time += store_settings.store.grace_seconds
    assert ring.recall(known), "though it was never used here"
    assert ring.recall(secret)
    assert await ring.exist()
    with pytest.raises(StoreLost):
        await ring.look()
    assert store.wrong == "gone"
    with pytest.raises(StoreLost):
        await ring.find(unknown)
    watch.time += 1.0
    assert ring.recall(known) is None
    come_back()
    await ring.look()
    assert ring.recall(known)
    assert store.wrong is None


@pytest.mark.looptime
async def test_while_it_is_not_known_whether_there_are_keys_nobody_is_let_in() -> None:
    store = Store(Settings())
    ring = KeyRing(Settings(), store, Shares(Bank(4.0, 0.0), {}, {}))
    with pytest.raises(StoreLost, match="not opened yet"):
        await ring.exist()
    await store.close()


async def test_tenants_of_the_store_get_their_shares_and_those_of_the_settings_count_more(store: Store) -> None:
    acme = TenantSettings(name="acme", entitlement=1.0, token=SecretStr("word"))
    bank = Bank(4.0, 0.0)
    ring = KeyRing(Settings(tenants=(acme,)), store, Shares(bank, {}, {}))
    await store.tenants.add(TenantSettings(name="acme", entitlement=3.0))
    await store.tenants.add(TenantSettings(name="blog", entitlement=2.0))
    await ring.look()
    assert {name: bank.accounts[name].entitlement for name in ("acme", "blog")} == {"acme": 1.0, "blog": 2.0}
    assert ring.recall("word") == Principal(acme)
    await store.tenants.remove("blog")
    await ring.look()
    assert bank.accounts["blog"].entitlement == 0.0


async def test_when_a_key_was_last_used_is_written_once_in_a_while(store: Store, ring: KeyRing) -> None:
    watch = watch_of(store)
    key, value = await store.keys.create("default")
    await ring.look()
    await ring.find(value)
    for _ in range(100):
        watch.time += 1.0
        ring.recall(value)
    assert store.writer.waiting == 0
    async with ring.running():
        await asyncio.sleep(0)
    assert store.writer.waiting == 1
    await store.writer.drain(5.0)
    assert (await store.keys.get(key.id)).last_used_at == watch.time
