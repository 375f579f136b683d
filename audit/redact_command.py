"""telesurgery audit redact: takes something out of a record, which stays verifiable and says so."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.outcome import BAD_ARGUMENTS, DONE, EXIT_CODES, NOT_WRITTEN, is_session, no_session, refuse
from audit.redact import RedactionError, Selection, redact
from audit.signing import Signer
from teleop_core.authentication import KeyFileError

HELP = f"""\
What is taken out cannot be brought back. The record says from then on who took out what, when and why, and keeps the
hashes. Sign it with a key that those who verify trust; otherwise nobody vouches for the redaction, and a verification
with an anchor refuses it. What a verification needs (checkpoints, gaps, hashes of bags) cannot be taken out.

{EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the record")
    parser.add_argument("--who", required=True, metavar="NAME", help="who wants it")
    parser.add_argument("--why", required=True, metavar="TEXT", help="the reason")
    parser.add_argument("--chain", metavar="NAME", help="payloads of this chain, e.g. safety_monitor")
    parser.add_argument(
        "--type", action="append", default=[], metavar="TYPE", help="payloads of records of this type, again for more"
    )
    parser.add_argument(
        "--actor", action="append", default=[], metavar="NAME", help="payloads of records of this actor, again for more"
    )
    parser.add_argument("--from", dest="first", type=int, metavar="N", help="payloads from this record on")
    parser.add_argument("--to", dest="last", type=int, metavar="N", help="payloads up to this record")
    parser.add_argument(
        "--file", action="append", default=[], metavar="NAME", help="a whole file, e.g. bag/bag_0.mcap, again for more"
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="private key that signs the redaction")


def run(arguments: argparse.Namespace) -> int:
    """Redact.

    Returns:
        0 when it is done, 2 when nothing was taken out, 4 when not all of it could be.
    """
    if not is_session(arguments.folder):
        return refuse(no_session(arguments.folder), BAD_ARGUMENTS)
    selection = Selection(
        arguments.chain, arguments.type, arguments.actor, arguments.first, arguments.last, arguments.file
    )
    try:
        signer = Signer.load(arguments.key) if arguments.key else None
        done = redact(arguments.folder, selection, arguments.who, arguments.why, signer)
    except (RedactionError, KeyFileError) as error:
        return refuse(str(error), BAD_ARGUMENTS)
    except OSError as error:
        return refuse(f"{error.filename or arguments.folder}: {error.strerror or error}", NOT_WRITTEN)
    vouched = "signed" if signer else "not signed: nobody vouches for it"
    print(
        f"taken out: {done.records} payloads, {len(done.files)} files {' '.join(done.files)}".rstrip() + f"; {vouched}"
    )
    return DONE
