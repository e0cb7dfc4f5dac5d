"""Tenants, keys, client secrets, owners, and what operators did."""

import pytest

from polytalk.config import TenantSettings
from polytalk.errors import BadInput
from polytalk.store.store import Store
from tests.support.stores import Watch


async def test_a_key_is_found_by_its_value_and_kept_as_a_digest_only(store: Store) -> None:
    assert not await store.keys.exist()
    key, value = await store.keys.create("acme", "the shop", ("chat", "audio"))
    assert await store.keys.find(value) == key
    assert (key.tenant, key.label, key.scopes, key.expires_at) == ("acme", "the shop", ("chat", "audio"), None)
    assert await store.keys.exist()
    for other in ("", "nonsense", value[:-1] + ("A" if value[-1] != "A" else "B"), key.id):
        assert await store.keys.find(other) is None
    async with store.database.reading() as connection:
        rows = str((await connection.exec_driver_sql("SELECT * FROM keys")).all())
    assert value not in rows
    assert value.removeprefix(key.id) not in rows


async def test_a_key_ends_when_its_time_is_over(store: Store) -> None:
    watch = store.now
    assert isinstance(watch, Watch)
    key, value = await store.keys.create("acme", lifetime=60.0)
    watch.time += 59.9
    assert key.valid(watch())
    watch.time += 0.1
    found = await store.keys.find(value)
    assert found is not None
    assert not found.valid(watch())


async def test_a_revoked_key_is_over_and_so_are_its_client_secrets_but_the_door_stays_shut(store: Store) -> None:
    key, value = await store.keys.create("acme")
    _, ephemeral = await store.secrets.create("acme", key.id, None, {}, 60.0)
    assert await store.secrets.find(ephemeral)
    revoked = await store.keys.revoke(key.id)
    assert not revoked.valid(store.now())
    assert await store.keys.find(value) == revoked
    assert await store.secrets.find(ephemeral) is None
    assert await store.keys.exist()
    with pytest.raises(BadInput, match="there is no key 'pt_none'"):
        await store.keys.revoke("pt_none")


async def test_a_rotated_key_lives_beside_the_new_one_for_the_overlap(store: Store) -> None:
    watch = store.now
    assert isinstance(watch, Watch)
    old, old_value = await store.keys.create("acme", "shop", ("chat",), lifetime=1000.0)
    new, new_value = await store.keys.rotate(old.id, overlap=60.0)
    assert (new.tenant, new.label, new.scopes, new.expires_at) == (old.tenant, old.label, old.scopes, old.expires_at)
    watch.time += 61.0
    found = {value: await store.keys.find(value) for value in (old_value, new_value)}
    assert [key is not None and key.valid(watch()) for key in found.values()] == [False, True]
    with pytest.raises(BadInput, match="revoked or expired"):
        await store.keys.rotate(old.id)


async def test_a_client_secret_keeps_what_it_presets(store: Store) -> None:
    session = {"type": "realtime", "instructions": "用中文回答", "audio": {"output": {"speed": 1.25}}}
    kept, value = await store.secrets.create("acme", None, "user-7", session, 600.0)
    assert value.startswith("ek_")
    assert await store.secrets.find(value) == kept
    assert (kept.session, kept.user, kept.expires_at - kept.created_at) == (session, "user-7", 600.0)
    key, _ = await store.keys.create("acme")
    assert await store.secrets.find(key.id) is None


async def test_what_gateways_keep_in_memory_has_a_revision(store: Store) -> None:
    seen = [await store.revision()]
    key, _ = await store.keys.create("acme")
    seen.append(await store.revision())
    await store.secrets.create("acme", key.id, None, {}, 60.0)
    assert await store.revision() == seen[-1], "a client secret is known to nobody yet"
    await store.keys.revoke(key.id)
    seen.append(await store.revision())
    await store.tenants.add(TenantSettings(name="acme"))
    seen.append(await store.revision())
    await store.owners.claim("ann", "acme")
    seen.append(await store.revision())
    assert seen == sorted(set(seen))


async def test_tenants_are_added_changed_and_removed_with_their_keys(store: Store) -> None:
    acme = TenantSettings(name="acme", tier="vip", entitlement=0.5, weight=2.0, limits={"requests_per_minute": 60.0})
    await store.tenants.add(acme)
    await store.tenants.add(TenantSettings(name="blog"))
    assert await store.tenants.all() == [acme, TenantSettings(name="blog")]
    with pytest.raises(BadInput) as taken:
        await store.tenants.add(acme)
    assert taken.value.detail == "tenant_exists"
    changed = acme.model_copy(update={"ceiling": 1.5})
    await store.tenants.change(changed)
    assert await store.tenants.get("acme") == changed
    _, value = await store.keys.create("acme")
    await store.tenants.remove("acme")
    assert await store.keys.find(value) is None
    for gone in (store.tenants.get, store.tenants.remove):
        with pytest.raises(BadInput, match="there is no tenant 'acme'"):
            await gone("acme")


async def test_a_tenant_that_this_version_can_not_take_is_left_out_and_harms_no_other(store: Store) -> None:
    await store.tenants.add(TenantSettings(name="acme"))
    await store.tenants.add(TenantSettings(name="blog"))
    async with store.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE tenants SET tier = 'gold' WHERE name = 'acme'")
    assert [tenant.name for tenant in await store.tenants.all()] == ["blog"]
    with pytest.raises(BadInput, match="'acme' has terms that this version can't take: tier"):
        await store.tenants.get("acme")


async def test_an_avatar_has_one_owner_until_it_is_forgotten(store: Store) -> None:
    assert await store.owners.claim("ann", "acme")
    assert not await store.owners.claim("ann", "acme")
    with pytest.raises(BadInput) as taken:
        await store.owners.claim("ann", "blog")
    assert taken.value.detail == "avatar_exists"
    assert await store.owners.all() == {"ann": "acme"}
    await store.owners.forget("ann")
    assert await store.owners.claim("ann", "blog")


async def test_what_operators_did_is_listed_newest_first_and_goes_with_its_time(store: Store) -> None:
    watch = store.now
    assert isinstance(watch, Watch)
    for number in range(3):
        await store.audit.note("cli:ann", "key.create", f"pt_{number}", {"tenant": "acme"}, "10.0.0.1")
        watch.time += 10.0
    acts = await store.audit.page()
    assert [act.target for act in acts] == ["pt_2", "pt_1", "pt_0"]
    assert (acts[0].actor, acts[0].action, acts[0].details, acts[0].address) == (
        "cli:ann",
        "key.create",
        {"tenant": "acme"},
        "10.0.0.1",
    )
    assert [act.target for act in await store.audit.page(before=acts[0].id, limit=1)] == ["pt_1"]
    assert await store.audit.purge(25.0) == 1
    assert len(await store.audit.page()) == 2
