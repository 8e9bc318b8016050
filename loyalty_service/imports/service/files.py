"""Opening files of history, and saying what is wrong with those that cannot be read."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from loyalty_service.imports.rules.tables import LONGEST_LINE, FileFault


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a UTF-8 text file, unpacked where its name ends in ``.gz``.

    Raises:
        FileFault: it is not there, not packed as its name says, or not UTF-8.
    """
    try:
        with _open(path) as file:
            # A line that never ends is cut here and refused by whoever reads the lines.
            yield iter(partial(file.readline, LONGEST_LINE), "")
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise FileFault(f"not a whole gzip file: {error}") from None
    except UnicodeDecodeError as error:
        shown = error.object[error.start : error.start + 1].hex()
        raise FileFault(f"not UTF-8 text: byte 0x{shown} cannot stand where it does") from None
    except OSError as error:
        raise FileFault(error.strerror or str(error)) from None


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
