"""The straight way through a schema, for bodies that are right.

Marshmallow gathers faults as it goes, and every sound body pays for it. A plan made of the same
fields reads a sound body in half the time and gives up at the first thing amiss; marshmallow then
reads again and tells all faults. A schema that needs more than its fields has no plan.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing

from loyalty_service.kit.fields import Strict
from loyalty_service.kit.shapes import Items, ListOf

Reader = Callable[[Any], Any]
Step = tuple[str, Reader, bool]
Check = Callable[[dict[str, Any]], None]


class Amiss(Exception):
    """Something is not as the schema says."""


def plan_of(schema: Schema) -> Reader | None:
    """How to read a sound body of this schema, or None where only marshmallow can.

    The reader raises ``Amiss`` or marshmallow's ``ValidationError`` for any other body.
    """
    checks = _checks_of(schema)
    if checks is None or schema.dump_fields.keys() != schema.load_fields.keys():
        return None
    steps: dict[str, Step] = {}
    required: set[str] = set()
    for name, field in schema.load_fields.items():
        reader = _reader_of(field)
        if reader is None:
            return None
        key = field.data_key or name
        steps[key] = (name, reader, field.allow_none)
        if field.required:
            required.add(key)
    reader = _object_reader(steps, frozenset(required))
    return _checked(reader, checks) if checks else reader


def _checks_of(schema: Schema) -> list[Check] | None:
    """The schema's own checks of a whole object, or None where it has hooks that do more."""
    hooks = {tag: found for tag, found in schema._hooks.items() if found}
    checks = hooks.pop("validates_schema", [])
    if hooks or any(many or said.get("pass_original") for _, many, said in checks):
        return None
    options = {"partial": None, "many": False, "unknown": schema.unknown}
    return [partial(getattr(schema, name), **options) for name, _, _ in checks]


def _object_reader(steps: dict[str, Step], required: frozenset[str]) -> Reader:
    if all(step[0] == key and _refuses_none(step) for key, step in steps.items()):
        return _plain_reader({key: reader for key, (_, reader, _) in steps.items()}, required)

    def read(body: Any) -> dict[str, Any]:
        if type(body) is not dict or not required <= body.keys():
            raise Amiss
        found: dict[str, Any] = {}
        for key, value in body.items():
            if key not in steps:
                raise Amiss
            name, reader, allow_none = steps[key]
            if value is not None:
                found[name] = reader(value)
            elif allow_none:
                found[name] = None
            else:
                raise Amiss
        return found

    return read


def _plain_reader(readers: dict[str, Reader], required: frozenset[str]) -> Reader:
    """Reads objects whose fields keep their names and refuse null themselves, as nearly all do."""

    def read(body: Any) -> dict[str, Any]:
        if type(body) is not dict or not required <= body.keys():
            raise Amiss
        found: dict[str, Any] = {}
        try:
            for key, value in body.items():
                found[key] = readers[key](value)
        except KeyError:
            raise Amiss from None
        return found

    return read


def _refuses_none(step: Step) -> bool:
    _, reader, allow_none = step
    try:
        reader(None)
    except (Amiss, ValidationError):
        return not allow_none
    return False


def _checked(reader: Reader, checks: list[Check]) -> Reader:
    def read(body: Any) -> dict[str, Any]:
        found: dict[str, Any] = reader(body)
        for check in checks:
            check(found)
        return found

    return read


def _reader_of(field: fields.Field[Any]) -> Reader | None:
    plain = field.attribute is None and not field.validators
    if not plain or field.load_default is not missing:
        return None
    if isinstance(field, Strict):
        return field.read
    if isinstance(field, Items):
        return _list_reader(field, plan_of(field.schema))
    if isinstance(field, ListOf):
        return _list_reader(field, _reader_of(field.inner))
    if isinstance(field, fields.Nested) and not field.many and field.unknown is None:
        return plan_of(field.schema)
    return None


def _list_reader(field: Items | ListOf, reader: Reader | None) -> Reader | None:
    if reader is None:
        return None
    minimum, maximum = field.minimum, field.maximum

    def read(value: Any) -> list[Any]:
        if type(value) is not list or not minimum <= len(value) <= maximum or None in value:
            raise Amiss
        return list(map(reader, value))

    return read
