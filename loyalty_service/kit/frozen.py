"""Small values that are made once and never change, made cheaply."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A dataclass whose fields are set once; mypy refuses every later assignment.

    For what every call makes anew. At run time nothing is refused: Python's own frozen dataclasses
    set each field through a call, and that took a twelfth of a paid order's time. What is made
    once, as the program and the settings, is a ``dataclass(frozen=True)``.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
