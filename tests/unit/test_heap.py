"""Long work leaves the collector as it found it."""

import gc

from loyalty_service.kit.heap import BETWEEN_STEPS, settled


def test_within_the_block_cycles_are_looked_for_seldom_and_never_in_what_was_there():
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    with settled():
        assert gc.get_threshold()[0] == BETWEEN_STEPS
        assert gc.get_freeze_count() > frozen

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
