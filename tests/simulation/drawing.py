"""Plans are drawn from a seed: what may happen, and how often.

What is drawn for one concern changes nothing about the others, so that a new kind of happening leaves the
rest of each seed as it was.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from tests.simulation.plan import (
    ETAGS_ALONE,
    GOOGLE,
    MASS_DELETION,
    THE_APP,
    UNDECIDED,
    Happening,
    Plan,
    Shape,
)

PEOPLE: Final = {
    "create": 6,
    "edit": 16,
    "drop": 2,
    "restore": 2,
    "born": 6,
    "google_edit": 16,
    "google_delete": 2,
    "google_undelete": 2,
    "google_reminders": 2,
    "google_extras": 2,
    "resolve": 2,
    "review": 1,
    "read_feed": 8,
}
"""What people do, and how often in proportion."""
SERIES: Final = {
    "app_creates": 2,
    "app_writes": 4,
    "app_moves": 4,
    "app_changes_rules": 2,
    "app_deletes": 2,
    "app_restores": 2,
    "google_creates": 2,
    "google_writes": 4,
    "google_moves": 4,
    "google_changes_rules": 2,
    "google_deletes": 2,
    "google_undeletes": 2,
    "read_feed": 6,
}
"""The same where series are edited."""
APP_ALONE: Final = {"app_writes": 1, "app_moves": 1, "app_deletes": 1}
GOOGLE_ALONE: Final = {
    "google_writes": 1,
    "google_moves": 1,
    "google_changes_rules": 1,
    "google_deletes": 1,
}
"""What one side does with series while the other one rests; what comes back with a restored series or a new
rule nobody sees before."""
LIFE: Final = {"relink": 2, "disconnect": 2, "initialize": 1, "revoke": 1, "ask_for_sync": 2}
"""What happens to a connection."""
MISHAPS: Final = {
    "call_fails": 10,
    "answer_lost": 8,
    "kill": 6,
    "cancel": 3,
    "pause": 4,
    "stop": 1,
    "tokens_forgotten": 2,
    "access_expires": 2,
    "listing_glitch": 2,
    "nothing_there": 1,
    "stale_pages": 2,
    "database_before": 2,
    "database_during": 2,
    "database_after": 3,
    "notifications_lost": 2,
    "notifications_doubled": 2,
    "notifications_late": 2,
    "channel_expires": 1,
    "google_clock": 1,
    "our_clock": 1,
}
"""What goes wrong."""
RARE: Final = {"pause_after_write": 4, "event_denied": 6, "tokens_raced": 2, "fight": 2}
"""What is drawn apart from all that: everything else about a seed is the same with it and without it."""
_RARE_SHARE: Final = 0.2
SECOND_THOUGHTS: Final = {"edit_several": 1, "take_back": 2}
"""What people do beside single edits of single things, drawn apart likewise."""
_SECOND_THOUGHTS_SHARE: Final = 0.25
_TOUCHES: Final = 0.1
"""In how many histories events get other etags though nothing of them has changed, and in how many of the
others all of them do at the end, while nobody but the app edits."""
_ERASURES: Final = 0.4
"""In how many histories of two users one of them is erased."""
MOVES: Final = {"move": 6, "move_and_edit": 3, "move_and_google_edit": 3}
CALENDARS: Final = {**MOVES, "leave_calendar": 1}
"""What people do with two calendars of one account beside all that, drawn apart likewise."""
CALENDARS_SHARE: Final = 0.125
"""How many histories have two, of those of single events."""
_BLAMELESS: Final = {
    "answer_lost": 4,
    "kill": 4,
    "cancel": 2,
    "pause": 2,
    "stop": 1,
    "tokens_forgotten": 1,
    "database_before": 1,
    "database_during": 1,
    "database_after": 2,
    "notifications_lost": 1,
}
"""What goes wrong without telling anything untrue."""
_SINGLE_EDITS: Final = {"edit": 2, "drop": 1}
"""What the app does with single events while nothing but etags changes in Google."""
MASS_DELETIONS: Final = 0.2
"""In how many histories much is deleted at the end, of those in which little is much."""
_WHILE_HELD: Final = {
    "edit": 2,
    "drop": 1,
    "born": 1,
    "google_undelete": 2,
    "tokens_forgotten": 1,
    "review": 1,
}
SHORT_CHANNELS_S: Final = 240.0
SERIES_SHARE: Final = 0.2
"""How many histories are of series."""


def draw(seed: int, *, edits: int = 12) -> Plan:
    """The plan of a seed.

    Args:
        seed: Any number.
        edits: How many things people do.
    """
    dice = random.Random(f"{seed} plan")
    shape = _with_limits(random.Random(f"{seed} limits"), _shape(random.Random(f"{seed} shape")))
    span = dice.choice((5.0, 20.0, 60.0, 300.0))
    if shape.series:
        happenings = _of_series(dice, span, edits)
    else:
        happenings = [_drawn(dice, PEOPLE, span) for _ in range(edits)]
        happenings += [Happening(0.1, kind, dice.getrandbits(48)) for kind in ("create", "born")]
    mishaps = _mishaps(random.Random(f"{seed} mishaps"), span)
    life = random.Random(f"{seed} life")
    if life.random() < 0.15:
        mishaps += [_drawn(life, LIFE, span) for _ in range(life.randrange(1, 4))]
    happenings += _mass_deletion(random.Random(f"{seed} mass deletion"), shape, span)
    mishaps += _rare(random.Random(f"{seed} rare"), span)
    happenings += _erasure(random.Random(f"{seed} erasure"), shape, span)
    happenings += _touches(random.Random(f"{seed} touches"), span, series=shape.series)
    if not shape.series:
        happenings += _second_thoughts(random.Random(f"{seed} second thoughts"), span)
    calendars = random.Random(f"{seed} calendars")
    if not shape.series and calendars.random() < CALENDARS_SHARE:
        shape = replace(shape, second_calendar=True)
        happenings += [_drawn(calendars, CALENDARS, span) for _ in range(calendars.randrange(2, 7))]
    return Plan(seed, shape, tuple(sorted([*happenings, *mishaps], key=lambda each: (each.act, each.at))))


def _of_series(dice: random.Random, span: float, edits: int) -> list[Happening]:
    first = [dice.choice(("app_creates", "google_creates")) for _ in range(dice.choice((1, 1, 2)))]
    happenings = [Happening(0.1, kind, dice.getrandbits(48)) for kind in first]
    happenings += [_drawn(dice, SERIES, span) for _ in range(dice.randrange(2, max(edits, 3)))]
    alone = [_drawn(dice, APP_ALONE, 2.0) for _ in range(dice.choice((1, 1, 2)))]
    alone += [_drawn(dice, _BLAMELESS, 3.0) for _ in range(dice.choice((0, 0, 1, 2)))]
    happenings += [replace(each, act=THE_APP) for each in alone]
    happenings.append(replace(_drawn(dice, GOOGLE_ALONE, 2.0), act=GOOGLE))
    return happenings


def _mass_deletion(dice: random.Random, shape: Shape, span: float) -> list[Happening]:
    """Sometimes in the middle of everything, else when nothing could vanish by anything else."""
    if shape.series or shape.brake_minimum > 1 or dice.random() >= MASS_DELETIONS:
        return []
    kind = {"google_mass_deletion": 1}
    if dice.random() < 0.25:
        return [_drawn(dice, kind, span)]
    deletion = replace(_drawn(dice, kind, 1.0), act=MASS_DELETION)
    mishaps = [_drawn(dice, _BLAMELESS, 3.0) for _ in range(dice.choice((0, 0, 1, 2)))]
    meanwhile = [_drawn(dice, _WHILE_HELD, 3.0) for _ in range(dice.choice((0, 1, 2)))]
    return [
        deletion,
        *(replace(each, act=MASS_DELETION) for each in mishaps),
        *(replace(each, act=UNDECIDED) for each in meanwhile),
    ]


def _shape(dice: random.Random) -> Shape:
    replicas = dice.choice((1, 2, 2, 3))
    skewed = dice.random() < 0.1
    return Shape(
        replicas=replicas,
        users=dice.choice((1,) * 9 + (2,)),
        webhooks=dice.random() < 0.7,
        page_size=dice.choice((1, 2, 2500)),
        skews_s=tuple(dice.uniform(-600, 600) if skewed else 0.0 for _ in range(replicas)),
        breaker_limit=dice.choice((2, 8, 8)),
        brake_minimum=dice.choice((1, 10)),
        confirm_one_by_one=dice.choice((1, 50)),
        slow=dice.choice((0.05, 0.5, 3.0)),
        series=dice.random() < SERIES_SHARE,
        orphans_are_gone=dice.random() < 0.5,
    )


def _with_limits(dice: random.Random, shape: Shape) -> Shape:
    """Seldom Google's clock is off all the time, or channels are replaced again and again."""
    match dice.randrange(12):
        case 0:
            return replace(shape, google_ahead_s=dice.choice((-600.0, -60.0, 60.0, 600.0)))
        case 1:
            return replace(shape, channels_last_s=SHORT_CHANNELS_S)
        case _:
            return shape


def _mishaps(dice: random.Random, span: float) -> list[Happening]:
    """Either few of many kinds or many of few: the shape of faults finds more than their number."""
    kinds = dict(MISHAPS)
    match dice.randrange(4):
        case 0:
            count = 0
        case 1:
            count = dice.randrange(1, 4)
        case 2:
            count = dice.randrange(3, 10)
        case _:
            chosen = dice.sample(sorted(kinds), 2)
            kinds = dict.fromkeys(chosen, 1)
            count = dice.randrange(2, 8)
    return [_drawn(dice, kinds, span) for _ in range(count)]


def _rare(dice: random.Random, span: float) -> list[Happening]:
    if dice.random() >= _RARE_SHARE:
        return []
    return [_drawn(dice, RARE, span) for _ in range(dice.randrange(1, 4))]


def _touches(dice: random.Random, span: float, *, series: bool) -> list[Happening]:
    """Sometimes in the middle of everything, else at the end, when only the app edits, or nobody."""
    kind = {"google_touches": 1}
    if dice.random() < _TOUCHES:
        return [_drawn(dice, kind, span) for _ in range(dice.randrange(1, 4))]
    if dice.random() >= _TOUCHES:
        return []
    mishaps = [_drawn(dice, _BLAMELESS, 3.0) for _ in range(dice.choice((0, 0, 1, 2)))]
    edits = [_drawn(dice, APP_ALONE if series else _SINGLE_EDITS, 2.0) for _ in range(dice.choice((0, 1, 2)))]
    alone = [_drawn(dice, {"google_touches all": 1}, 2.0), *mishaps, *edits]
    return [replace(each, act=ETAGS_ALONE) for each in alone]


def _erasure(dice: random.Random, shape: Shape, span: float) -> list[Happening]:
    if shape.users < 2 or dice.random() >= _ERASURES:
        return []
    return [_drawn(dice, {"erase": 1}, span)]


def _second_thoughts(dice: random.Random, span: float) -> list[Happening]:
    if dice.random() >= _SECOND_THOUGHTS_SHARE:
        return []
    return [_drawn(dice, SECOND_THOUGHTS, span) for _ in range(dice.randrange(1, 5))]


def _drawn(dice: random.Random, kinds: dict[str, int], span: float) -> Happening:
    (kind,) = dice.choices(list(kinds), weights=list(kinds.values()))
    return Happening(round(dice.uniform(0.2, span), 3), kind, dice.getrandbits(48))
