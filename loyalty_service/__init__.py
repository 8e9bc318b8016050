"""Points that can be proved: a loyalty and membership service."""

__version__ = "0.1.0"
