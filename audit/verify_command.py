"""telesurgery audit verify: says whether a record is complete and as it was recorded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from audit.anchors import add_anchor_arguments, anchors_of
from audit.outcome import BAD_ARGUMENTS, BAD_RECORD, CHECK_EXIT_CODES, DONE, is_session, no_session, refuse
from audit.progress import Told
from audit.verify import verify
from teleop_core.authentication import KeyFileError

HELP = f"""\
A folder cannot vouch for itself: whoever can write to it could make all of it anew and sign it with a key of his own.
Something that was kept elsewhere can: the public key (record.pub of `telesurgery keys`), the record of the other site,
a root that was read off the console (its first 16 digits are enough). Without one of these the verdict says that
nobody vouches for the record. A root and a witness vouch for the records before their checkpoint: what came later is
only as good as the key.

{CHECK_EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the record")
    add_anchor_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify.

    Returns:
        0 if all is well, 1 if not, 2 for arguments that cannot be used.
    """
    if not is_session(arguments.folder):
        return refuse(no_session(arguments.folder), BAD_ARGUMENTS)
    try:
        found = verify(arguments.folder, anchors_of(arguments), Told("verifying the bags"))
    except KeyFileError as error:
        return refuse(str(error), BAD_ARGUMENTS)
    except OSError as error:
        return refuse(f"{error.filename or arguments.folder}: {error.strerror or error}", BAD_ARGUMENTS)
    print(json.dumps(found.as_json(), indent=2) if arguments.json else "\n".join(found.lines()))
    return DONE if found.ok else BAD_RECORD
