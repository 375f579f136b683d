"""telesurgery audit redact: takes something out of a record for good; what is left still verifies."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.outcome import BAD_ARGUMENTS, DONE, EXIT_CODES, NOT_WRITTEN, is_session, no_session, refuse
from audit.redact import RedactionError, Selection, redact
from audit.signing import Signer
from teleop_core.authentication import KeyFileError

HELP = f"""\
What is taken out is gone. First the record says who took out what, when and why. Make a copy where the law wants one.

  telesurgery audit redact DIR --who "data protection" --why "request 17" --type stop_request --key redactor.key
  telesurgery audit redact DIR --who "data protection" --why "request 17" --file bag/bag_0.mcap --key redactor.key

{EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a recorded session that has ended")
    parser.add_argument("--who", required=True, help="who wants it: a role, not a name")
    parser.add_argument("--why", required=True, help="the reason")
    parser.add_argument("--chain", metavar="NAME", help="records of this chain of the audit log")
    parser.add_argument("--type", dest="types", action="append", default=[], metavar="TYPE", help="of this type")
    parser.add_argument("--actor", dest="actors", action="append", default=[], metavar="NAME", help="of this actor")
    parser.add_argument("--first", type=int, metavar="N", help="from this number on")
    parser.add_argument("--last", type=int, metavar="N", help="up to this number")
    parser.add_argument("--file", dest="files", action="append", default=[], metavar="NAME", help="a whole file")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="private key that signs it; without one nobody vouches for it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Take it out.

    Returns:
        Exit code, see EXIT_CODES.
    """
    folder: Path = arguments.folder
    if not is_session(folder):
        return refuse(no_session(folder), BAD_ARGUMENTS)
    selection = Selection(
        arguments.chain, arguments.types, arguments.actors, arguments.first, arguments.last, arguments.files
    )
    try:
        signer = None if arguments.key is None else Signer.load(arguments.key)
        taken = redact(folder, selection, arguments.who, arguments.why, signer)
    except (KeyFileError, RedactionError) as error:
        return refuse(str(error), BAD_ARGUMENTS)
    except OSError as error:
        return refuse(f"{error.filename or folder}: cannot be changed: {error.strerror or error}", NOT_WRITTEN)
    print(f"taken out: {taken.records} payloads, {len(taken.files)} files {' '.join(taken.files)}".rstrip())
    print(f"see with: telesurgery audit verify {folder}")
    return DONE
