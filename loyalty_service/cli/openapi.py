"""`loyalty openapi`."""

import difflib
from pathlib import Path

import click

from loyalty_service.cli.exits import Exit, Fault


@click.command()
@click.option("--write", "mode", flag_value="write", help="Write it to FILE.")
@click.option("--check", "mode", flag_value="check", help="Fail when FILE differs from the code.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("openapi.yaml"),
    show_default=True,
    help="The file to write or to compare with.",
)
def openapi(mode: str | None, path: Path) -> None:
    """Print the contract (OpenAPI 3.1) as the code has it."""
    from loyalty_service.app import openapi_text

    text = openapi_text()
    if mode == "write":
        path.write_text(text, encoding="utf-8")
        click.echo(f"Written: {path}")
    elif mode == "check":
        _compare(path, text)
    else:
        click.echo(text, nl=False)


def _compare(path: Path, text: str) -> None:
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    if kept == text:
        click.echo(f"{path} says what the code does.")
        return
    lines = difflib.unified_diff(
        kept.splitlines(), text.splitlines(), str(path), "the code", n=1, lineterm=""
    )
    shown = "\n".join(list(lines)[:60])
    raise Fault(Exit.FOUND_WRONG, f"{shown}\n{path} differs from the code; run `make openapi`.")
