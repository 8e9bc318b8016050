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

    lang = Choice(LANGUAGES)


class VersionsQuery(Query):
    """A page of versions, newest first."""

    cursor = Cursor()
    limit = Count(1, 200)


class ApplySchema(Body):
    """A document to check or to put in force."""

    document = DocumentText(required=True, metadata={"example": "program: sample\n..."})


class WordsSchema(Body):
    """The program in words, a line each."""

    general = ListOf(Text(2_000), maximum=20, required=True)
    wallets = ListOf(Text(2_000), maximum=MOST_LINES, required=True)
    rules = ListOf(Text(8_000), maximum=MOST_LINES, required=True)
    multipliers = ListOf(Text(8_000), maximum=MOST_LINES, required=True)
    caps = ListOf(Text(100_000), maximum=MOST_LINES, required=True)


class VersionSchema(Body):
    """A version without its document."""

    version = Whole(1, required=True)
    in_force_at = Instant(required=True)
    applied_by = Text(400, required=True)


class ProgramSchema(VersionSchema):
    """A version with its document, and in words."""

    document = DocumentObject(required=True, metadata={"example": {"program": "sample"}})
    words = fields.Nested(WordsSchema, required=True)


class VersionsSchema(Body):
    """A page of versions."""

    versions = Items(VersionSchema, maximum=200, required=True)
    next = Cursor(metadata={"description": "Present where there are more."})


class AppliedSchema(Body):
    """The version that a document became, or was already."""

    version = Whole(1, required=True)


class FaultSchema(Body):
    """A fault of a document."""

    line = Whole(1, required=True)
    path = Text(2_000, minimum=0, required=True, metadata={"example": "earning.rules[2].give"})
    message = Text(1_000, required=True)
    expected = Text(10_000, required=True)


class CheckedSchema(Body):
    """What is wrong with a document, or what it says."""

    is_sound = Flag(required=True)
    faults = Items(FaultSchema, maximum=MAX_FAULTS + 1, required=True)
    words = fields.Nested(WordsSchema, metadata={"description": "Present where it is sound."})
