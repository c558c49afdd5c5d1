"""The tables. Definitions only: queries are in the repositories.

Every table that belongs to a user leads with `user_id`, in its primary key and its indexes; it is the
isolation between users, and the column by which PostgreSQL could be spread over machines. The exceptions are
the look-ups by which a user is found in the first place (e-mail, Google's account id, ids of keys, sessions
and feeds, hashes of tickets and states), the index by which replicas find due calendars, and the tables in
`NOBODYS`, whose rows belong to no user.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
)

from persistence.types import CleanText, Id, JsonText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _owner() -> Column[Any]:
    return Column("user_id", Id(), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


users = Table(
    "users",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True, comment="the e-mail in one case"),
    Column("name", Text),
    Column("last_seq", BigInteger, nullable=False, comment="the last sequence number given to a slot"),
    Column(
        "forgotten_seq",
        BigInteger,
        nullable=False,
        comment="the highest one of a deleted slot that was purged",
    ),
    Column("created_at", UtcDateTime, nullable=False),
    Column("email_proven", Boolean, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Index("uq_api_keys_id", "id", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("previous_hash", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("rotated_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Index("uq_sessions_id", "id", unique=True),
)

feeds = Table(
    "feeds",
    metadata,
    _owner(),
    Column("id", Id(), nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
)

oauth_flows = Table(
    "oauth_flows",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("ticket_hash", Text, nullable=False, unique=True),
    Column("state_hash", Text, nullable=False, unique=True),
    Column("browser_hash", Text),
    Column("code_verifier", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("return_to", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

sign_in_flows = Table(
    "sign_in_flows",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("state_hash", Text, nullable=False, unique=True),
    Column("browser_hash", Text, nullable=False),
    Column("code_verifier", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("return_to", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

key_canaries = Table(
    "key_canaries",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("sealed", Text, nullable=False, comment="encrypted"),
    Column("created_at", UtcDateTime, nullable=False),
)

NOBODYS = frozenset({sign_in_flows.name, key_canaries.name})
"""Tables whose rows belong to no user."""

google_accounts = Table(
    "google_accounts",
    metadata,
    _owner(),
    Column("subject", Text, nullable=False, index=True),
    Column("email", CleanText, nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("status", Text, nullable=False),
    Column("refresh_token", Text, comment="encrypted"),
    Column("linked_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
)

calendar_sync_states = Table(
    "calendar_sync_states",
    metadata,
    _owner(),
    Column("calendar_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("sync_token", Text),
    Column("listing", Integer, nullable=False),
    Column("listing_page", Text),
    Column("suspect_missing", Integer, nullable=False),
    Column("time_zone", Text),
    Column("due_at", UtcDateTime, nullable=False),
    Column("pull_due_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("dirty_seq", BigInteger, nullable=False),
    Column("done_seq", BigInteger, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("counters", JsonText, nullable=False),
    Column("last_error", JsonText),
    Column("last_success_at", UtcDateTime),
    Column("last_notified_at", UtcDateTime),
    Column("progress", JsonText),
    Column("push_supported", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("entry", JsonText, comment="what Google's list of calendars said of it last"),
    Column(
        "wake_at",
        UtcDateTime,
        index=True,
        comment="the latest of due_at, not_before and lease_until of an active calendar",
    ),
)

channels = Table(
    "channels",
    metadata,
    _owner(),
    Column("id", Text, primary_key=True),
    Column("calendar_id", Text, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("resource_id", Text),
    Column("expires_at", UtcDateTime),
    Index(None, "user_id", "calendar_id"),
)

fixed_slots = Table(
    "fixed_slots",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("calendar_id", Text, nullable=False),
    Column("moving_to", Text),
    # The local content.
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False, comment="midnight UTC of an all-day slot's date"),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("all_day", Boolean, nullable=False),
    Column("timezone", Text),
    Column("recurrence", JsonText),
    Column("color", Text),
    Column("transparency", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("reminders", JsonText, comment="NULL: the calendar's defaults"),
    Column("attendees", JsonText, comment="NULL: nobody"),
    Column("response", Text),
    Column("search_text", Text, nullable=False, comment="title, description and location in one case"),
    # Google's copy; there is one when event_id is set.
    Column("event_id", Text),
    Column("etag", Text),
    Column("remote_updated_at", UtcDateTime),
    Column("restriction", Text),
    Column("google_facts", JsonText),
    Column("only_looked_up", Boolean, comment="an instance that Google has as its series has it"),
    # The instance that an exception stands for; it is one when original_start is set.
    Column("original_start", Text, comment="as instances are named: 20260302T080000Z or 20260302"),
    Column("series_id", Id(), comment="the slot of the series; NULL while it is not known"),
    Column("recurring_event_id", Text),
    Column("original_starts_at", UtcDateTime, comment="derived: the instant of original_start"),
    Column("went_along", Boolean, comment="deleted because the series or the instance was"),
    # What the sync remembers.
    Column("base", JsonText, comment="only of a dirty slot: that of any other is the local content"),
    Column("dirty", Boolean, nullable=False),
    Column("edited_at", JsonText),
    Column("template_event_id", Text),
    Column("sent", JsonText),
    Column("refetch", Boolean, nullable=False),
    Column("notify", Text, nullable=False),
    Column("failure", JsonText),
    Column("loop", JsonText),
    Column("quarantined_until", UtcDateTime),
    Column("hold_id", Id()),
    Column("open_conflicts", Integer, nullable=False),
    Column("seen_listing", Integer, nullable=False),
    Column("push_at", UtcDateTime, comment="derived"),
    Column("sync_state", Text, nullable=False, comment="derived"),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column(
        "appeared_seq",
        BigInteger,
        nullable=False,
        comment="the seq under which it was made, or last came back",
    ),
    Column("generation", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    Column("last_synced_at", UtcDateTime),
    UniqueConstraint("user_id", "calendar_id", "event_id"),
    Index(None, "user_id", "starts_at", "id"),
    Index(None, "user_id", "seq"),
)
Index(
    "ix_fixed_slots_push",
    fixed_slots.c.user_id,
    fixed_slots.c.calendar_id,
    fixed_slots.c.push_at,
    fixed_slots.c.seq,
    sqlite_where=fixed_slots.c.push_at.is_not(None),
    postgresql_where=fixed_slots.c.push_at.is_not(None),
)
Index(
    "ix_fixed_slots_exceptions",
    fixed_slots.c.user_id,
    fixed_slots.c.original_starts_at,
    sqlite_where=fixed_slots.c.original_starts_at.is_not(None),
    postgresql_where=fixed_slots.c.original_starts_at.is_not(None),
)
Index(
    "ix_fixed_slots_series",
    fixed_slots.c.user_id,
    fixed_slots.c.series_id,
    sqlite_where=fixed_slots.c.series_id.is_not(None),
    postgresql_where=fixed_slots.c.series_id.is_not(None),
)
Index(
    "ix_fixed_slots_arriving",
    fixed_slots.c.user_id,
    fixed_slots.c.moving_to,
    sqlite_where=fixed_slots.c.moving_to.is_not(None),
    postgresql_where=fixed_slots.c.moving_to.is_not(None),
)
Index(
    "ix_fixed_slots_orphans",
    fixed_slots.c.user_id,
    fixed_slots.c.calendar_id,
    fixed_slots.c.recurring_event_id,
    sqlite_where=and_(fixed_slots.c.series_id.is_(None), fixed_slots.c.recurring_event_id.is_not(None)),
    postgresql_where=and_(fixed_slots.c.series_id.is_(None), fixed_slots.c.recurring_event_id.is_not(None)),
)
Index(
    "ix_fixed_slots_hold",
    fixed_slots.c.user_id,
    fixed_slots.c.hold_id,
    sqlite_where=fixed_slots.c.hold_id.is_not(None),
    postgresql_where=fixed_slots.c.hold_id.is_not(None),
)
Index(
    "ix_fixed_slots_deleted",
    fixed_slots.c.user_id,
    fixed_slots.c.deleted_at,
    sqlite_where=fixed_slots.c.deleted_at.is_not(None),
    postgresql_where=fixed_slots.c.deleted_at.is_not(None),
)

slot_history = Table(
    "slot_history",
    metadata,
    _owner(),
    Column("slot_id", Id(), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False, comment="order within one seq"),
    Column("at", UtcDateTime, nullable=False),
    Column("origin", Text, nullable=False),
    Column("fields", JsonText, nullable=False),
)

conflicts = Table(
    "conflicts",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("slot_id", Id(), nullable=False),
    Column("group", Text, nullable=False),
    Column("winner", Text, nullable=False),
    Column("losing_value", JsonText),
    Column("winning_value", JsonText),
    Column("at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("resolution", Text),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # No reference: the administrator's are under the nil UUID. Those of a user are erased with the user.
    Column("user_id", Id(), primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", Text, nullable=False, comment="encrypted, since some answers show a secret"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

webhook_subscriptions = Table(
    "webhook_subscriptions",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("secret", Text, nullable=False, comment="encrypted"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_seq", BigInteger, nullable=False),
    Column("known_seq", BigInteger, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("last_success_at", UtcDateTime),
    Column("last_error", Text),
    Index(None, "not_before"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    _owner(),
    Column("subscription_id", Id(), primary_key=True),
    Column("id", Id(), primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    Column("duration_ms", Integer, nullable=False),
)

deletion_holds = Table(
    "deletion_holds",
    metadata,
    _owner(),
    Column("id", Id(), primary_key=True),
    Column("calendar_id", Text, nullable=False),
    Column("held", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("resolution", Text),
)
