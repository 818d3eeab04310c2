"""Make the first tables."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography, Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Applies this migration."""
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "agent",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("config_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_agent_key_has_32_bytes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
    )
    op.create_table(
        "badge",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge")),
    )
    op.create_table(
        "community",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community")),
    )
    op.create_table(
        "gateway_health",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("counters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_gateway_health")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("operator", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("demo_order", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_table(
        "refused_report",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "boot", "seq", name=op.f("pk_refused_report")),
    )
    op.create_table(
        "shard",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("touched", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard")),
    )
    op.create_table(
        "topic",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_topic")),
    )
    op.create_table(
        "community_member",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["community.id"],
            name=op.f("fk_community_member_community_id_community"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_community_member_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("community_id", "member_id", name=op.f("pk_community_member")),
    )
    op.create_index(op.f("ix_community_member_member_id"), "community_member", ["member_id"], unique=False)
    op.create_table(
        "coverage",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("from_ms < to_ms", name=op.f("ck_coverage_runs_forward")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_coverage_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "from_ms", name=op.f("pk_coverage")),
    )
    op.create_index("ix_coverage_agent_id_to_ms", "coverage", ["agent_id", "to_ms"], unique=False)
    op.create_table(
        "demo_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_demo_state")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=True),
        sa.Column("organizer_id", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_event_community_id_community"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["organizer_id"], ["member.id"], name=op.f("fk_event_organizer_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_community_id"), "event", ["community_id"], unique=False)
    op.create_index(op.f("ix_event_organizer_id"), "event", ["organizer_id"], unique=False)
    op.create_table(
        "identity",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("badge_id", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("identity"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="identity_means_one_thing_at_a_time",
        ),
        sa.CheckConstraint(
            "(badge_id IS NULL) <> (agent_id IS NULL)", name=op.f("ck_identity_of_a_badge_or_of_an_agent")
        ),
        sa.CheckConstraint("octet_length(identity) = 20", name=op.f("ck_identity_identity_has_20_bytes")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_identity_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["badge_id"], ["badge.id"], name=op.f("fk_identity_badge_id_badge"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
    )
    op.create_index(op.f("ix_identity_agent_id"), "identity", ["agent_id"], unique=False)
    op.create_index(op.f("ix_identity_badge_id"), "identity", ["badge_id"], unique=False)
    op.create_table(
        "pairing",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("badge_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("badge_id"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="badge_has_one_holder_at_a_time",
        ),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_pairing_badge_id_badge"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_pairing_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
    )
    op.create_index(op.f("ix_pairing_member_id"), "pairing", ["member_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_session_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_member_id"), "session", ["member_id"], unique=False)
    op.create_table(
        "sign_in_link",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_sign_in_link_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_link")),
    )
    op.create_index(op.f("ix_sign_in_link_member_id"), "sign_in_link", ["member_id"], unique=False)
    op.create_table(
        "venue",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column(
            "location",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
            ),
            nullable=True,
        ),
        sa.Column("join_gap_s", sa.BigInteger(), server_default="300", nullable=False),
        sa.Column("replayed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("join_gap_s > 60", name=op.f("ck_venue_join_gap_is_longer_than_heard_gap")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["member.id"], name=op.f("fk_venue_owner_id_member"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue")),
    )
    op.create_table(
        "sign_up",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_sign_up_event_id_event"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_sign_up_member_id_member"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "member_id", name=op.f("pk_sign_up")),
    )
    op.create_index(op.f("ix_sign_up_member_id"), "sign_up", ["member_id"], unique=False)
    op.create_table(
        "visit",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("badge_id", sa.BigInteger(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("badge_id"), "="),
            (sa.column("venue_id"), "="),
            (sa.text("int8range(from_ms, to_ms, '[]')"), "&&"),
            using="gist",
            name="visits_of_a_badge_never_overlap",
        ),
        sa.CheckConstraint("from_ms <= to_ms", name=op.f("ck_visit_runs_forward")),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_visit_badge_id_badge"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_visit_venue_id_venue"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index("ix_visit_venue_id_to_ms", "visit", ["venue_id", "to_ms"], unique=False)
    op.create_table(
        "zone",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "area",
            Geometry(
                geometry_type="POLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_zone_venue_id_venue"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("id", "venue_id", name=op.f("uq_zone_id_venue_id")),
        sa.UniqueConstraint("venue_id", "name", name=op.f("uq_zone_venue_id_name")),
    )
    op.create_table(
        "placement",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("zone_id", sa.Text(), nullable=False),
        sa.Column(
            "location",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
            ),
            nullable=True,
        ),
        sa.Column("rssi_floor", sa.BigInteger(), server_default="-128", nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("agent_id"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="placement_of_an_agent_never_overlaps",
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_placement_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venue.id"], name=op.f("fk_placement_venue_id_venue"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["zone_id", "venue_id"], ["zone.id", "zone.venue_id"], name=op.f("fk_placement_zone_id_zone")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
    )
    op.create_index(op.f("ix_placement_venue_id"), "placement", ["venue_id"], unique=False)
    op.create_table(
        "stay",
        sa.Column("badge_id", sa.BigInteger(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("zone_id", sa.Text(), nullable=False),
        sa.CheckConstraint("from_ms <= to_ms", name=op.f("ck_stay_runs_forward")),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_stay_badge_id_badge"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_stay_venue_id_venue"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.id"], name=op.f("fk_stay_zone_id_zone"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("badge_id", "venue_id", "from_ms", name=op.f("pk_stay")),
    )
    op.create_table(
        "step",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("zone_id", sa.Text(), nullable=True),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dwell_signed_up_s", sa.Double(), nullable=False),
        sa.Column("dwell_walk_in_s", sa.Double(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "dwell_signed_up_s >= 0 AND dwell_walk_in_s >= 0", name=op.f("ck_step_dwell_is_not_negative")
        ),
        sa.CheckConstraint(
            "opens_at <= starts_at AND starts_at < ends_at", name=op.f("ck_step_opens_then_starts_then_ends")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_step_event_id_event"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["venue_id"], ["venue.id"], name=op.f("fk_step_venue_id_venue")),
        sa.ForeignKeyConstraint(
            ["zone_id", "venue_id"], ["zone.id", "zone.venue_id"], name=op.f("fk_step_zone_id_zone")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("event_id", "position", name=op.f("uq_step_event_id_position")),
    )
    op.create_index("ix_step_venue_id_opens_at_ends_at", "step", ["venue_id", "opens_at", "ends_at"], unique=False)
    op.create_table(
        "checkin",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("badge_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("signed_up", sa.Boolean(), nullable=False),
        sa.Column("over_capacity", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["badge_id"], ["badge.id"], name=op.f("fk_checkin_badge_id_badge"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_checkin_member_id_member"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name=op.f("fk_checkin_step_id_step"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkin")),
    )
    op.create_index(op.f("ix_checkin_member_id"), "checkin", ["member_id"], unique=False)
    op.create_index(
        "uq_checkin_one_per_member_and_step",
        "checkin",
        ["step_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "refusal",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_refusal_member_id_member"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name=op.f("fk_refusal_step_id_step"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", "step_id", "code", name=op.f("pk_refusal")),
    )
    op.create_table(
        "span",
        sa.Column("badge_id", sa.BigInteger(), nullable=False),
        sa.Column("placement_id", sa.BigInteger(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("from_ms <= to_ms", name=op.f("ck_span_runs_forward")),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_span_badge_id_badge"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_span_placement_id_placement"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("badge_id", "placement_id", "from_ms", name=op.f("pk_span")),
    )
    op.create_index(op.f("ix_span_placement_id"), "span", ["placement_id"], unique=False)
    op.create_table(
        "trace",
        sa.Column("badge_id", sa.BigInteger(), nullable=False),
        sa.Column("placement_id", sa.BigInteger(), nullable=False),
        sa.Column("block_ms", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["badge_id"], ["badge.id"], name=op.f("fk_trace_badge_id_badge"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_trace_placement_id_placement"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("badge_id", "block_ms", "placement_id", name=op.f("pk_trace")),
    )
    op.create_index(op.f("ix_trace_placement_id"), "trace", ["placement_id"])
    op.create_table(
        "undoing",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("checkin_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["member.id"], name=op.f("fk_undoing_by_member")),
        sa.ForeignKeyConstraint(
            ["checkin_id"], ["checkin.id"], name=op.f("fk_undoing_checkin_id_checkin"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_undoing")),
    )
    op.create_index(op.f("ix_undoing_checkin_id"), "undoing", ["checkin_id"], unique=False)
    op.create_index("idx_venue_location", "venue", ["location"], postgresql_using="gist")
    op.create_index("idx_zone_area", "zone", ["area"], postgresql_using="gist")
    op.execute("INSERT INTO shard (id) SELECT generate_series(0, 63)")


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_index(op.f("ix_undoing_checkin_id"), table_name="undoing")
    op.drop_table("undoing")
    op.drop_index(op.f("ix_trace_placement_id"), table_name="trace")
    op.drop_table("trace")
    op.drop_index(op.f("ix_span_placement_id"), table_name="span")
    op.drop_table("span")
    op.drop_table("refusal")
    op.drop_index(
        "uq_checkin_one_per_member_and_step", table_name="checkin", postgresql_where=sa.text("undone_at IS NULL")
    )
    op.drop_index(op.f("ix_checkin_member_id"), table_name="checkin")
    op.drop_table("checkin")
    op.drop_index("ix_step_venue_id_opens_at_ends_at", table_name="step")
    op.drop_table("step")
    op.drop_table("stay")
    op.drop_index(op.f("ix_placement_venue_id"), table_name="placement")
    op.drop_table("placement")
    op.drop_table("zone")
    op.drop_index("ix_visit_venue_id_to_ms", table_name="visit")
    op.drop_table("visit")
    op.drop_index(op.f("ix_sign_up_member_id"), table_name="sign_up")
    op.drop_table("sign_up")
    op.drop_table("venue")
    op.drop_index(op.f("ix_sign_in_link_member_id"), table_name="sign_in_link")
    op.drop_table("sign_in_link")
    op.drop_index(op.f("ix_session_member_id"), table_name="session")
    op.drop_table("session")
    op.drop_index(op.f("ix_pairing_member_id"), table_name="pairing")
    op.drop_table("pairing")
    op.drop_index(op.f("ix_identity_badge_id"), table_name="identity")
    op.drop_index(op.f("ix_identity_agent_id"), table_name="identity")
    op.drop_table("identity")
    op.drop_index(op.f("ix_event_organizer_id"), table_name="event")
    op.drop_index(op.f("ix_event_community_id"), table_name="event")
    op.drop_table("event")
    op.drop_index("ix_coverage_agent_id_to_ms", table_name="coverage")
    op.drop_table("coverage")
    op.drop_index(op.f("ix_community_member_member_id"), table_name="community_member")
    op.drop_table("community_member")
    op.drop_table("topic")
    op.drop_table("shard")
    op.drop_table("refused_report")
    op.drop_table("member")
    op.drop_table("gateway_health")
    op.drop_table("demo_state")
    op.drop_table("community")
    op.drop_table("badge")
    op.drop_table("agent")
