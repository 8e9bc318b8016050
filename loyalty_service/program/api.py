"""Routes of the program: read it, check a document, put a new version in force."""

from dataclasses import asdict
from typing import Any

import orjson
from flask import Blueprint

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.fields import Whole
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.idempotency import NO_MEMBER, find_answer
from loyalty_service.kit.instants import instant_text
from loyalty_service.kit.paths import decode_cursor, encode_cursor
from loyalty_service.kit.replies import reply_once
from loyalty_service.program.queries import find_newest, find_version, list_before
from loyalty_service.program.rules.document import UnreadableProgram, read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.versions import (
    NoProgram,
    ProgramFaulty,
    ProgramFixed,
    ProgramUnknown,
    TierHeld,
    Version,
)
from loyalty_service.program.rules.words import program_words
from loyalty_service.program.schemas import (
    LANGUAGES,
    AppliedSchema,
    ApplySchema,
    CheckedSchema,
    LanguageQuery,
    ProgramSchema,
    VersionsQuery,
    VersionsSchema,
)
from loyalty_service.program.service import apply_document

blueprint = Blueprint("program", __name__)

READERS = ("operator", "checkout")
PAGE = 50
MAX_BODY_BYTES = 1_600_000
NEWER_THAN_ALL = 2**31 - 1


@endpoint(
    blueprint,
    "GET",
    "/v1/program",
    scopes=READERS,
    query=LanguageQuery,
    answers={200: ProgramSchema},
    refusals=(NoProgram,),
    summary="Read the program in force",
    tags=("program",),
)
def read_program(call: Call) -> Reply:
    """The version in force, as its document and in words (``lang`` or Accept-Language)."""
    newest = find_newest(call.parts.db.fetch)
    if newest is None:
        raise NoProgram("No program has been applied yet; apply one first.")
    return Reply(_shown(call, newest))


@endpoint(
    blueprint,
    "GET",
    "/v1/program/versions/{version}",
    scopes=READERS,
    query=LanguageQuery,
    answers={200: ProgramSchema},
    refusals=(ProgramUnknown,),
    summary="Read one version of the program",
    tags=("program",),
)
def read_version(call: Call, version: int) -> Reply:
    """A version, however old: what was earned under it is explained by it."""
    found = find_version(call.parts.db.fetch, version)
    if found is None:
        no = f"There is no version {version} of the program."
        raise ProgramUnknown(no, path="version", asked=version)
    return Reply(_shown(call, found))


@endpoint(
    blueprint,
    "GET",
    "/v1/program/versions",
    scopes=READERS,
    query=VersionsQuery,
    answers={200: VersionsSchema},
    summary="List the versions of the program",
    tags=("program",),
)
def list_versions(call: Call) -> Reply:
    """All versions, newest first."""
    cursor, limit = call.query.get("cursor"), call.query.get("limit", PAGE)
    before = NEWER_THAN_ALL
    if cursor is not None:
        before = decode_cursor("program_versions", cursor, _read_place)
    found = list_before(call.parts.db.fetch, before, limit + 1)
    page: dict[str, Any] = {"versions": [_listed(version) for version in found[:limit]]}
    if len(found) > limit:
        page["next"] = encode_cursor("program_versions", [found[limit - 1].version])
    return Reply(page)


def _read_place(place: Any) -> int:
    """Of a cursor: the version the page before ended at."""
    if type(place) is not list or len(place) != 1:
        raise ValueError("no place in this list")
    return Whole(1, NEWER_THAN_ALL).read(place[0])


@endpoint(
    blueprint,
    "POST",
    "/v1/program/versions",
    scopes=("operator",),
    body=ApplySchema,
    answers={200: AppliedSchema},
    refusals=(ProgramFaulty, ProgramFixed, TierHeld, UnreadableProgram),
    keyed=True,
    max_body_bytes=MAX_BODY_BYTES,
    summary="Put a program document in force",
    tags=("program",),
)
def apply_version(call: Call) -> Reply:
    """Check a document and make it the version in force; all its faults are listed if it has any.

    A document that says what the newest version says makes no new one.
    """

    def work(tx: Transaction) -> dict[str, Any]:
        find_answer(tx, NO_MEMBER, tx.claim)
        return {"version": apply_document(tx, call.body["document"], call.caller.name)}

    return reply_once(call, work, is_general=True)


@endpoint(
    blueprint,
    "POST",
    "/v1/program/check",
    scopes=("operator",),
    body=ApplySchema,
    query=LanguageQuery,
    answers={200: CheckedSchema},
    max_body_bytes=MAX_BODY_BYTES,
    summary="Check a program document",
    tags=("program",),
)
def check_document(call: Call) -> Reply:
    """All faults of a document with their lines, or what it says in words; writes nothing."""
    checked = read_document(call.body["document"])
    answer: dict[str, Any] = {
        "is_sound": checked.program is not None,
        "faults": [asdict(fault) for fault in checked.faults],
    }
    if checked.program is not None:
        answer["words"] = _worded(call, checked.program)
    return Reply(answer)


def _listed(version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "in_force_at": instant_text(version.in_force_at),
        "applied_by": version.applied_by,
    }


def _shown(call: Call, version: Version) -> dict[str, Any]:
    program = call.parts.programs.get(call.parts.db.fetch, version.version)
    words = _worded(call, program)
    document = orjson.loads(version.document)
    return {**_listed(version), "document": document, "words": words}


def _worded(call: Call, program: Program) -> dict[str, Any]:
    return asdict(program_words(program, call.query.get("lang") or call.prefers(LANGUAGES)))
