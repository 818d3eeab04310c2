"""The settings, section by section; what each means and why it has its default stands in defaults.toml."""

import dataclasses
import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclasses.dataclass(frozen=True, slots=True)
class Broker:
    """Where MQTT is and as whom this process speaks there."""

    host: str
    port: int
    user: str
    password: str
    admin_user: str
    admin_password: str
    keepalive_s: int


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """Where PostgreSQL with PostGIS is."""

    host: str
    port: int
    name: str
    user: str
    password: str
    dsn: str
    pool: int

    @property
    def conninfo(self) -> str:
        """The libpq connection string, `dsn` if one is set."""
        if self.dsn:
            return self.dsn
        quoted = {
            key: str(value).replace("\\", "\\\\").replace("'", "\\'")
            for key, value in {
                "host": self.host,
                "port": self.port,
                "dbname": self.name,
                "user": self.user,
                "password": self.password,
            }.items()
            if value != ""
        }
        return " ".join(f"{key}='{value}'" for key, value in quoted.items())


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """The HTTP server."""

    host: str
    port: int
    public_url: str
    tls_file: str
    https_port: int
    demo: bool
    session_days: int
    sign_in_link_minutes: int
    trusted_proxies: str
    own_uuids: str
    upload_mb: int

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the proxies that stand before this server."""
        return parse_networks(self.trusted_proxies)

    @property
    def own_uuid_prefixes(self) -> tuple[bytes, ...]:
        """The uuids, or their beginnings, that only badges of this server show."""
        return parse_uuids(self.own_uuids)

    @property
    def url(self) -> str:
        """Where members reach the server, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """How members sign in and are forgotten."""

    code_minutes: int
    guest_days: int
    passwords: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How often what can be guessed may be tried, and how many letters are sent."""

    letters_at_once: int
    letters_per_h: int
    asks_at_once: int
    asks_per_h: int
    guesses_at_once: int
    guesses_per_h: int
    all_guesses_at_once: int
    all_guesses_per_h: int
    password_tries_at_once: int
    password_tries_per_h: int
    digits_tries_at_once: int
    digits_tries_per_h: int
    pictures_at_once: int
    pictures_per_h: int
    phone_at_once: int
    phone_per_h: int


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """The mail server that takes our letters."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    timeout_s: int
    keep_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class Gateway:
    """The process that turns reports into presence."""

    id: str
    shards: str
    batch_reports: int
    batch_wait_s: float
    queue_reports: int
    queue_mb: int
    coalesce_s: float
    coverage_s: float
    comeback_s: float
    late_s: float
    future_max_s: float
    report_max_age_s: float
    refused_keep_days: int
    health_s: float

    @property
    def owned(self) -> frozenset[int]:
        """The shards this gateway takes, as numbers from 0 to 63."""
        return parse_shards(self.shards)


@dataclasses.dataclass(frozen=True, slots=True)
class Agent:
    """The program on the Pi."""

    id: str
    key: str
    folder: str
    adapter: str
    window_s: float
    resend_s: float
    in_flight: int
    spool_mb: int
    spool_max_age_s: float
    merge_s: float
    merge_more_s: float
    clock: str
    deaf_after_s: float
    unknown_config_wait_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Presence:
    """The constants of presence (design: spans, visits, stays, states)."""

    heard_gap_s: float
    join_gap_s: float
    away_after_s: float
    rhythm_max_s: float
    beacon_learn_s: float
    beacon_gap_s: float
    given_up_after_s: float
    unjudged_s: float
    slot_s: int
    smooth_slots: int
    switch_margin_db: float
    settle_slots: int
    lost_slots: int


@dataclasses.dataclass(frozen=True, slots=True)
class Checkin:
    """The defaults of a step's check-in rule, and how near a phone has to be."""

    dwell_signed_up_s: float
    dwell_walk_in_s: float
    opens_before_s: float
    position_radius_m: float


@dataclasses.dataclass(frozen=True, slots=True)
class Fences:
    """How near to a place a phone has to be, for how long, and who is told of it when."""

    enter_m: float
    exit_m: float
    approach_m: float
    dwell_s: float
    gap_s: float
    before_s: float
    late_s: float
    remind_s: float
    keep_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Company:
    """When two members are near each other, and how often they are told."""

    near_m: float
    apart_m: float
    accuracy_m: float
    fresh_s: float
    per_day: int
    again_h: float
    keep_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class PopUps:
    """When people are asked to gather on the spot, and when that is over."""

    people: int
    yes: int
    most_people: int
    near_m: float
    reach_m: float
    accuracy_m: float
    fresh_s: float
    heard_s: float
    offer_s: float
    after_no_days: float
    again_h: float
    longest_h: float
    gone_m: float
    gone_s: float
    silent_s: float
    most_looked_at: int
    keep_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class Invitations:
    """How often a shop may invite who is near, how many, and how new a position has to be."""

    per_day: int
    per_week: int
    most: int
    fresh_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Phones:
    """What phones tell, and where they reach the broker."""

    queue_messages: int
    batch_messages: int
    heard_gap_s: float
    mqtt_host: str
    mqtt_port: int
    mqtt_tls: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Life:
    """When a community without gatherings is quiet, asleep and dissolved."""

    quiet_days: int
    asleep_days: int
    dissolve_days: int
    warn_days: int
    names_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class Webhooks:
    """News that go to addresses which hosts chose."""

    allow_private: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Push:
    """Messages to browsers, by the push services of their makers."""

    key: str
    contact: str
    allow_private: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Up:
    """What `muster up` makes."""

    folder: str
    demo: bool
    lan: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Audience:
    """How many members near are told of a gathering, and when."""

    most: int
    least_points: float
    settle_s: float
    ahead_days: float
    last_places_s: float
    per_place: int
    wave_s: float
    proposal_s: float
    per_missing: int
    proposal_wave_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Posts:
    """What members write: how much, and what of it floats."""

    at_once: int
    per_h: int
    newcomer_per_day: int
    edit_minutes: int
    members_hide: int
    hides_per_day: int
    word_after_h: int
    came: float
    stayed: float
    came_again: float
    again_days: int
    end_minutes: int
    half_days: float
    start: float
    start_half_h: float
    start_h: float
    beacon_weight: float
    screen_weight: float
    qr_weight: float
    phone_weight: float
    heard_weight: float
    poster_weight: float
    manual_weight: float


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """All settings of muster, one section each."""

    broker: Broker
    database: Database
    server: Server
    people: People
    limits: Limits
    mail: Mail
    gateway: Gateway
    agent: Agent
    presence: Presence
    checkin: Checkin
    fences: Fences
    company: Company
    pop_ups: PopUps
    audience: Audience
    invitations: Invitations
    phones: Phones
    life: Life
    webhooks: Webhooks
    push: Push
    posts: Posts
    up: Up


# Bounds of numbers, lowest and highest that make sense; what is not named here may be anything of its type from 0 up.


def parse_shards(text: str) -> frozenset[int]:
    """Reads `00-3f` or `00-1f,2a` (two hex digits each, up to 3f) as shard numbers.

    Raises ValueError with a sentence when the text is not of that form.
    """
    shards: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        try:
            low, high = int(first, 16), int(last or first, 16)
        except ValueError:
            raise ValueError("shards are two hex digits each, such as 00-3f or 00-1f,2a") from None
        if not 0 <= low <= high <= 0x3F:
            raise ValueError("shards run from 00 to 3f, the lower one first")
        shards.update(range(low, high + 1))
    return frozenset(shards)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Reads addresses and networks such as `10.0.0.0/8, ::1`.

    Raises ValueError with a sentence when the text is not of that form.
    """
    try:
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(
            f"proxies are addresses or networks separated by commas, such as 10.0.0.0/8 ({error})"
        ) from None


def parse_uuids(text: str) -> tuple[bytes, ...]:
    """Reads uuids or their beginnings (whole bytes as hex digits, hyphens allowed), separated by commas.

    Raises ValueError with a sentence when the text is not of that form.
    """
    found: list[bytes] = []
    for part in text.split(",") if text.strip() else ():
        digits = part.strip().replace("-", "")
        try:
            prefix = bytes.fromhex(digits)
        except ValueError:
            prefix = b""
        # Two bytes of a uuid are shared by one stranger's beacon in 65,536: fewer would listen to the whole city.
        if not 2 <= len(prefix) <= 16:
            raise ValueError("uuids are 4 to 32 hex digits each, separated by commas, such as daf246ce-f201")
        found.append(prefix)
    return tuple(found)
