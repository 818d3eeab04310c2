"""Who was heard at venues, as numbers for everybody: phrases of SQL that what is now and what is usual share.

People are those who hold the badges that were heard, each once, and badges that nobody holds, if they are registered.
Who is hidden from a venue, or paused, is in no number there; the rule is that of server/consent/rules.py. Agents' own
beacons make no visits. Homes are left out, since nobody is to know whether somebody is at home, and so are replayed
venues, which have a time of their own.
"""

from server.fans.coming import SHORTEST_MS

QUARTER_MS = 15 * 60_000  # a moment: long enough that who stands behind somebody is heard, short enough to be now
# Of a quarter of an hour: less would take a Pi that was restarted for a quiet shop, more would never be reached.
LISTENED_MS = 10 * 60_000
VENUES = "venue.kind = 'place' AND NOT venue.replayed"

# Takes :now. What was said of one venue goes before what was said of all, and ends by itself.
HIDDEN = """
    (EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = {member} AND consent_pause.ended_at IS NULL)
     OR coalesce((SELECT consent.level FROM consent
                  WHERE consent.member_id = {member} AND consent.kind = 'venue' AND consent.ended_at IS NULL
                    AND (consent.of_id = {venue} OR consent.of_id IS NULL)
                    AND (consent.until IS NULL OR consent.until > :now)
                  ORDER BY consent.of_id NULLS LAST LIMIT 1), 'counted') = 'hidden')
"""

# What goes by is no guest. Of a visit in which the badge was handed on, whoever held it last is who was there; if any
# of those who held it is hidden, it is nobody's.
PERSON = "coalesce(holder.member_id, 'badge ' || visit.badge_id)"
HOLDER = """
    LEFT JOIN pairing AS holder ON holder.badge_id = visit.badge_id
         AND holder.valid @> to_timestamp(visit.to_ms / 1000.0)
"""
COUNTS = f"""
    visit.to_ms - visit.from_ms >= {SHORTEST_MS}
    AND (holder.member_id IS NOT NULL OR EXISTS (SELECT FROM identity WHERE identity.badge_id = visit.badge_id))
    AND NOT EXISTS (
        SELECT FROM pairing
        WHERE pairing.badge_id = visit.badge_id
          AND pairing.valid
              && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
          AND {HIDDEN.format(member="pairing.member_id", venue="visit.venue_id")})
"""  # noqa: S608 -- texts of ours
