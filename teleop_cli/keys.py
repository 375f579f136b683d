"""telesurgery keys: makes the keys with which the nodes of one session of surgery know each other."""

from __future__ import annotations

import argparse
import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path

from teleop_cli.say import say
from teleop_core.authentication import (
    KEY_PURPOSES,
    KEY_SIZE,
    RECORD_KEY,
    RECORD_PUBLIC_KEY,
    KeyFileError,
    key_file,
)

NOT_MADE = 1
PRIVATE_FOLDER = 0o700
USE = """\
Make new keys for every session of surgery and delete them after it: what was recorded in an old session is worth
nothing then. Pass the folder to every node (parameter key_folder) and to `telesurgery stop --keys`.

  command.key  signs the operator's commands         at the console and at the patient's side
  permit.key   signs the safety monitor's permits    at the patient's side only
  stop.key     signs requests for a protective stop  wherever a stop may be asked for
  record.key   signs the record of the session       at one site only: make the other site's there, with this command
  record.pub   checks that signature                 keep it apart from the records, for as long as they are kept

Whoever checks with one of the first three can sign with it; record.pub only checks. Take keys to another host by a way
that nobody else can read. Delete record.key after the session; without record.pub kept elsewhere nobody outside a
record vouches for it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.epilog = USE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to put them; made with mode 0700")
    parser.add_argument("--replace", action="store_true", help="replace keys that are there already")


def keys(arguments: argparse.Namespace) -> int:
    """Make the keys.

    Returns:
        0, or 1 with a line that says why there are none.
    """
    try:
        make_keys(arguments.folder, replace=arguments.replace)
    except KeyFileError as error:
        say(f"telesurgery: {error}", sys.stderr)
        return NOT_MADE
    names = ", ".join(path.name for path in _files(arguments.folder))
    say(f"keys for one session of surgery: {names} in {arguments.folder}")
    return 0


def make_keys(folder: Path, *, replace: bool = False) -> None:
    """Write a new random key for each purpose, readable by nobody else, and the public half of the record's.

    Args:
        folder: Made where it is missing.
        replace: Overwrite keys that are there already.

    Raises:
        KeyFileError: keys are there already, others may write into the folder, or it cannot be written.
    """
    from audit.signing import Signer  # only here: no other command has to wait for the library behind it

    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise KeyFileError(f"{folder}: others may write into it, and so exchange the keys; choose another folder")
        there = [path.name for path in _files(folder) if os.path.lexists(path)]
        if there and not replace:
            raise KeyFileError(f"{folder}: {', '.join(there)} there already; --replace makes new keys")
        for purpose in KEY_PURPOSES:
            _write_private(key_file(folder, purpose), secrets.token_hex(KEY_SIZE) + "\n")
        signer = Signer()
        _write_private(folder / RECORD_KEY, signer.private_pem.decode())
        _write_private(folder / RECORD_PUBLIC_KEY, signer.public_pem.decode())
    except OSError as error:
        raise KeyFileError(f"{error.filename or folder}: {error.strerror}") from error


def _files(folder: Path) -> list[Path]:
    return [*(key_file(folder, purpose) for purpose in KEY_PURPOSES), folder / RECORD_KEY, folder / RECORD_PUBLIC_KEY]


def _write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all; nobody else could read it at any time."""
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".key")  # mode 0600
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        Path(unfinished).replace(path)
    except OSError:
        Path(unfinished).unlink(missing_ok=True)
        raise
