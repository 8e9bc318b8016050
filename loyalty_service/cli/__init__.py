"""The command line: one module per group of commands, read only when one of them is run."""

from loyalty_service.cli.main import main

__all__ = ["main"]
