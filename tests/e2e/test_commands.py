"""Commands by themselves: what they print, what they refuse, and the code they end with."""

import os
import stat
from pathlib import Path

import jwt
import pytest

from loyalty_service.app import openapi_text
from loyalty_service.cli import main
from loyalty_service.cli.exits import Exit
from loyalty_service.cli.main import COMMANDS
from loyalty_service.kit.keys import create_key_file


@pytest.fixture(autouse=True)
def _settings(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("LOYALTY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOYALTY_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)


def ends_with(*command):
    with pytest.raises(SystemExit) as ended:
        main(list(command))
    return ended.value.code


def test_help_names_every_command_and_every_exit_code(capsys):
    assert ends_with("--help") == Exit.DONE

    said = capsys.readouterr().out
    assert all(f"  {command} " in said for command in COMMANDS)
    assert all(f"  {int(code)}  " in said for code in Exit)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command, capsys):
    assert ends_with(command, "--help") == Exit.DONE
    assert len(capsys.readouterr().out) > 100


def test_an_unknown_command_is_a_matter_of_usage():
    assert ends_with("paint") == Exit.USAGE


def test_wrong_settings_are_told_all_at_once(monkeypatch, capsys):
    monkeypatch.setenv("LOYALTY_PORT", "eighty")
    monkeypatch.setenv("LOYALTY_THREADS", "many")

    assert ends_with("migrate") == Exit.SETTINGS

    said = capsys.readouterr().err
    assert "LOYALTY_PORT: Not a valid integer. It is set to 'eighty'." in said
    assert "LOYALTY_THREADS" in said


def test_a_token_is_signed_with_the_local_key_and_printed_alone(tmp_path, capsys):
    create_key_file(tmp_path / "var" / "dev-keys.json")

    assert ends_with("token", "--scope", "self", "--subject", "mei", "--hours", "2") == Exit.DONE

    printed = capsys.readouterr().out.strip()
    claims = jwt.decode(printed, options={"verify_signature": False})
    assert (claims["sub"], claims["scope"]) == ("mei", "self")
    assert claims["exp"] - claims["iat"] == 7_200
    mode = stat.S_IMODE((tmp_path / "var" / "dev-keys.json").stat().st_mode)
    assert mode == 0o600


def test_without_a_key_file_no_token_is_signed(capsys):
    assert ends_with("token", "--scope", "self", "--subject", "mei") == Exit.SETTINGS
    said = capsys.readouterr().err
    assert "--demo" in said
    assert "LOYALTY_DATA_DIR" in said


def test_a_key_file_of_ones_own_that_is_missing_is_blamed_on_its_setting(monkeypatch, capsys):
    monkeypatch.setenv("LOYALTY_JWT_KEYS", "/nowhere/jwks.json")

    assert ends_with("token", "--scope", "self", "--subject", "mei") == Exit.SETTINGS
    said = capsys.readouterr().err
    assert "/nowhere/jwks.json" in said
    assert "LOYALTY_JWT_KEYS names it" in said


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("jobs", "run", "catch-up", "--dry-run", "--at"), "from 1900 to 2999"),
        (("ledger", "verify", "--at"), "from 1900 to 2999"),
        (("import", "members", "none.csv", "--as-of"), "as 2026-03-31T16:00:00Z"),
    ],
)
@pytest.mark.parametrize(
    "instant", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+08:00"]
)
def test_an_instant_at_the_edge_of_the_calendar_is_a_matter_of_usage(
    command, says, instant, capsys
):
    assert ends_with(*command, instant) == Exit.USAGE
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ("report", "points", "--from"),
        ("report", "points", "--until"),
        ("report", "liability", "--at"),
        ("program", "diff", "1", "1", "--until"),
    ],
)
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30", "2026-3-31x"])
def test_a_day_that_is_none_or_at_the_edge_of_the_calendar_is_a_matter_of_usage(command, day):
    assert ends_with(*command, day) == Exit.USAGE


def test_keys_at_an_address_sign_nothing_here(monkeypatch, capsys):
    monkeypatch.setenv("LOYALTY_JWT_KEYS", "https://keys.example/jwks.json")

    assert ends_with("token", "--scope", "self", "--subject", "mei") == Exit.SETTINGS
    assert "issuer" in capsys.readouterr().err


def test_the_contract_is_written_and_then_agrees_with_the_code(capsys):
    assert ends_with("openapi", "--write") == Exit.DONE
    assert ends_with("openapi", "--check") == Exit.DONE
    assert Path("openapi.yaml").read_text(encoding="utf-8") == openapi_text()


def test_a_contract_that_drifted_is_shown_where(capsys):
    Path("openapi.yaml").write_text(openapi_text().replace("openapi: 3.1.0", "openapi: 3.0.0"))

    assert ends_with("openapi", "--check") == Exit.FOUND_WRONG

    said = capsys.readouterr().err
    assert "-openapi: 3.0.0" in said
    assert "make openapi" in said


@pytest.mark.parametrize("command", [["program", "show"], ["ledger", "verify"]])
def test_a_short_command_begins_no_database_of_its_own(command, tmp_path, capsys):
    assert ends_with(*command) == Exit.NO_DATABASE

    assert "LOYALTY_DATA_DIR" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()
