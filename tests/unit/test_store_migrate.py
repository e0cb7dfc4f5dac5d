"""The tables: made, checked, and made by two at once."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Connection, text

from polytalk.config import Settings, StoreSettings
from polytalk.errors import ConfigError, StoreLost
from polytalk.store import migrate
from polytalk.store.database import Database
from polytalk.store.store import Store
from polytalk.store.tables import metadata


async def empty(database: Database) -> None:
    """Take everything away that is there."""
    async with database.writing() as connection:
        if database.sqlite:
            await connection.run_sync(metadata.drop_all)
            await connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        else:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))


async def test_two_gateways_that_start_together_make_the_tables_once(store_settings: Settings) -> None:
    stores = [Store(store_settings), Store(store_settings)]
    await empty(stores[0].database)
    outcomes = await asyncio.gather(*(migrate.upgrade(store.database) for store in stores))
    assert sorted(outcomes, key=str) == [(migrate.HEAD, migrate.HEAD), (None, migrate.HEAD)]
    assert await migrate.upgrade(stores[0].database) == (migrate.HEAD, migrate.HEAD)
    for store in stores:
        assert await store.keys.all() == []
        await store.close()


async def test_the_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with store.database.reading() as connection:
        assert await migrate.current(connection) == migrate.HEAD
        assert await connection.run_sync(compare) == []


async def test_a_database_of_a_newer_version_is_left_alone(store: Store) -> None:
    for version in ("9999", migrate.HEAD):
        async with store.database.writing() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        if version != migrate.HEAD:
            with pytest.raises(ConfigError, match="can't be brought to version"):
                await migrate.upgrade(store.database)


async def test_a_database_that_is_not_there_is_lost_and_not_a_crash() -> None:
    for url in (
        "postgresql://nobody:hush@127.0.0.1:1/none",
        "postgresql://nobody:hush@127.0.0.1:5432/no_such_database",
    ):
        store = Store(Settings(store=StoreSettings(url=url)))
        with pytest.raises(StoreLost) as lost:
            await store.open()
        assert "hush" not in f"{lost.value} {store.database}"
        await store.close()


async def test_connections_that_were_cut_are_made_anew_and_ssl_is_named_as_elsewhere(postgres: str) -> None:
    store = Store(Settings(store=StoreSettings(url=SecretStr(f"{postgres}?sslmode=disable"))))
    await store.open()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with pytest.raises(StoreLost):
        async with store.database.reading() as connection:
            await connection.execute(text(f"{cut} AND application_name = 'polytalk'"))
    assert await store.keys.all() is not None
    await store.close()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "", "postgresql:/"])
def test_a_url_that_can_not_be_used_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        Database(url)


async def test_a_folder_that_can_not_be_written_is_named() -> None:
    with pytest.raises(ConfigError, match=r"/proc/nowhere.*set store\.url or data_folder"):
        Database("sqlite:////proc/nowhere/store.db")
