"""Tenants that operators add while the server runs; those of the settings are not here."""

import logging
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from polytalk.config import TenantSettings
from polytalk.errors import BadInput
from polytalk.store import tables
from polytalk.store.base import Part, changed

log = logging.getLogger(__name__)

FIELDS = ("name", "tier", "weight", "entitlement", "ceiling", "lending_limit", "limits")


class Tenants(Part):
    """Adds, changes and removes them."""

    async def all(self) -> list[TenantSettings]:
        """By name. Raises StoreLost."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(tables.tenants).order_by(tables.tenants.c.name))
            found = rows.mappings().all()
        tenants = []
        for row in found:
            try:
                tenants.append(_tenant(row))
            except BadInput as error:  # of another version; its keys open nothing until that is mended
                log.warning("%s", error.message)
        return tenants

    async def get(self, name: str) -> TenantSettings:
        """Raises BadInput, StoreLost."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(tables.tenants).where(tables.tenants.c.name == name))
            row = found.mappings().first()
        if row is None:
            raise _unknown(name)
        return _tenant(row)

    async def add(self, tenant: TenantSettings) -> None:
        """Raises BadInput when the name is taken, StoreLost."""
        now = self._now()
        try:
            async with self._database.writing() as connection:
                row = _values(tenant) | {"created_at": now, "updated_at": now}
                await connection.execute(insert(tables.tenants).values(row))
                await changed(connection)
        except IntegrityError:
            raise BadInput(f"there is a tenant {tenant.name!r} already", code="tenant_exists", param="name") from None

    async def change(self, tenant: TenantSettings) -> None:
        """Take it as it now is. Raises BadInput when there is none of its name, StoreLost."""
        async with self._database.writing() as connection:
            row = _values(tenant) | {"updated_at": self._now()}
            done = await connection.execute(
                update(tables.tenants).where(tables.tenants.c.name == tenant.name).values(row)
            )
            if done.rowcount == 0:
                raise _unknown(tenant.name)
            await changed(connection)

    async def remove(self, name: str) -> None:
        """With its keys and client secrets; what it said and made goes with its time. Raises BadInput, StoreLost."""
        async with self._database.writing() as connection:
            done = await connection.execute(delete(tables.tenants).where(tables.tenants.c.name == name))
            if done.rowcount == 0:
                raise _unknown(name)
            for table in (tables.keys, tables.client_secrets):
                await connection.execute(delete(table).where(table.c.tenant == name))
            await changed(connection)


def _values(tenant: TenantSettings) -> dict[str, Any]:
    return {name: getattr(tenant, name) for name in FIELDS}


def _tenant(row: RowMapping) -> TenantSettings:
    try:
        return TenantSettings(**{name: row[name] for name in FIELDS})
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BadInput(f"the tenant {row['name']!r} has terms that this version can't take: {what}") from None


def _unknown(name: str) -> BadInput:
    return BadInput(f"there is no tenant {name[:80]!r}", code="tenant_not_found", param="tenant")
