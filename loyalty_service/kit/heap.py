"""What a long run has made before it begins, kept out of the garbage collector's way."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled() -> Iterator[None]:
    """Within the block nothing that was made before it is looked at by the collector.

    Looking at it again and again took a sixth of an import and a quarter of a night.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
