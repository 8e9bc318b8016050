"""Values that are made once: told apart by what they hold, and never changed."""

from dataclasses import replace
from pathlib import Path

from mypy import api

from loyalty_service.kit.frozen import frozen


@frozen
class Pair:
    left: int
    right: str = "R"


def test_two_values_are_the_same_if_they_hold_the_same() -> None:
    pair = Pair(1)

    assert pair == Pair(1, "R") == replace(Pair(2), left=1)
    assert {pair: "found"}[Pair(1)] == "found"
    assert not hasattr(pair, "__dict__")


def test_mypy_refuses_to_change_a_value(tmp_path: Path) -> None:
    source = tmp_path / "changing.py"
    source.write_text(
        "from loyalty_service.kit.frozen import frozen\n"
        "@frozen\n"
        "class Pair:\n"
        "    left: int\n"
        "Pair(1).left = 2\n"
    )

    told, _, status = api.run([str(source), f"--cache-dir={tmp_path}", "--follow-imports=silent"])

    assert status == 1
    assert 'changing.py:5: error: Property "left" defined in "Pair" is read-only' in told
