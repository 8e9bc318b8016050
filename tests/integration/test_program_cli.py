"""`loyalty program`: faults with file and line, codes for scripts, the program in words."""

import io
import json
import sys
from pathlib import Path

import pytest

from loyalty_service.cli.main import main
from loyalty_service.kit.db import Database
from tests.factories import PLAIN

SAMPLE = Path(__file__).parents[2] / "programs" / "sample.yaml"


class Ended:
    """How a command ended and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Typed(io.BytesIO):
    """What comes by standard input."""

    name = "<stdin>"


@pytest.fixture
def loyalty(capsys: pytest.CaptureFixture[str]):
    def run(*args: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["program", *args])
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def on_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)


def test_a_sound_document_is_told_in_words(loyalty) -> None:
    ended = loyalty("check", str(SAMPLE))

    assert ended.code == 0
    assert "Rules\n  - Shopping (Points): 1 point per CNY 1.00 except on gift_card\n" in ended.out
    assert ended.out.endswith("sample.yaml: no faults.\n")


def test_the_words_may_be_chinese(loyalty) -> None:
    ended = loyalty("check", "--lang=zh", str(SAMPLE))

    assert "规则\n  - 购物（积分）：gift_card 类商品除外" in ended.out
    assert ended.out.endswith("sample.yaml：没有错误。\n")


def test_every_fault_is_told_with_file_and_line(loyalty, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(PLAIN.replace("floor", "flor").replace("CNY", "RMB"), "utf-8")

    ended = loyalty("check", str(broken))

    assert ended.code == 1
    assert ended.err == ""
    assert ended.out.splitlines() == [
        f'{broken}:3: currency: found "RMB" (expected an ISO 4217 code as CNY)',
        (
            f'{broken}:5: rounding: found "flor"; did you mean floor? '
            "(expected one of floor, half_up, half_even, ceiling)"
        ),
        "2 faults.",
    ]


def test_a_document_comes_by_standard_input_too(loyalty, monkeypatch) -> None:
    text = PLAIN.replace("floor", "flor").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Typed(text), encoding="utf-8"))

    ended = loyalty("check", "-")

    assert ended.code == 1
    assert ended.out.startswith("<stdin>:5: rounding")
    assert ended.out.endswith("\n1 fault.\n")


def test_what_is_no_text_is_told_plainly(loyalty, tmp_path: Path) -> None:
    file = tmp_path / "image.png"
    file.write_bytes(b"\x89PNG")

    ended = loyalty("check", str(file))

    assert (ended.code, ended.out) == (1, f"{file}: not UTF-8 at byte 0\n")


@pytest.mark.usefixtures("on_database")
def test_faults_that_keep_a_document_from_being_applied_are_an_error(loyalty, tmp_path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(PLAIN.replace("floor", "flor"), "utf-8")

    ended = loyalty("apply", str(broken))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith("\n1 fault.\n")


@pytest.mark.usefixtures("on_database")
def test_a_document_is_applied_once_and_shown(loyalty, db: Database) -> None:
    first = loyalty("apply", str(SAMPLE), "--by=Lan")
    again = loyalty("apply", str(SAMPLE))
    shown = loyalty("show")

    assert (first.code, again.code, shown.code) == (0, 0, 0)
    assert first.out == f"{SAMPLE}: version 1 is in force.\n"
    assert again.out == f"{SAMPLE}: version 1 is in force already.\n"
    assert db.fetch("SELECT version, applied_by FROM program_version") == [(1, "Lan")]
    assert shown.out.startswith("Version 1, in force since 20")
    assert " +0800, by Lan.\n" in shown.out
    assert "Shopping (Points): 1 point per CNY 1.00" in shown.out


@pytest.mark.usefixtures("on_database")
def test_the_stored_document_can_be_taken_out_and_applied_again(loyalty, tmp_path: Path) -> None:
    loyalty("apply", str(SAMPLE))
    stored = tmp_path / "stored.json"

    stored.write_text(loyalty("show", "--document").out, "utf-8")

    assert json.loads(stored.read_text("utf-8"))["program"] == "sample"
    assert loyalty("apply", str(stored)).out == f"{stored}: version 1 is in force already.\n"


@pytest.mark.usefixtures("on_database")
def test_without_a_program_there_is_nothing_to_show(loyalty) -> None:
    ended = loyalty("show")

    assert (ended.code, ended.err) == (1, "No program has been applied yet.\n")


@pytest.mark.usefixtures("on_database")
def test_what_a_running_program_cannot_change_is_refused(loyalty, tmp_path: Path) -> None:
    loyalty("apply", str(SAMPLE))
    moved = tmp_path / "moved.yaml"
    moved.write_text(SAMPLE.read_text("utf-8").replace("Asia/Shanghai", "Asia/Tokyo"), "utf-8")

    ended = loyalty("apply", str(moved))

    assert (ended.code, ended.err) == (
        1,
        "A running program keeps its time zone Asia/Shanghai, not Asia/Tokyo.\n",
    )
