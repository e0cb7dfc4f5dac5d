"""The tables, as SQLite and PostgreSQL both have them. Times are seconds since 1970; JSON is decoded by the driver.

A tenant is a name without a foreign key: those of the settings are not in the table of tenants, and what a tenant said
outlives it until its retention is over.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

NAME = 64
"""Characters of a tenant's name."""
ID = 80
"""Characters of an id, of ours or a client's."""
LABEL = 256
"""Characters of what somebody else named: a user, a key's purpose."""


def _time(name: str, **more: Any) -> Column[float]:
    return Column(name, Double, **more)


meta = Table(
    "meta",
    metadata,
    Column("name", String(NAME), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""`revision`: raised by every change of what gateways keep in memory (tenants, keys, owners)."""

tenants = Table(
    "tenants",
    metadata,
    Column("name", String(NAME), primary_key=True),
    Column("tier", String(16), nullable=False),
    Column("weight", Double),
    Column("entitlement", Double, nullable=False),
    Column("ceiling", Double),
    Column("lending_limit", Double, nullable=False),
    Column("limits", JSON, nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("tenant", String(NAME), nullable=False, index=True),
    Column("label", String(LABEL), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    _time("created_at", nullable=False),
    _time("expires_at"),
    _time("revoked_at"),
    _time("last_used_at"),
)
"""`id` is the part of a key that may be shown; `digest` is the SHA-256 of the whole."""

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("key", String(ID)),
    Column("tenant", String(NAME), nullable=False),
    Column("user", String(LABEL)),
    Column("session", JSON, nullable=False),
    _time("created_at", nullable=False),
    _time("expires_at", nullable=False, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("tenant", String(NAME), nullable=False),
    Column("key", String(ID)),
    Column("user", String(LABEL)),
    Column("avatar", String(ID), nullable=False),
    Column("started_at", Double, nullable=False, index=True),
    _time("ended_at"),
    Index("ix_sessions_tenant_started", "tenant", "started_at"),
    Index("ix_sessions_tenant_user", "tenant", "user"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("session", String(ID), ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    _time("started_at", nullable=False),
    Column("user_text", Text, nullable=False),
    Column("answer_text", Text, nullable=False),
    Column("heard_text", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(NAME), nullable=False),
    Column("first_audio_ms", Integer),
    Column("duration_ms", Integer, nullable=False),
    Column("audio_ms", Integer, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
)

clips = Table(
    "clips",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("tenant", String(NAME), nullable=False),
    Column("key", String(ID)),
    Column("status", String(16), nullable=False),
    Column("progress", Integer, nullable=False),
    Column("request", JSON, nullable=False),
    Column("file", Text),
    Column("error", JSON(none_as_null=True)),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
    _time("expires_at"),
    Index("ix_clips_tenant_created", "tenant", "created_at"),
    Index("ix_clips_status", "status"),
)

avatars = Table(
    "avatars",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("tenant", String(NAME), nullable=False),
    _time("created_at", nullable=False),
)
"""Who owns an avatar of the library; those that are not here belong to all."""

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _time("at", nullable=False, index=True),
    Column("actor", String(LABEL), nullable=False),
    Column("action", String(NAME), nullable=False),
    Column("target", String(LABEL), nullable=False),
    Column("details", JSON, nullable=False),
    Column("address", String(NAME), nullable=False),
)
