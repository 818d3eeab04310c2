"""What settings may not say together: each alone is possible, and both at once would make muster lie."""

import email.utils
from collections.abc import Iterator

from config.sections import Settings


def contradictions(settings: Settings) -> Iterator[str]:
    """A sentence for each, naming the keys, their values and what would be right."""
    yield from _gaps(settings)
    yield from _lags(settings)
    yield from _beacons(settings)
    yield from _spool(settings)
    yield from _https(settings)
    yield from _mail(settings)
    yield from _life(settings)
    yield from _fences(settings)


def _wrong(key: str, value: object, right: str) -> str:
    return f"{key} is {value!r} (from the settings): {right}"


def _gaps(settings: Settings) -> Iterator[str]:
    presence = settings.presence
    if not presence.away_after_s < presence.heard_gap_s < presence.join_gap_s:
        yield (
            "presence.away_after_s, heard_gap_s and join_gap_s must grow in this order"
            f" (now {presence.away_after_s:g}, {presence.heard_gap_s:g}, {presence.join_gap_s:g})"
        )
    if 60 % presence.slot_s:
        yield _wrong("presence.slot_s", presence.slot_s, "it must divide 60")
    if not presence.away_after_s <= presence.rhythm_max_s < presence.join_gap_s:
        right = "it must be at least away_after_s, and less than join_gap_s: who has left is not away any more"
        yield _wrong("presence.rhythm_max_s", presence.rhythm_max_s, right)


def _lags(settings: Settings) -> Iterator[str]:
    presence, gateway, agent = settings.presence, settings.gateway, settings.agent
    # A badge's newest reading may be unrecorded for so long although the coverage after it is recorded: it must not
    # look away for that.
    lag_s = gateway.comeback_s + gateway.coalesce_s + agent.window_s + gateway.batch_wait_s
    if lag_s >= presence.away_after_s + presence.unjudged_s:
        yield (
            "gateway.comeback_s, gateway.coalesce_s, agent.window_s and gateway.batch_wait_s together"
            f" ({lag_s:g}) must be less than presence.away_after_s and unjudged_s together"
            f" ({presence.away_after_s + presence.unjudged_s:g}): badges would look away that are there"
        )
    if gateway.coverage_s + agent.window_s + gateway.batch_wait_s >= presence.unjudged_s:
        yield (
            "gateway.coverage_s, agent.window_s and gateway.batch_wait_s together must be less than"
            f" presence.unjudged_s ({presence.unjudged_s:g}): every venue would look unknown"
        )


def _beacons(settings: Settings) -> Iterator[str]:
    presence = settings.presence
    if not presence.heard_gap_s < presence.beacon_gap_s < presence.join_gap_s:
        right = "it must be more than heard_gap_s, and less than join_gap_s, or a deaf agent would let people leave"
        yield _wrong("presence.beacon_gap_s", presence.beacon_gap_s, right)
    if presence.beacon_learn_s <= presence.beacon_gap_s:
        right = (
            "it must be more than beacon_gap_s: a beacon is known once it was heard for longer than it may be missed"
        )
        yield _wrong("presence.beacon_learn_s", presence.beacon_learn_s, right)
    agent = settings.agent
    if presence.beacon_gap_s + agent.window_s >= agent.deaf_after_s:
        right = (
            f"it and agent.window_s ({agent.window_s:g}) must together be less than agent.deaf_after_s"
            f" ({agent.deaf_after_s:g}), or the time before a stall is noticed would count as listened"
        )
        yield _wrong("presence.beacon_gap_s", presence.beacon_gap_s, right)


def _spool(settings: Settings) -> Iterator[str]:
    agent, heard_gap_s = settings.agent, settings.presence.heard_gap_s
    if not agent.window_s <= agent.merge_s <= agent.merge_more_s < heard_gap_s:
        yield (
            "agent.window_s, agent.merge_s, agent.merge_more_s and presence.heard_gap_s must grow in this order, or"
            " merged windows would join what was apart"
            f" (now {agent.window_s:g}, {agent.merge_s:g}, {agent.merge_more_s:g}, {heard_gap_s:g})"
        )
    if agent.merge_more_s % agent.merge_s:
        right = f"it must be a multiple of agent.merge_s, {agent.merge_s:g}"
        yield _wrong("agent.merge_more_s", agent.merge_more_s, right)
    if not agent.spool_max_age_s < settings.gateway.report_max_age_s:
        right = f"it must be below gateway.report_max_age_s, {settings.gateway.report_max_age_s:g}"
        yield _wrong("agent.spool_max_age_s", agent.spool_max_age_s, right)
    if agent.clock not in {"auto", "system"}:
        yield _wrong("agent.clock", agent.clock, "it must be auto or system")


def _https(settings: Settings) -> Iterator[str]:
    server = settings.server
    if (server.tls_file or settings.up.lan) and server.https_port == server.port:
        yield _wrong("server.https_port", server.https_port, "it must not be server.port: HTTPS is served beside HTTP")


def _mail(settings: Settings) -> Iterator[str]:
    mail = settings.mail
    if mail.security not in {"none", "starttls", "tls"}:
        yield _wrong("mail.security", mail.security, "it must be none, starttls or tls")
    if mail.host and not _is_sender(mail.sender):
        yield _wrong("mail.sender", mail.sender, 'it must be an address such as "Muster <muster@example.org>"')
    if mail.user and mail.security == "none" and mail.host not in {"localhost", "127.0.0.1", "::1"}:
        yield _wrong("mail.security", mail.security, "it must be starttls or tls, or the password would travel openly")


def _is_sender(text: str) -> bool:
    _, address = email.utils.parseaddr(text)
    return text.isprintable() and address.count("@") == 1 and not address.startswith("@") and not address.endswith("@")


def _life(settings: Settings) -> Iterator[str]:
    life = settings.life
    if not life.quiet_days < life.asleep_days < life.dissolve_days - life.warn_days:
        yield (
            "life.quiet_days, asleep_days and dissolve_days less warn_days must grow in this order"
            f" (now {life.quiet_days}, {life.asleep_days}, {life.dissolve_days} less {life.warn_days})"
        )


def _fences(settings: Settings) -> Iterator[str]:
    fences, company = settings.fences, settings.company
    if not fences.enter_m < fences.exit_m <= fences.approach_m:
        yield (
            "fences.enter_m, exit_m and approach_m must grow in this order, or phones would come and go at once"
            f" (now {fences.enter_m:g}, {fences.exit_m:g}, {fences.approach_m:g})"
        )
    if not company.near_m < company.apart_m:
        right = f"it must be more than company.near_m, {company.near_m:g}, or two would meet and part at once"
        yield _wrong("company.apart_m", company.apart_m, right)
    pop_ups = settings.pop_ups
    if not pop_ups.yes <= pop_ups.people <= pop_ups.most_people:
        yield (
            "pop_ups.yes, people and most_people must grow in this order, or no offer could come to anything"
            f" (now {pop_ups.yes}, {pop_ups.people}, {pop_ups.most_people})"
        )
    if not pop_ups.near_m + pop_ups.reach_m <= pop_ups.gone_m:
        right = f"it must be at least near_m and reach_m together, {pop_ups.near_m + pop_ups.reach_m:g}"
        yield _wrong("pop_ups.gone_m", pop_ups.gone_m, f"{right}, or who is asked there would have left already")
    if not max(pop_ups.after_no_days, pop_ups.again_h / 24) < pop_ups.keep_days:
        yield _wrong("pop_ups.keep_days", pop_ups.keep_days, "it must be more than after_no_days and again_h")
    if fences.keep_s <= fences.gap_s:
        right = f"it must be more than fences.gap_s, {fences.gap_s:g}, or a phone that lies still would come anew"
        yield _wrong("fences.keep_s", fences.keep_s, right)
