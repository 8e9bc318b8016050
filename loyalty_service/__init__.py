"""Points that can be proved: a loyalty and membership service."""
