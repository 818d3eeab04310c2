"""Let members write, and hide what has no place there."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "post_topic",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name="fk_post_topic_community_id_community", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["made_by"], ["member.id"], name="fk_post_topic_made_by_member", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_post_topic"),
    )
    op.create_index("ix_post_topic_community_id", "post_topic", ["community_id"])
    op.create_index("ix_post_topic_made_by", "post_topic", ["made_by"])
    op.create_table(
        "post",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("topic_id", sa.BigInteger()),
        sa.Column("event_id", sa.Text()),
        sa.Column("member_id", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("picture_id", sa.Text()),
        sa.Column("leads_to", sa.Text()),
        sa.Column("answer_to", sa.BigInteger()),
        sa.Column("newcomer", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True)),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("nonce", sa.LargeBinary()),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("num_nonnulls(topic_id, event_id) = 1", name="ck_post_in_a_topic_or_at_a_gathering"),
        sa.CheckConstraint("deleted_at IS NULL OR member_id IS NULL", name="ck_post_deleted_is_nobody_s"),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["post_topic.id"], name="fk_post_topic_id_post_topic", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name="fk_post_event_id_event", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_post_member_id_member", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["picture_id"], ["picture.id"], name="fk_post_picture_id_picture"),
        sa.ForeignKeyConstraint(["leads_to"], ["event.id"], name="fk_post_leads_to_event", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["answer_to"], ["post.id"], name="fk_post_answer_to_post", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_post"),
    )
    op.create_index("uq_post_member_id_nonce", "post", ["member_id", "nonce"], unique=True)
    for column in ("topic_id", "event_id", "picture_id", "leads_to", "answer_to"):
        op.create_index(f"ix_post_{column}", "post", [column])
    op.create_table(
        "hiding",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger()),
        sa.Column("community_id", sa.Text()),
        sa.Column("newcomer_id", sa.Text()),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "num_nonnulls(community_id, newcomer_id) = CASE WHEN post_id IS NULL THEN 2 ELSE 0 END",
            name="ck_hiding_of_a_post_or_a_newcomer",
        ),
        sa.CheckConstraint("act IN ('hide', 'restore')", name="ck_hiding_act_is_known"),
        sa.CheckConstraint("role IN ('member', 'host', 'vote')", name="ck_hiding_role_is_known"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_hiding_post_id_post", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name="fk_hiding_community_id_community", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["newcomer_id"], ["member.id"], name="fk_hiding_newcomer_id_member", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["by"], ["member.id"], name="fk_hiding_by_member", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_hiding"),
    )
    op.create_index("ix_hiding_community_id_newcomer_id", "hiding", ["community_id", "newcomer_id"])
    for column in ("post_id", "newcomer_id", "by"):
        op.create_index(f"ix_hiding_{column}", "hiding", [column])


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_table("hiding")
    op.drop_table("post")
    op.drop_table("post_topic")
