"""A command of a client that cannot be carried out."""

from __future__ import annotations


class CommandRefusedError(ValueError):
    """A command is not carried out; the text names what is wrong with it, with its value."""
