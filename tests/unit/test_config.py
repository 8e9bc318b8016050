"""The settings: read once, all faults in one message."""

import pytest

from loyalty_service.config import ConfigFault, read_config


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("LOYALTY_")]:
        monkeypatch.delenv(name)


def test_without_settings_the_embedded_database_is_meant():
    config = read_config()

    assert config.database_url is None
    assert config.port == 8000


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_way_of_writing_postgres_means_our_driver(monkeypatch, scheme):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", f"{scheme}://shop@db.example/loyalty")

    assert read_config().database_url == "postgresql+psycopg2://shop@db.example/loyalty"


def test_all_faults_are_told_in_one_message(monkeypatch):
    monkeypatch.setenv("LOYALTY_PORT", "eighty")
    monkeypatch.setenv("LOYALTY_WORKERS", "0")
    monkeypatch.setenv("LOYALTY_DATABASE_URL", "mysql://db.example/loyalty")
    monkeypatch.setenv("LOYALTY_JWT_KEYS", "http://keys.example/jwks.json")

    with pytest.raises(ConfigFault) as caught:
        read_config()

    for knob in ("PORT", "WORKERS", "DATABASE_URL", "JWT_KEYS"):
        assert f"LOYALTY_{knob}: " in str(caught.value)


def test_a_misspelt_setting_is_told_instead_of_ignored(monkeypatch):
    monkeypatch.setenv("LOYALTY_THREDS", "8")

    with pytest.raises(ConfigFault, match="LOYALTY_THREDS: no such setting"):
        read_config()
