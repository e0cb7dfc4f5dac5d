"""Keys and client secrets in the database: by digest only."""

from typing import Any

from msgspec import Struct
from sqlalchemy import delete, exists, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from polytalk.errors import BadInput
from polytalk.store import secret, tables
from polytalk.store.base import Part, changed


class Key(Struct, frozen=True):
    """What is known of a key, without what opens."""

    id: str
    tenant: str
    label: str
    scopes: tuple[str, ...]
    """Empty: all that are not the operators'."""
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None
    """To the minute."""

    def valid(self, now: float) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ClientSecret(Struct, frozen=True):
    """What a client secret stands for."""

    id: str
    tenant: str
    key: str | None
    """By which it was made; it dies with that one."""
    user: str | None
    session: dict[str, Any]
    created_at: float
    expires_at: float


class KeyBook(Part):
    """Makes keys and finds them again."""

    async def exist(self) -> bool:
        """Whether any was ever made: a revoked one does not open the door to everybody. Raises StoreLost."""
        async with self._database.reading() as connection:
            return bool((await connection.execute(select(exists().select_from(tables.keys)))).scalar())

    async def create(
        self, tenant: str, label: str = "", scopes: tuple[str, ...] = (), lifetime: float | None = None
    ) -> tuple[Key, str]:
        """A new key, and its value, which nobody can be told again. `lifetime` in seconds. Raises StoreLost."""
        made, now = secret.make("pt"), self._now()
        until = None if lifetime is None else now + lifetime
        key = Key(made.id, tenant, label, scopes, now, until, None, None)
        async with self._database.writing() as connection:
            await connection.execute(insert(tables.keys).values(_row(key) | {"digest": made.digest}))
            await changed(connection)
        return key, made.value

    async def find(self, token: str) -> Key | None:
        """The key, valid or not any more; None for what is none. Raises StoreLost."""
        if (name := secret.id_of(token)) is None:
            return None
        async with self._database.reading() as connection:
            found = await connection.execute(select(tables.keys).where(tables.keys.c.id == name))
            row = found.mappings().first()
        return _key(row) if row is not None and secret.matches(token, row["digest"]) else None

    async def get(self, name: str) -> Key:
        """By id. Raises BadInput, StoreLost."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(tables.keys).where(tables.keys.c.id == name))
            row = found.mappings().first()
        if row is None:
            raise _unknown(name)
        return _key(row)

    async def all(self, tenant: str | None = None) -> list[Key]:
        """All, or a tenant's; the newest first. Raises StoreLost."""
        query = select(tables.keys).order_by(tables.keys.c.created_at.desc(), tables.keys.c.id)
        if tenant is not None:
            query = query.where(tables.keys.c.tenant == tenant)
        async with self._database.reading() as connection:
            return [_key(row) for row in (await connection.execute(query)).mappings()]

    async def valid(self, most: int) -> dict[str, Key]:
        """Those that open, by digest; of more than `most` those that were used last. Raises StoreLost."""
        table = tables.keys
        lasting = or_(table.c.expires_at.is_(None), table.c.expires_at > self._now())
        query = select(table).where(table.c.revoked_at.is_(None), lasting).limit(most)
        query = query.order_by(table.c.last_used_at.desc().nulls_last(), table.c.created_at.desc())
        async with self._database.reading() as connection:
            return {row["digest"]: _key(row) for row in (await connection.execute(query)).mappings()}

    async def revoke(self, name: str) -> Key:
        """It opens nothing any more, nor do client secrets that it made. Raises BadInput, StoreLost."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(tables.keys)
                .where(tables.keys.c.id == name, tables.keys.c.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )
            await connection.execute(delete(tables.client_secrets).where(tables.client_secrets.c.key == name))
            await changed(connection)
        return await self.get(name)

    async def rotate(self, name: str, overlap: float = 0.0) -> tuple[Key, str]:
        """A new key with the same tenant, label, scopes and end; the old one ends in `overlap` seconds.

        Raises BadInput for one that is over already, StoreLost.
        """
        old, made, now = await self.get(name), secret.make("pt"), self._now()
        if not old.valid(now):
            raise BadInput(f"the key {name!r} is revoked or expired; make a new one", code="key_not_valid", param="key")
        key = Key(made.id, old.tenant, old.label, old.scopes, now, old.expires_at, None, None)
        until = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
        async with self._database.writing() as connection:
            await connection.execute(insert(tables.keys).values(_row(key) | {"digest": made.digest}))
            await connection.execute(update(tables.keys).where(tables.keys.c.id == name).values(expires_at=until))
            await changed(connection)
        return key, made.value


class ClientSecrets(Part):
    """Makes client secrets and finds them again."""

    async def create(
        self, tenant: str, key: str | None, user: str | None, session: dict[str, Any], lifetime: float
    ) -> tuple[ClientSecret, str]:
        """A new one, good for `lifetime` seconds, and its value. Raises StoreLost."""
        made, now = secret.make("ek"), self._now()
        kept = ClientSecret(made.id, tenant, key, user, session, now, now + lifetime)
        row = {name: getattr(kept, name) for name in ClientSecret.__struct_fields__}
        async with self._database.writing() as connection:
            await connection.execute(insert(tables.client_secrets).values(row | {"digest": made.digest}))
        return kept, made.value

    async def find(self, token: str) -> ClientSecret | None:
        """The client secret, over or not; None for what is none. Raises StoreLost."""
        if (name := secret.id_of(token)) is None:
            return None
        table = tables.client_secrets
        async with self._database.reading() as connection:
            row = (await connection.execute(select(table).where(table.c.id == name))).mappings().first()
        if row is None or not secret.matches(token, row["digest"]):
            return None
        return ClientSecret(**{name: row[name] for name in ClientSecret.__struct_fields__})


def _row(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in Key.__struct_fields__} | {"scopes": list(key.scopes)}


def _key(row: RowMapping) -> Key:
    return Key(**{name: row[name] for name in Key.__struct_fields__} | {"scopes": tuple(row["scopes"])})


def _unknown(name: str) -> BadInput:
    return BadInput(f"there is no key {name[:80]!r}", code="key_not_found", param="key")
