"""Everything.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What these were when this revision was written, whatever the models say later.
instant = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
id_ = sa.Uuid().with_variant(sa.BLOB(16), "sqlite")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", id_, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False, comment="the e-mail in one case"),
        sa.Column("name", sa.Text),
        sa.Column(
            "last_seq", sa.BigInteger, nullable=False, comment="the last sequence number given to a slot"
        ),
        sa.Column(
            "forgotten_seq",
            sa.BigInteger,
            nullable=False,
            comment="the highest one of a deleted slot that was purged",
        ),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("email_proven", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
    )
    op.create_table(
        "api_keys",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant),
        sa.Column("last_used_at", instant),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_api_keys_user_id_users"
        ),
    )
    op.create_index("uq_api_keys_id", "api_keys", ["id"], unique=True)
    op.create_table(
        "calendar_sync_states",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("calendar_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("sync_token", sa.Text),
        sa.Column("listing", sa.Integer, nullable=False),
        sa.Column("listing_page", sa.Text),
        sa.Column("suspect_missing", sa.Integer, nullable=False),
        sa.Column("time_zone", sa.Text),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("pull_due_at", instant, nullable=False),
        sa.Column("not_before", instant, nullable=False),
        sa.Column("dirty_seq", sa.BigInteger, nullable=False),
        sa.Column("done_seq", sa.BigInteger, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", instant, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("counters", sa.Text, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("last_success_at", instant),
        sa.Column("last_notified_at", instant),
        sa.Column("progress", sa.Text),
        sa.Column("push_supported", sa.Boolean, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("entry", sa.Text, comment="what Google's list of calendars said of it last"),
        sa.Column(
            "wake_at",
            instant,
            comment="the latest of due_at, not_before and lease_until of an active calendar",
        ),
        sa.PrimaryKeyConstraint("user_id", "calendar_id", name="pk_calendar_sync_states"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_calendar_sync_states_user_id_users"
        ),
    )
    op.create_index("ix_calendar_sync_states_wake_at", "calendar_sync_states", ["wake_at"])
    op.create_table(
        "channels",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("calendar_id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("resource_id", sa.Text),
        sa.Column("expires_at", instant),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_channels"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_channels_user_id_users"
        ),
    )
    op.create_index("ix_channels_user_id_calendar_id", "channels", ["user_id", "calendar_id"])
    op.create_table(
        "conflicts",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("slot_id", id_, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("winner", sa.Text, nullable=False),
        sa.Column("losing_value", sa.Text),
        sa.Column("winning_value", sa.Text),
        sa.Column("at", instant, nullable=False),
        sa.Column("resolved_at", instant),
        sa.Column("resolution", sa.Text),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_conflicts"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_conflicts_user_id_users"
        ),
    )
    op.create_table(
        "deletion_holds",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("calendar_id", sa.Text, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("known", sa.Integer, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("resolved_at", instant),
        sa.Column("resolution", sa.Text),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_deletion_holds"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_deletion_holds_user_id_users"
        ),
    )
    op.create_table(
        "feeds",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("last_used_at", instant),
        sa.PrimaryKeyConstraint("user_id", name="pk_feeds"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE", name="fk_feeds_user_id_users"),
        sa.UniqueConstraint("id", name="uq_feeds_id"),
    )
    op.create_table(
        "fixed_slots",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("calendar_id", sa.Text, nullable=False),
        sa.Column("moving_to", sa.Text),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("starts_at", instant, nullable=False, comment="midnight UTC of an all-day slot's date"),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("all_day", sa.Boolean, nullable=False),
        sa.Column("timezone", sa.Text),
        sa.Column("recurrence", sa.Text),
        sa.Column("color", sa.Text),
        sa.Column("transparency", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("reminders", sa.Text, comment="NULL: the calendar's defaults"),
        sa.Column("attendees", sa.Text, comment="NULL: nobody"),
        sa.Column("response", sa.Text),
        sa.Column(
            "search_text", sa.Text, nullable=False, comment="title, description and location in one case"
        ),
        sa.Column("event_id", sa.Text),
        sa.Column("etag", sa.Text),
        sa.Column("remote_updated_at", instant),
        sa.Column("restriction", sa.Text),
        sa.Column("google_facts", sa.Text),
        sa.Column("only_looked_up", sa.Boolean, comment="an instance that Google has as its series has it"),
        sa.Column(
            "original_start", sa.Text, comment="as instances are named: 20260302T080000Z or 20260302"
        ),
        sa.Column("series_id", id_, comment="the slot of the series; NULL while it is not known"),
        sa.Column("recurring_event_id", sa.Text),
        sa.Column("original_starts_at", instant, comment="derived: the instant of original_start"),
        sa.Column("went_along", sa.Boolean, comment="deleted because the series or the instance was"),
        sa.Column("base", sa.Text, comment="only of a dirty slot: that of any other is the local content"),
        sa.Column("dirty", sa.Boolean, nullable=False),
        sa.Column("edited_at", sa.Text),
        sa.Column("template_event_id", sa.Text),
        sa.Column("sent", sa.Text),
        sa.Column("refetch", sa.Boolean, nullable=False),
        sa.Column("notify", sa.Text, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("loop", sa.Text),
        sa.Column("quarantined_until", instant),
        sa.Column("hold_id", id_),
        sa.Column("open_conflicts", sa.Integer, nullable=False),
        sa.Column("seen_listing", sa.Integer, nullable=False),
        sa.Column("push_at", instant, comment="derived"),
        sa.Column("sync_state", sa.Text, nullable=False, comment="derived"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column(
            "appeared_seq",
            sa.BigInteger,
            nullable=False,
            comment="the seq under which it was made, or last came back",
        ),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("deleted_at", instant),
        sa.Column("last_synced_at", instant),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_fixed_slots"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_fixed_slots_user_id_users"
        ),
        sa.UniqueConstraint(
            "user_id", "calendar_id", "event_id", name="uq_fixed_slots_user_id_calendar_id_event_id"
        ),
    )
    op.create_index(
        "ix_fixed_slots_deleted",
        "fixed_slots",
        ["user_id", "deleted_at"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_fixed_slots_exceptions",
        "fixed_slots",
        ["user_id", "original_starts_at"],
        sqlite_where=sa.text("original_starts_at IS NOT NULL"),
        postgresql_where=sa.text("original_starts_at IS NOT NULL"),
    )
    op.create_index(
        "ix_fixed_slots_series",
        "fixed_slots",
        ["user_id", "series_id"],
        sqlite_where=sa.text("series_id IS NOT NULL"),
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.create_index(
        "ix_fixed_slots_arriving",
        "fixed_slots",
        ["user_id", "moving_to"],
        sqlite_where=sa.text("moving_to IS NOT NULL"),
        postgresql_where=sa.text("moving_to IS NOT NULL"),
    )
    op.create_index(
        "ix_fixed_slots_orphans",
        "fixed_slots",
        ["user_id", "calendar_id", "recurring_event_id"],
        sqlite_where=sa.text("series_id IS NULL AND recurring_event_id IS NOT NULL"),
        postgresql_where=sa.text("series_id IS NULL AND recurring_event_id IS NOT NULL"),
    )
    op.create_index(
        "ix_fixed_slots_hold",
        "fixed_slots",
        ["user_id", "hold_id"],
        sqlite_where=sa.text("hold_id IS NOT NULL"),
        postgresql_where=sa.text("hold_id IS NOT NULL"),
    )
    op.create_index(
        "ix_fixed_slots_push",
        "fixed_slots",
        ["user_id", "calendar_id", "push_at", "seq"],
        sqlite_where=sa.text("push_at IS NOT NULL"),
        postgresql_where=sa.text("push_at IS NOT NULL"),
    )
    op.create_index("ix_fixed_slots_user_id_seq", "fixed_slots", ["user_id", "seq"])
    op.create_index("ix_fixed_slots_user_id_starts_at_id", "fixed_slots", ["user_id", "starts_at", "id"])
    op.create_table(
        "google_accounts",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("refresh_token", sa.Text, comment="encrypted"),
        sa.Column("linked_at", instant, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_google_accounts"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_google_accounts_user_id_users"
        ),
    )
    op.create_index("ix_google_accounts_subject", "google_accounts", ["subject"])
    op.create_table(
        "key_canaries",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False, comment="encrypted"),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_key_canaries"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column(
            "answer", sa.Text, nullable=False, comment="encrypted, since some answers show a secret"
        ),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
    op.create_table(
        "oauth_flows",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("ticket_hash", sa.Text, nullable=False),
        sa.Column("state_hash", sa.Text, nullable=False),
        sa.Column("browser_hash", sa.Text),
        sa.Column("code_verifier", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("return_to", sa.Text),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_oauth_flows"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_oauth_flows_user_id_users"
        ),
        sa.UniqueConstraint("state_hash", name="uq_oauth_flows_state_hash"),
        sa.UniqueConstraint("ticket_hash", name="uq_oauth_flows_ticket_hash"),
    )
    op.create_index("ix_oauth_flows_expires_at", "oauth_flows", ["expires_at"])
    op.create_table(
        "sessions",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("rotated_at", instant, nullable=False),
        sa.Column("last_used_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_sessions_user_id_users"
        ),
    )
    op.create_index("uq_sessions_id", "sessions", ["id"], unique=True)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "sign_in_flows",
        sa.Column("id", id_, nullable=False),
        sa.Column("state_hash", sa.Text, nullable=False),
        sa.Column("browser_hash", sa.Text, nullable=False),
        sa.Column("code_verifier", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("return_to", sa.Text),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_flows"),
        sa.UniqueConstraint("state_hash", name="uq_sign_in_flows_state_hash"),
    )
    op.create_index("ix_sign_in_flows_expires_at", "sign_in_flows", ["expires_at"])
    op.create_table(
        "slot_history",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("slot_id", id_, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False, comment="order within one seq"),
        sa.Column("at", instant, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "slot_id", "seq", "ordinal", name="pk_slot_history"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_slot_history_user_id_users"
        ),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("subscription_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("from_seq", sa.BigInteger, nullable=False),
        sa.Column("to_seq", sa.BigInteger, nullable=False),
        sa.Column("status_code", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "subscription_id", "id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_webhook_deliveries_user_id_users"
        ),
    )
    op.create_table(
        "webhook_subscriptions",
        sa.Column("user_id", id_, nullable=False),
        sa.Column("id", id_, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False, comment="encrypted"),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("sent_seq", sa.BigInteger, nullable=False),
        sa.Column("known_seq", sa.BigInteger, nullable=False),
        sa.Column("not_before", instant, nullable=False),
        sa.Column("lease_until", instant, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failing_since", instant),
        sa.Column("last_success_at", instant),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_webhook_subscriptions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], ondelete="CASCADE", name="fk_webhook_subscriptions_user_id_users"
        ),
    )
    op.create_index("ix_webhook_subscriptions_not_before", "webhook_subscriptions", ["not_before"])


def downgrade() -> None:
    op.drop_table("webhook_subscriptions")
    op.drop_table("webhook_deliveries")
    op.drop_table("slot_history")
    op.drop_table("sign_in_flows")
    op.drop_table("sessions")
    op.drop_table("oauth_flows")
    op.drop_table("key_canaries")
    op.drop_table("idempotency_keys")
    op.drop_table("google_accounts")
    op.drop_table("fixed_slots")
    op.drop_table("feeds")
    op.drop_table("deletion_holds")
    op.drop_table("conflicts")
    op.drop_table("channels")
    op.drop_table("calendar_sync_states")
    op.drop_table("api_keys")
    op.drop_table("users")
