"""Tell members what they should know, and name interests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"

INTERESTS = (
    ("animals", "Animals", "动物"),
    ("architecture", "Architecture", "建筑"),
    ("art", "Art", "艺术"),
    ("astronomy", "Astronomy", "天文"),
    ("baking", "Baking", "烘焙"),
    ("basketball", "Basketball", "篮球"),
    ("birds", "Birds", "观鸟"),
    ("board-games", "Board games", "桌游"),
    ("books", "Books", "读书"),
    ("chess", "Chess", "国际象棋"),
    ("climbing", "Climbing", "攀岩"),
    ("coding", "Coding", "编程"),
    ("coffee", "Coffee", "咖啡"),
    ("cooking", "Cooking", "做饭"),
    ("crafts", "Crafts", "手工"),
    ("cycling", "Cycling", "骑行"),
    ("dance", "Dance", "舞蹈"),
    ("design", "Design", "设计"),
    ("families", "Families", "亲子"),
    ("film", "Film", "电影"),
    ("food", "Food", "美食"),
    ("football", "Football", "足球"),
    ("gardens", "Gardens", "园艺"),
    ("go", "Go", "围棋"),
    ("health", "Health", "健康"),
    ("hiking", "Hiking", "徒步"),
    ("history", "History", "历史"),
    ("languages", "Languages", "语言交换"),
    ("local-life", "Life around here", "本地生活"),
    ("making", "Making things", "创客"),
    ("music", "Music", "音乐"),
    ("nature", "Nature", "自然"),
    ("philosophy", "Philosophy", "哲学"),
    ("photography", "Photography", "摄影"),
    ("running", "Running", "跑步"),
    ("science", "Science", "科学"),
    ("singing", "Singing", "唱歌"),
    ("startups", "Starting something", "创业"),
    ("swimming", "Swimming", "游泳"),
    ("tea", "Tea", "茶"),
    ("theatre", "Theatre", "戏剧"),
    ("travel", "Travel", "旅行"),
    ("volunteering", "Helping others", "公益"),
    ("walking", "Walking", "散步"),
    ("writing", "Writing", "写作"),
    ("yoga", "Yoga", "瑜伽"),
)


def upgrade() -> None:
    """Applies this migration."""
    op.create_table(
        "notification",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), server_default="", nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("link", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("letter_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("member_id", "kind", "subject", "nonce", name="uq_notification_once"),
    )
    op.create_index(
        "ix_notification_unread", "notification", ["member_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index("ix_notification_unposted", "notification", ["id"], postgresql_where=sa.text("letter_at IS NULL"))
    op.create_table(
        "without_letters",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
    )
    interest = op.create_table(
        "interest",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
    )
    op.bulk_insert(interest, [{"id": one, "name_en": en, "name_zh": zh} for one, en, zh in INTERESTS])
    op.create_table(
        "member_interest",
        sa.Column("member_id", sa.Text(), sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "interest_id", sa.Text(), sa.ForeignKey("interest.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
    )


def downgrade() -> None:
    """Takes this migration back."""
    op.drop_table("member_interest")
    op.drop_table("interest")
    op.drop_table("without_letters")
    op.drop_table("notification")
