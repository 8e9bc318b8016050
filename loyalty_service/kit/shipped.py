"""Where the folders that travel beside the package are: in a checkout, or once installed."""

import sys
from pathlib import Path


def shipped_folder(name: str) -> Path:
    """The folder ``migrations`` or ``programs``, wherever this copy of the service has it.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    checkout = Path(__file__).resolve().parents[2]
    for place in (checkout / name, Path(sys.prefix) / "share" / "loyalty-service" / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"The folder {name!r} is missing from this installation.")
