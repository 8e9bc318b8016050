"""What outside names of members look like, in addresses and in bodies."""

REF_PATTERN = r"[A-Za-z0-9._~-]{1,64}"
KIND_PATTERN = r"[a-z][a-z0-9_]{0,19}"
MEMBER_REF_PATTERN = rf"(?:{KIND_PATTERN}:)?{REF_PATTERN}"

PERSONAL_KINDS = ("phone", "mail")
"""Kinds whose values are kept only as keyed hashes, and never stand in an address."""
MOST_PERSONAL = 254
"""Characters of a personal value: no mail address is longer."""
# Control characters and the two non-characters of the basic plane, as in all text on the wire.
HIDDEN = r"\x00-\x1f\x7f-\x9f\ufffe\uffff"
PERSONAL_PATTERN = rf"[^{HIDDEN}\s](?:[^{HIDDEN}]{{0,{MOST_PERSONAL - 2}}}[^{HIDDEN}\s])?"
PERSONAL_REF_PATTERN = rf"(?:{'|'.join(PERSONAL_KINDS)}):{PERSONAL_PATTERN}"
ANY_REF_PATTERN = rf"(?:{PERSONAL_REF_PATTERN}|{MEMBER_REF_PATTERN})"
"""A name in a body: there it may be personal too."""
