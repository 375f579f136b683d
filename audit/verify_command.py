"""telesurgery audit verify: says whether a record is complete and as it was recorded."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from audit.verify import Anchors, verify
from teleop_core.authentication import KeyFileError

OK, BAD, BAD_ARGUMENTS = 0, 1, 2
HELP = """\
A folder cannot vouch for itself: whoever can write to it could make all of it anew and sign it with a key of his own.
Something that was kept elsewhere can: the public key (record.pub of `telesurgery keys`), the record of the other site,
a root that was read off the console. Without one of these the verdict says that nobody vouches for the record.

exit codes: 0 complete and as recorded, 1 altered or its end is missing, 2 bad arguments or no folder
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the record")
    parser.add_argument("--key", type=Path, metavar="FILE", help="public key that it has to be signed with")
    parser.add_argument(
        "--redactor", type=Path, metavar="FILE", action="append", default=[], help="public key of who may redact"
    )
    parser.add_argument("--witness", type=Path, metavar="DIR", help="record of the other site")
    parser.add_argument("--root", default="", metavar="HEX", help="root that was shown at the console")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify.

    Returns:
        0 if all is well, 1 if not, 2 for arguments that cannot be used.
    """
    anchors = Anchors(arguments.key, tuple(arguments.redactor), arguments.witness, arguments.root)
    try:
        found = verify(arguments.folder, anchors)
    except KeyFileError as error:
        print(f"telesurgery: {error}", file=sys.stderr)
        return BAD_ARGUMENTS
    except OSError as error:
        print(f"telesurgery: {error.filename or arguments.folder}: {error.strerror or error}", file=sys.stderr)
        return BAD_ARGUMENTS
    print(json.dumps(found.as_json(), indent=2) if arguments.json else "\n".join(found.lines()))
    return OK if found.ok else BAD
