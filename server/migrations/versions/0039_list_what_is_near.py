"""List what may be found near a place, kept right by triggers; keep what is learnt from who came.

listing_events(ids) and listing_venues(ids) make the rows of these events and venues what the tables say. The rows are
locked first and read after, so that of two that change one event at once the later counts what the earlier did. What
counts who goes is the view going_to, written so that ten thousand are counted in milliseconds.
"""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# One way to say a place, to a metre, as geo.postgis.canonical, which says why.
_PLACE = """
CREATE FUNCTION listing_place(place geography) RETURNS geography LANGUAGE sql IMMUTABLE AS $$
    SELECT ST_SetSRID(CASE WHEN digits IS NULL THEN ST_MakePoint(0, sign(lat) * 90)
                           WHEN round(lon::numeric, digits) = 180 THEN ST_MakePoint(-180, lat)
                           ELSE ST_MakePoint(round(lon::numeric, digits)::float, lat) END, 4326)::geography
    FROM (SELECT ST_X(place::geometry) AS lon, round(ST_Y(place::geometry)::numeric, 5)::float AS lat) AS said,
         LATERAL (SELECT CASE WHEN abs(lat) < 84 THEN 5 WHEN abs(lat) < 89.4 THEN 4 WHEN abs(lat) < 89.94 THEN 3
                              WHEN abs(lat) < 89.994 THEN 2 WHEN abs(lat) < 89.9994 THEN 1
                              WHEN abs(lat) < 89.99994 THEN 0 END AS digits) AS near
$$
"""
# A home's place about: to 0.02 degrees, a part of a town (2 km).
_EVENTS = """
CREATE FUNCTION listing_events(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM listing WHERE event_id = ANY(ids) ORDER BY id FOR UPDATE;
    DELETE FROM listing WHERE event_id = ANY(ids) AND NOT EXISTS (
        SELECT FROM step JOIN event ON event.id = step.event_id JOIN venue ON venue.id = step.venue_id
        WHERE step.id = listing.step_id AND event.state = 'published' AND venue.location IS NOT NULL);
    INSERT INTO listing (event_id, step_id, venue_id, location, vague, several, starts_at, ends_at, for_all, community_id,
                         organizer_id, series_id, interests, capacity, going)
    SELECT event.id, step.id, venue.id,
           listing_place(CASE venue.kind WHEN 'home' THEN ST_SnapToGrid(venue.location::geometry, 0.02)::geography
                                         ELSE venue.location END),
           venue.kind = 'home',
           EXISTS (SELECT FROM step AS other WHERE other.event_id = event.id AND other.id <> step.id),
           step.starts_at, step.ends_at,
           event.open_to_all OR event.community_id IS NULL AND NOT event.community_gone,
           event.community_id, event.organizer_id, event.series_id,
           coalesce((SELECT array_agg(interest_id ORDER BY interest_id) FROM event_interest
                     WHERE event_interest.event_id = event.id),
                    (SELECT array_agg(interest_id ORDER BY interest_id) FROM community_interest
                     WHERE community_interest.community_id = event.community_id), '{}'),
           step.capacity,
           (SELECT coalesce(sum(1 + sign_up.guests), 0) FROM sign_up
            WHERE sign_up.event_id = event.id AND sign_up.state = 'going' AND NOT EXISTS (
                SELECT FROM sign_up_step AS chosen
                WHERE chosen.event_id = sign_up.event_id AND chosen.member_id = sign_up.member_id))
           + (SELECT coalesce(sum(1 + sign_up.guests), 0)
              FROM sign_up_step AS chosen JOIN sign_up USING (event_id, member_id)
              WHERE chosen.step_id = step.id AND chosen.state = 'going' AND sign_up.state = 'going')
    FROM event JOIN step ON step.event_id = event.id JOIN venue ON venue.id = step.venue_id
    WHERE event.id = ANY(ids) AND event.state = 'published' AND venue.location IS NOT NULL
    ORDER BY step.id
    ON CONFLICT (step_id) DO UPDATE
    SET venue_id = excluded.venue_id, location = excluded.location, vague = excluded.vague, several = excluded.several,
        starts_at = excluded.starts_at, ends_at = excluded.ends_at, for_all = excluded.for_all,
        community_id = excluded.community_id, organizer_id = excluded.organizer_id, series_id = excluded.series_id,
        interests = excluded.interests, capacity = excluded.capacity, going = excluded.going
    WHERE (listing.venue_id, listing.location::geometry, listing.starts_at, listing.ends_at, listing.for_all,
           listing.community_id, listing.organizer_id, listing.series_id, listing.interests, listing.capacity,
           listing.going, listing.vague, listing.several)
          IS DISTINCT FROM
          (excluded.venue_id, excluded.location::geometry, excluded.starts_at, excluded.ends_at, excluded.for_all,
           excluded.community_id, excluded.organizer_id, excluded.series_id, excluded.interests, excluded.capacity,
           excluded.going, excluded.vague, excluded.several);
END $$
"""
_VENUES = """
CREATE FUNCTION listing_venues(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM listing WHERE venue_id = ANY(ids) AND step_id IS NULL ORDER BY id FOR UPDATE;
    DELETE FROM listing WHERE venue_id = ANY(ids) AND step_id IS NULL AND NOT EXISTS (
        SELECT FROM venue WHERE venue.id = listing.venue_id
        AND venue.kind = 'place' AND venue.listed AND venue.location IS NOT NULL);
    INSERT INTO listing (venue_id, location, for_all)
    SELECT id, listing_place(location), true FROM venue
    WHERE id = ANY(ids) AND kind = 'place' AND listed AND location IS NOT NULL ORDER BY id
    ON CONFLICT (venue_id) WHERE step_id IS NULL DO UPDATE SET location = excluded.location
    WHERE listing.location::geometry IS DISTINCT FROM excluded.location::geometry;
END $$
"""
# What of a table's row a listing follows from: the function to call, and the ids it is called with.
_FOLLOWS = {
    "event": ("listing_events", "SELECT id FROM {rows}"),
    "step": ("listing_events", "SELECT event_id FROM {rows}"),
    "sign_up": ("listing_events", "SELECT event_id FROM {rows}"),
    "sign_up_step": ("listing_events", "SELECT event_id FROM {rows}"),
    "event_interest": ("listing_events", "SELECT event_id FROM {rows}"),
    "community_interest": (
        "listing_events",
        "SELECT DISTINCT listing.event_id FROM {rows} AS changed JOIN listing"
        " ON listing.community_id = changed.community_id AND listing.step_id IS NOT NULL",
    ),
}
_CALL = """
CREATE FUNCTION listing_follows_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN PERFORM {function}(ARRAY({after}));
    ELSIF TG_OP = 'DELETE' THEN PERFORM {function}(ARRAY({before}));
    ELSE PERFORM {function}(ARRAY({before} UNION {after}));
    END IF;
    RETURN NULL;
END $$
"""
# A venue has a listing of its own, and its place is that of the steps there.
_OF_VENUE = """
CREATE FUNCTION listing_follows_venue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM listing_venues(ARRAY(
        SELECT after.id FROM after_rows AS after LEFT JOIN before_rows AS before USING (id)
        WHERE (after.kind, after.listed, after.location::geometry)
              IS DISTINCT FROM (before.kind, before.listed, before.location::geometry)));
    PERFORM listing_events(ARRAY(
        SELECT DISTINCT step.event_id FROM after_rows AS after JOIN before_rows AS before USING (id)
        JOIN step ON step.venue_id = after.id
        WHERE (after.kind, after.location::geometry) IS DISTINCT FROM (before.kind, before.location::geometry)));
    RETURN NULL;
END $$
"""
_OF_NEW_VENUE = """
CREATE FUNCTION listing_follows_new_venue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM listing_venues(ARRAY(SELECT id FROM after_rows));
    RETURN NULL;
END $$
"""
_REFERENCING = {
    "INSERT": "REFERENCING NEW TABLE AS after_rows",
    "UPDATE": "REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows",
    "DELETE": "REFERENCING OLD TABLE AS before_rows",
}


def upgrade() -> None:
    """Makes the tables and triggers, and lists what there is."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "listing",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("event_id", sa.Text(), sa.ForeignKey("event.id", ondelete="CASCADE")),
        sa.Column("step_id", sa.Text(), sa.ForeignKey("step.id", ondelete="CASCADE"), unique=True),
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), nullable=False),
        sa.Column("location", geoalchemy2.Geography("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("lon", sa.Float(), sa.Computed("ST_X(location::geometry)", persisted=True), nullable=False),
        sa.Column("lat", sa.Float(), sa.Computed("ST_Y(location::geometry)", persisted=True), nullable=False),
        sa.Column("vague", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("several", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("starts_at", moment),
        sa.Column("ends_at", moment),
        sa.Column("for_all", sa.Boolean(), nullable=False),
        sa.Column("community_id", sa.Text()),
        sa.Column("organizer_id", sa.Text()),
        sa.Column("series_id", sa.Text()),
        sa.Column("interests", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("capacity", sa.BigInteger()),
        sa.Column("going", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("came", sa.Float(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(event_id, step_id, starts_at, ends_at, organizer_id) IN (0, 5)", name="of_a_step_or_a_venue"
        ),
    )
    of_step, of_venue = sa.text("step_id IS NOT NULL"), sa.text("step_id IS NULL")
    op.create_index("uq_listing_venue", "listing", ["venue_id"], unique=True, postgresql_where=of_venue)
    for name, which in (("upcoming", of_step), ("places", of_venue)):
        op.create_index(f"ix_listing_{name}", "listing", ["location"], postgresql_using="gist", postgresql_where=which)
    op.create_index("ix_listing_event_id", "listing", ["event_id"], postgresql_where=sa.text("event_id IS NOT NULL"))
    op.create_index("ix_listing_step_venue", "listing", ["venue_id"], postgresql_where=of_step)
    op.create_index("ix_listing_community_id", "listing", ["community_id", "starts_at"], postgresql_where=of_step)
    op.create_index("ix_listing_ends_at", "listing", ["ends_at"], postgresql_where=of_step)
    op.create_table(
        "likeness",
        sa.Column("of", sa.Text(), primary_key=True),
        sa.Column("other", sa.Text(), primary_key=True),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("people >= 5 AND share > 0 AND share <= 1", name="likeness_makes_sense"),
    )
    op.create_table(
        "learnt_weight",
        sa.Column("factor", sa.Text(), primary_key=True),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("learnt_at", moment, nullable=False),
    )
    op.create_table(
        "venue_moment",
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", moment, nullable=False),
        sa.Column("mood", sa.Text(), nullable=False),
        sa.Column("people", sa.BigInteger()),
        sa.CheckConstraint("mood IN ('quiet', 'normal', 'lively')", name="mood_is_known"),
        sa.CheckConstraint("people >= 10", name="few_are_nobody"),
    )
    op.create_table(
        "venue_usual",
        sa.Column("venue_id", sa.Text(), sa.ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("hour", sa.BigInteger(), primary_key=True),
        sa.Column("people", sa.Float(), nullable=False),
        sa.CheckConstraint("hour BETWEEN 0 AND 167 AND people >= 0", name="usual_makes_sense"),
    )
    op.execute(_PLACE)
    op.execute(_EVENTS)
    op.execute(_VENUES)
    for table, (function, ids) in _FOLLOWS.items():
        before, after = ids.format(rows="before_rows"), ids.format(rows="after_rows")
        op.execute(_CALL.format(table=table, function=function, before=before, after=after))
        for act, referencing in _REFERENCING.items():
            op.execute(
                f"CREATE TRIGGER listing_follows_{act.lower()} AFTER {act} ON {table} {referencing}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION listing_follows_{table}()"
            )
    op.execute(_OF_VENUE)
    op.execute(_OF_NEW_VENUE)
    for act, function in (("INSERT", "listing_follows_new_venue"), ("UPDATE", "listing_follows_venue")):
        op.execute(
            f"CREATE TRIGGER listing_follows_{act.lower()} AFTER {act} ON venue {_REFERENCING[act]}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
    op.execute("SELECT listing_venues(ARRAY(SELECT id FROM venue))")
    op.execute(
        "SELECT listing_events(ARRAY(SELECT DISTINCT event_id FROM step WHERE ends_at > now() - interval '1 day'))"
    )


def downgrade() -> None:
    """Takes them out, with what was learnt."""
    for table in (*_FOLLOWS, "venue"):
        acts = ("insert", "update") if table == "venue" else ("insert", "update", "delete")
        for act in acts:
            op.execute(f"DROP TRIGGER listing_follows_{act} ON {table}")
        op.execute(f"DROP FUNCTION listing_follows_{table}()")
    op.execute("DROP FUNCTION listing_follows_new_venue()")
    op.execute("DROP FUNCTION listing_events(text[])")
    op.execute("DROP FUNCTION listing_venues(text[])")
    op.execute("DROP FUNCTION listing_place(geography)")
    for table in ("venue_usual", "venue_moment", "learnt_weight", "likeness", "listing"):
        op.drop_table(table)
