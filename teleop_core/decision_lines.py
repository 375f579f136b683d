"""The lines of a decision log: a JSON object each, ending with a sum over itself and everything before it.

{"start":2,"about":{...},"sum":"..."}                                     logging begins, with fresh objects
{"of":NAME,"call":METHOD,"with":[...],"result":...,"sum":"..."}           a decision; or "raised" and a text
"""

from __future__ import annotations

from hashlib import blake2b

FORMAT = 2
"""Version of the lines; 1 had no sums."""
START = b'{"start":'
_BEFORE, _AFTER = b',"sum":"', b'"}'
_SUM_SIZE = 8
_TAIL = len(_BEFORE) + 2 * _SUM_SIZE + len(_AFTER)


def with_sum(text: str, before: str) -> tuple[bytes, str]:
    """A line that ends with its sum.

    Args:
        text: JSON object with at least one key, in one line.
        before: Sum of the line before; empty for the first one after a start.

    Returns:
        The line without its end, and its sum.
    """
    content = text.encode()
    total = _sum(content, before)
    return content[:-1] + _BEFORE + total.encode() + _AFTER, total


def is_as_written(line: bytes, before: str) -> bool:
    """Whether the line is byte for byte what was written after a line with the sum `before`."""
    content, tail = line[:-_TAIL], line[-_TAIL:]
    return tail == _BEFORE + _sum(content + b"}", before).encode() + _AFTER


def told(error: Exception) -> str:
    """An exception as a log keeps it."""
    return f"{type(error).__name__}: {error}"


def _sum(content: bytes, before: str) -> str:
    return blake2b(before.encode() + content, digest_size=_SUM_SIZE).hexdigest()
