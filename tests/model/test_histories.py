"""The service against a plain model of its rules, step by step over generated histories."""

import os
import time
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Any

import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.model.histories import SHARES
from tests.model.play import Stage, play_new
from tests.model.programs import PROGRAMS

STEPS = 40
SHORT = 5
PARTS = 2
FULL = 5_000
EACH_ACCEPTED = 500
MOSTLY = 0.6
SAMPLE = 40

Record = Callable[[str, Any], None]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_service_agrees_with_a_plain_model_of_its_rules(
    db: Database, clock: SettableClock, program: str
) -> None:
    stage = Stage(db, clock, program)

    plays = [play_new(stage, f"short-{program}-{number}", STEPS) for number in range(SHORT)]

    # Every step was compared; most of them must have done something.
    assert sum(play.accepted.total() for play in plays) >= MOSTLY * SHORT * STEPS


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_service_agrees_over_thousands_of_histories(
    db: Database,
    clock: SettableClock,
    long_scale: float,
    record_property: Record,
    program: str,
    part: int,
) -> None:
    stage = Stage(db, clock, program)
    histories = ceil(FULL / PARTS / len(PROGRAMS) * long_scale)
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    moves: Counter[str] = Counter()
    # The same histories every time where results must not depend on luck; new ones elsewhere.
    luck = "fixed" if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else time.time_ns()

    for number in range(histories):
        play = play_new(stage, f"{luck}-{program}-{part}-{number}", STEPS)
        accepted += play.accepted
        refused += play.refused
        codes += play.codes
        moves += play.moves()

    record_property("histories", {program: histories})
    record_property("steps accepted", dict(accepted))
    record_property("steps refused", dict(refused))
    record_property("codes", dict(codes))
    record_property("tiers", dict(moves))
    assert accepted.total() >= MOSTLY * (accepted.total() + refused.total())
    # Fewer histories are no sample.
    least = EACH_ACCEPTED * histories // FULL if histories >= SAMPLE else 0
    assert moves.total() >= least
    assert {kind: accepted[kind] for kind in SHARES if accepted[kind] < least} == {}
