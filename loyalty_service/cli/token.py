"""`loyalty token`, and the key it signs with."""

from pathlib import Path

import click

from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.config import Config, read_config

DAY_S = 86_400


def key_path(config: Config) -> Path:
    """The file of the key that development tokens are signed with."""
    if config.jwt_keys is None:
        return config.data_dir / "dev-keys.json"
    if "://" in config.jwt_keys:
        raise Fault(
            Exit.SETTINGS,
            "LOYALTY_JWT_KEYS is an address: tokens come from its issuer, not from here.",
        )
    return Path(config.jwt_keys)


def sign(config: Config, subject: str, scopes: tuple[str, ...], lifetime_s: int = DAY_S) -> str:
    """Sign a token with the first private key of the key file.

    Raises:
        KeyFault: the file cannot be used.
        Fault: it has no private key, or a scope does not exist.
    """
    from loyalty_service.kit.auth import mint_token
    from loyalty_service.kit.keys import KeyFault, read_key_set

    path = key_path(config)
    try:
        keys = read_key_set(path.read_bytes())
    except OSError as error:
        raise KeyFault(
            f"The key file {path} cannot be read ({error.strerror}). {_advice(config)}"
        ) from None
    key = next((key for key in keys.values() if key.signing is not None), None)
    if key is None:
        raise Fault(Exit.SETTINGS, f"The key file {path} holds no private key to sign with.")
    return mint_token(
        key,
        issuer=config.jwt_issuer,
        audience=config.jwt_audience,
        subject=subject,
        scopes=scopes,
        lifetime_s=lifetime_s,
    )


def _advice(config: Config) -> str:
    if config.jwt_keys is not None:
        return "LOYALTY_JWT_KEYS names it."
    return (
        "`loyalty serve --demo` makes one. Run this in the folder where it was started, or set "
        "LOYALTY_DATA_DIR to its data folder, or name a file of yours in LOYALTY_JWT_KEYS."
    )


@click.command()
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(["checkout", "members", "self", "operator", "import"]),
    help="What the token may do; repeat for more.",
)
@click.option("--subject", required=True, help="Who it speaks for: a name, or a member's ref.")
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 366),
    default=24,
    show_default=True,
    help="Until it expires.",
)
def token(scopes: tuple[str, ...], subject: str, hours: int) -> None:
    """Sign an access token with a local key, for trying things.

    The token alone goes to standard output: TOKEN=$(loyalty token --scope checkout --subject pos)
    """
    click.echo(sign(read_config(), subject, scopes, hours * 3_600))
