"""The shape of programs on the wire."""

from typing import Any

from marshmallow import ValidationError, fields

from loyalty_service.kit.fields import (
    Body,
    Choice,
    Count,
    Cursor,
    Flag,
    Instant,
    Query,
    Strict,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.program.rules.nodes import MAX_CHARACTERS
from loyalty_service.program.rules.reading import MAX_FAULTS

LANGUAGES = ("en", "zh")
MOST_LINES = 1_000


class DocumentText(Strict):
    """A program document as text, YAML or JSON; what it says is checked by the rules."""

    def read(self, value: Any) -> str:
        if type(value) is not str:
            raise ValidationError("must be text")
        if not 1 <= len(value) <= MAX_CHARACTERS:
            raise ValidationError(f"must have 1 to {MAX_CHARACTERS} characters")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}


class DocumentObject(Strict):
    """A program document as it is stored."""

    def read(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise ValidationError("must be an object")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}


class LanguageQuery(Query):
    """``lang`` goes before the header Accept-Language."""

    lang = Choice(LANGUAGES, **about("of the words; instead of Accept-Language"))


class VersionsQuery(Query):
    """A page of versions, newest first."""

    cursor = Cursor(**about("next of the page before"))
    limit = Count(1, 200, **about("most versions on the page; left out: 50"))


class ApplySchema(Body):
    """A document to check or to put in force."""

    document = DocumentText(
        required=True,
        **about(
            "the whole program as one text, YAML or JSON; programs/sample.yaml explains every part"
        ),
    )


class WordsSchema(Body):
    """The program in words, a line each."""

    general = ListOf(Text(2_000), maximum=20, required=True, **about("what holds for all of it"))
    wallets = ListOf(
        Text(2_000), maximum=MOST_LINES, required=True, **about("a line for each wallet")
    )
    rules = ListOf(Text(8_000), maximum=MOST_LINES, required=True, **about("a line for each rule"))
    multipliers = ListOf(
        Text(8_000), maximum=MOST_LINES, required=True, **about("a line for each multiplier")
    )
    caps = ListOf(Text(100_000), maximum=MOST_LINES, required=True, **about("a line for each cap"))
    tiers = ListOf(
        Text(8_000),
        maximum=MOST_LINES,
        required=True,
        **about("a line for each tier, lowest first"),
    )


class VersionSchema(Body):
    """A version without its document."""

    version = Whole(1, required=True, **about("counted from 1"))
    in_force_at = Instant(required=True, **about("from when on it decides"))
    applied_by = Text(400, required=True, **about("the sub of the token"))


class ProgramSchema(VersionSchema):
    """A version with its document, and in words."""

    document = DocumentObject(required=True, **about("as it was applied, without its comments"))
    words = fields.Nested(WordsSchema, required=True, **about("what it says, in words"))


class VersionsSchema(Body):
    """A page of versions."""

    versions = Items(VersionSchema, maximum=200, required=True)
    next = Cursor(**about("the cursor of the next page; left out on the last one"))


class AppliedSchema(Body):
    """The version that a document became, or was already."""

    version = Whole(1, required=True, **about("the version that is in force now"))


class FaultSchema(Body):
    """A fault of a document."""

    line = Whole(1, required=True, **about("of the text, counted from 1"))
    path = Text(2_000, minimum=0, required=True, **about("where in the document"))
    message = Text(1_000, required=True, **about("what is wrong"))
    expected = Text(10_000, required=True, **about("what may stand there"))


class CheckedSchema(Body):
    """What is wrong with a document, or what it says."""

    is_sound = Flag(required=True, **about("whether it could be applied"))
    faults = Items(
        FaultSchema, maximum=MAX_FAULTS + 1, required=True, **about("all of them, by line")
    )
    words = fields.Nested(
        WordsSchema, **about("what it says, in words; left out where it has faults")
    )
