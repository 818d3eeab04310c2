"""Give communities two shapes: circles, which nobody owns, and houses; keep what is changed about them, and votes."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"

_AT = sa.DateTime(timezone=True)


def _member(name: str, ondelete: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), sa.ForeignKey("member.id", ondelete=ondelete), nullable=nullable)


def _community() -> sa.Column[str]:
    return sa.Column("community_id", sa.Text(), sa.ForeignKey("community.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    """Applies this migration; the communities there are become circles."""
    for column in (
        sa.Column("shape", sa.Text(), server_default="circle", nullable=False),
        sa.Column("goal", sa.Text(), server_default="", nullable=False),
        sa.Column("charter", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("home_name", sa.Text(), server_default="", nullable=False),
        sa.Column("home", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("home_radius_km", sa.Float()),
        sa.Column("picture_id", sa.Text(), sa.ForeignKey("picture.id")),
        _member("source_member_id", "SET NULL"),
        sa.Column("source_venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="SET NULL")),
        sa.Column("parent_id", sa.Text(), sa.ForeignKey("community.id", ondelete="SET NULL")),
        sa.Column("kept_at", _AT),
        sa.Column("warned_at", _AT),
        sa.Column("dissolved_at", _AT),
    ):
        op.add_column("community", column)
    for name in ("picture_id", "source_member_id", "source_venue_id", "parent_id"):
        op.create_index(f"ix_community_{name}", "community", [name])
    op.create_index("idx_community_home", "community", ["home"], postgresql_using="gist")
    for name, rule in (
        ("shape_is_known", "shape IN ('circle', 'house')"),
        (
            "a_house_has_one_source",
            "num_nonnulls(source_member_id, source_venue_id) <= CASE shape WHEN 'house' THEN 1 ELSE 0 END",
        ),
        ("circles_form_under_houses", "parent_id IS NULL OR shape = 'circle'"),
        ("language_is_spoken_here", "language IN ('en', 'zh')"),
        ("home_is_whole", "num_nonnulls(home, home_radius_km) <> 1 AND (home IS NULL OR home_name <> '')"),
    ):
        op.create_check_constraint(op.f(f"ck_community_{name}"), "community", rule)
    op.create_table(
        "community_interest",
        _community(),
        sa.Column("interest_id", sa.Text(), sa.ForeignKey("interest.id", ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "interest_id"),
    )
    op.create_index("ix_community_interest_interest_id", "community_interest", ["interest_id"])
    op.create_table(
        "community_removal",
        _community(),
        _member("member_id", "CASCADE", nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("until", _AT, nullable=False),
        sa.PrimaryKeyConstraint("community_id", "member_id"),
        sa.CheckConstraint("at < until", name="at_then_until"),
    )
    op.create_index("ix_community_removal_member_id", "community_removal", ["member_id"])
    op.create_table(
        "community_change",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        _community(),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("was", postgresql.JSONB(), nullable=False),
        sa.Column("became", postgresql.JSONB(), nullable=False),
        sa.Column("picture_id", sa.Text(), sa.ForeignKey("picture.id")),
        _member("by", "SET NULL"),
        sa.Column("at", _AT, nullable=False),
        sa.Column("put_back_of", sa.BigInteger(), sa.ForeignKey("community_change.id", ondelete="SET NULL")),
    )
    op.create_index("ix_community_change_community_id_id", "community_change", ["community_id", "id"])
    op.create_index("ix_community_change_by", "community_change", ["by"])
    op.create_index("ix_community_change_picture_id", "community_change", ["picture_id"])
    op.create_index("ix_community_change_put_back_of", "community_change", ["put_back_of"])
    op.create_table(
        "vote",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        _community(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        _member("member_id", "CASCADE"),
        sa.Column("called", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        _member("opened_by", "SET NULL"),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("voters", sa.BigInteger(), nullable=False),
        sa.Column("quorum", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", _AT),
        sa.Column("outcome", sa.Text()),
        sa.Column("yes", sa.BigInteger()),
        sa.Column("no", sa.BigInteger()),
        sa.CheckConstraint("kind IN ('dissolve', 'remove', 'readmit', 'restore')", name="kind_is_known"),
        sa.CheckConstraint("outcome IN ('passed', 'too_few', 'not_more', 'moot')", name="outcome_is_known"),
        sa.CheckConstraint("num_nonnulls(outcome, decided_at, yes, no) IN (0, 4)", name="decided_as_a_whole"),
        sa.CheckConstraint("opened_at < ends_at AND quorum > 0 AND quorum <= voters", name="can_be_decided"),
    )
    op.create_index(
        "uq_vote_one_open_about_the_same",
        "vote",
        ["community_id", "kind", "about", sa.text("coalesce(member_id, '')")],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_index("ix_vote_ends_at", "vote", ["ends_at"], postgresql_where=sa.text("decided_at IS NULL"))
    op.create_index("ix_vote_community_id_id", "vote", ["community_id", "id"])
    op.create_index("ix_vote_member_id", "vote", ["member_id"])
    op.create_index("ix_vote_opened_by", "vote", ["opened_by"])
    op.create_table(
        "ballot",
        sa.Column("vote_id", sa.BigInteger(), sa.ForeignKey("vote.id", ondelete="CASCADE"), nullable=False),
        _member("member_id", "CASCADE", nullable=False),
        sa.Column("yes", sa.Boolean()),
        sa.PrimaryKeyConstraint("vote_id", "member_id"),
    )
    op.create_index("ix_ballot_member_id", "ballot", ["member_id"])


def downgrade() -> None:
    """Takes this migration back; houses become communities like all others, and what is dissolved is there again."""
    for table in ("ballot", "vote", "community_change", "community_removal", "community_interest"):
        op.drop_table(table)
    for name in (
        "shape_is_known",
        "a_house_has_one_source",
        "circles_form_under_houses",
        "language_is_spoken_here",
        "home_is_whole",
    ):
        op.drop_constraint(op.f(f"ck_community_{name}"), "community")
    for name in (
        "shape",
        "goal",
        "charter",
        "language",
        "home_name",
        "home",
        "home_radius_km",
        "picture_id",
        "source_member_id",
        "source_venue_id",
        "parent_id",
        "kept_at",
        "warned_at",
        "dissolved_at",
    ):
        op.drop_column("community", name)
