"""The nightly jobs on the wire."""

from marshmallow import fields

from loyalty_service.jobs.rules.runs import BROKEN_OFF, RUNNING, Outcome
from loyalty_service.jobs.rules.schedules import WEEKDAYS, JobName
from loyalty_service.kit.fields import Body, Choice, Count, Instant, Text, Whole, about
from loyalty_service.kit.shapes import Items, JsonValue

STATES = (RUNNING, *(outcome.value for outcome in Outcome), BROKEN_OFF)


class ScheduleSchema(Body):
    """When a job is due, by the clocks of the program's zone."""

    time = Text(5, required=True, **about("local time of day, HH:MM"))
    weekday = Choice(WEEKDAYS, required=True, allow_none=True, **about("null: every day"))
    time_zone = Text(
        64, required=True, allow_none=True, **about("the program's; null before there is one")
    )


class RunSchema(Body):
    """A run of a job."""

    at = Instant(required=True, **about("the instant that it was for"))
    started_at = Instant(required=True, **about("when it was begun, the last time"))
    ended_at = Instant(required=True, allow_none=True, **about("null: it has not ended"))
    state = Choice(
        STATES,
        required=True,
        **about("broken_off: it has not moved for ten minutes; the scheduler takes it up again"),
    )
    fault = Text(100, required=True, allow_none=True, **about("the kind of what went wrong"))
    starts = Count(1, required=True, **about("how often it was begun"))
    scanned = Whole(required=True, **about("members that were looked at"))
    members = Whole(
        required=True, **about("members for whom something was written; for remind, who were told")
    )
    counts = JsonValue(
        required=True,
        **about(
            "by kind of event: how often, and points and lots by wallet; holds.lapsed, tier.gifts"
            " that promotions brought, and only.reckoned: members to whom nothing happened, of whom"
            " only the day was reckoned anew on which time brings them something"
        ),
    )


class JobSchema(Body):
    """A job, when it is due, and how it went."""

    job = Choice([name.value for name in JobName], required=True)
    schedule = fields.Nested(ScheduleSchema, required=True)
    next_at = Instant(
        required=True, allow_none=True, **about("when it is due next; null without a program")
    )
    last = fields.Nested(
        RunSchema,
        required=True,
        allow_none=True,
        metadata={"description": "the run that was begun last; null: never"},
    )


class JobsSchema(Body):
    """Every job."""

    jobs = Items(JobSchema, maximum=20, required=True)
