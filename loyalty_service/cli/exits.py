"""How commands end, for scripts: the exit codes and the faults that lead to them."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; 2 is click's own, for a command line it cannot read."""

    DONE = 0
    FOUND_WRONG = 1
    USAGE = 2
    SETTINGS = 3
    ALREADY_RUNNING = 4
    NO_DATABASE = 5
    DATABASE_DIED = 6
    WEB_DIED = 7
    UNFINISHED = 8


MEANINGS = {
    Exit.DONE: "done, or stopped as asked",
    Exit.FOUND_WRONG: "checked and found wrong, or refused (an import brings the rest in)",
    Exit.USAGE: "the command line cannot be read",
    Exit.SETTINGS: "the settings are wrong",
    Exit.ALREADY_RUNNING: "another process runs on the same data folder",
    Exit.NO_DATABASE: "the database cannot be started or reached",
    Exit.DATABASE_DIED: "the embedded database died while serving",
    Exit.WEB_DIED: "the web server could not start, or died",
    Exit.UNFINISHED: "a job or an import ended before all was done; it may be taken up again",
}


NOT_NEWEST = (
    "The database is not at the newest revision: run `loyalty migrate`, or start the service by "
    "`loyalty serve --migrate`."
)


class Fault(Exception):
    """A command that cannot go on: a sentence for a person and the code for a script."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
