"""Program documents on the command line: read as text, and checked with every fault told."""

from typing import IO

from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.nodes import MAX_CHARACTERS
from loyalty_service.program.rules.program import Program

SOUND = {"en": "{name}: no faults.", "zh": "{name}：没有错误。"}

HEADINGS = {
    "en": {
        "general": "In general",
        "wallets": "Wallets",
        "rules": "Rules",
        "multipliers": "Multipliers",
        "caps": "Caps",
        "tiers": "Tiers",
    },
    "zh": {
        "general": "总则",
        "wallets": "钱包",
        "rules": "规则",
        "multipliers": "倍数",
        "caps": "上限",
        "tiers": "等级",
    },
}


def read_text(file: IO[str]) -> str:
    """The text of a file; no more of a huge one than shows that it is too long.

    Raises:
        Fault: it is not UTF-8.
    """
    try:
        return file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise Fault(Exit.FOUND_WRONG, f"{file.name}: not UTF-8 at byte {error.start}") from None


def check_text(name: str, text: str) -> Program:
    """The program of a document.

    Raises:
        Fault: it has faults; all of them are told with the name and their line.
    """
    checked = read_document(text)
    if checked.program is not None:
        return checked.program
    # What is about the whole document has no path.
    lines = [
        f"{name}:{fault.line}: {fault.path + ': ' if fault.path else ''}{fault.message} "
        f"(expected {fault.expected})"
        for fault in checked.faults
    ]
    count = "1 fault." if len(lines) == 1 else f"{len(lines)} faults."
    raise Fault(Exit.FOUND_WRONG, "\n".join([*lines, count]))
