"""telesurgery audit verify: is the record complete, and as it was recorded?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from audit.anchors import add_anchor_arguments, anchors_of
from audit.outcome import BAD_ARGUMENTS, BAD_RECORD, CHECK_EXIT_CODES, DONE, is_session, no_session, refuse
from audit.verify import verify
from teleop_core.authentication import KeyFileError

HELP = f"""\
Without --key, --witness or --root everything may be as it was written, and written anew by somebody else: then nobody
outside the folder vouches for it, and that is said.

`python -m audit.second_verifier DIR` asks the same of a program that shares nothing with this one.

{CHECK_EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a recorded session")
    add_anchor_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify, and print what was found.

    Returns:
        Exit code, see CHECK_EXIT_CODES.
    """
    if not is_session(arguments.folder):
        return refuse(no_session(arguments.folder), BAD_ARGUMENTS)
    try:
        found = verify(arguments.folder, anchors_of(arguments))
    except KeyFileError as error:
        return refuse(str(error), BAD_ARGUMENTS)
    except OSError as error:
        return refuse(f"{error.filename or arguments.folder}: cannot be read: {error.strerror or error}", BAD_ARGUMENTS)
    print(json.dumps(found.as_json(), indent=1) if arguments.json else "\n".join(found.lines()))
    return DONE if found.ok else BAD_RECORD
