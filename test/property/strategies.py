"""What the tests draw: moments around the hardest nights of the calendars, and
of the last days; lengths around every limit; trees of badge criteria."""

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

ZONES = [
    "UTC",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
]
NO_ZONES = ["Mars/Olympus", "CEST", "UTC+3", "<+03>-3", ""]

# Clocks went forward or back over midnight, by half an hour, by a day; a month
# and a year began.
NIGHTS = [
    ("2010-11-07T02:31Z", "America/St_Johns"),  # 00:01 to 23:01
    ("2018-11-04T03:00Z", "America/Sao_Paulo"),  # no midnight
    ("2018-02-18T02:00Z", "America/Sao_Paulo"),  # midnight to 23:00
    ("2019-11-03T05:00Z", "America/Havana"),  # 01:00 to 00:00
    ("2019-10-26T21:00Z", "Asia/Beirut"),  # midnight to 23:00
    ("2020-04-04T15:00Z", "Australia/Lord_Howe"),  # half an hour back
    ("2011-12-30T10:00Z", "Pacific/Apia"),  # no 30 December
    ("2024-03-31T01:00Z", "Europe/Berlin"),  # 23 hours
    ("2024-10-27T01:00Z", "Europe/Berlin"),  # 25 hours
    ("2024-01-01T00:00Z", "UTC"),
]
LENGTHS = [1800, 1, 600, 899, 900, 900, 1800, 1800, 3600, 3600, 5400, 7200, 10800, 28800, 43200]
LENGTHS += [86399, 86400, 86401, 90000]


def parse(moment):
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


# The examples of a seeded run differ in this hour only.
HOUR = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
HALF_HOUR = timedelta(minutes=30)
RECENT = 14 * 48


def moment(near, steps, nudge):
    """So many half hours before this one, or around a night, and a bit later."""
    return (near or HOUR) + steps * HALF_HOUR + nudge


# Everything that is sampled is made here: Hypothesis reads the source of a
# function mapped over it again at every step.
lengths = st.sampled_from([timedelta(seconds=seconds) for seconds in LENGTHS])
zones = st.sampled_from(ZONES)
given_zones = st.sampled_from([None] * 12 + ZONES * 2 + NO_ZONES[:1]) | st.sampled_from([None] * 25 + NO_ZONES)
some_zones = st.sampled_from(ZONES * 2 + NO_ZONES)
picks = st.integers(0, 1000)
days = st.integers(1, 6)

_nudges = st.sampled_from([timedelta(seconds=seconds) for seconds in (0, 0, 0, 0, 0, 0, 1, 59, 0.5)])
_nights = st.sampled_from([parse(night) for night, _ in NIGHTS])
_recent = st.builds(moment, st.none(), st.integers(-RECENT, -1) | st.integers(-RECENT // 3, -1), _nudges)
_hard = st.builds(moment, _nights, st.integers(-60, 60), _nudges)
_future = st.just(HOUR + timedelta(days=2))
moments = st.one_of(*[_recent] * 8, *[_hard] * 5, _future)
# A night where it was hard, and when within it: some half hours before or after the clock's change.
hard_nights = st.sampled_from([(parse(night), zone) for night, zone in NIGHTS])
night_steps = st.integers(-50, 30)
past_moments = st.one_of(_recent, _hard)

_COMPARE = st.sampled_from(["gte", "gt", "lte", "lt", "eq"])
_THRESHOLDS = {
    "total_seconds": [0, 900, 3600, 5400, 86400, 100000],
    "project_seconds": [0, 900, 3600, 5400, 36000],
    "entry_count": [0, 1, 2, 3, 5],
    "longest_entry_seconds": [900, 3600, 10800, 86399, 86400],
    "best_day_seconds": [900, 3600, 28800, 50000],
    "best_week_seconds": [900, 7200, 86400],
    "current_streak_days": [0, 1, 2, 3],
    "longest_streak_days": [0, 1, 2, 3, 4],
    "active_days": [0, 1, 2, 3, 5],
    "projects_created": [0, 1, 2, 3],
    "projects_contributed": [0, 1, 2],
    "badges_earned": [0, 1, 2, 4],
    "account_age_days": [10, 400, 401],
}
_OF_DAYS = ("total_seconds", "entry_count", "active_days", "project_seconds")


@st.composite
def conditions(draw, projects):
    metric = draw(st.sampled_from(sorted(_THRESHOLDS)))
    threshold = draw(st.sampled_from(_THRESHOLDS[metric])) + draw(st.sampled_from([0, 0, 0, 0.5, -1]))
    condition = {"metric": metric, draw(_COMPARE): threshold}
    if metric == "project_seconds" and draw(st.booleans()):
        condition["project_id"] = draw(st.sampled_from(projects))
    if metric in _OF_DAYS and draw(st.booleans()):
        condition["last_days"] = draw(st.sampled_from([1, 2, 5, 3660]))
    return condition


def _groups(nodes):
    members = st.lists(nodes, min_size=1, max_size=4)
    return st.one_of(
        st.fixed_dictionaries({"all": members}),
        st.fixed_dictionaries({"any": members}),
        st.fixed_dictionaries({"not": nodes}),
    )


def depth(node):
    children = node.get("all") or node.get("any") or ([node["not"]] if "not" in node else [])
    return 1 + max(map(depth, children), default=0)


def trees(projects):
    return st.recursive(conditions(projects), _groups, max_leaves=10).filter(lambda tree: depth(tree) <= 8)


# The projects of the users that the state machine begins with.
criteria = trees((2, 3, 7, 10))
