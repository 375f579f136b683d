"""Makes the checkpoints of a record that is being written, and goes on where an earlier recorder left off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.checkpoint import CHECKPOINT, RECORDER, REDACTIONS, checkpoint_payload
from audit.reading import ChainTail, chains
from audit.signing import Signer
from teleop_core.audit_segment import Head


class CheckpointMaker:
    """Follows the chains in a folder; what no written checkpoint covers is covered by the next.

    Whatever it makes has to be appended to the chain of the recorder as a `checkpoint`, before it makes the next one.
    """

    def __init__(self, folder: Path, signer: Signer) -> None:
        """Nothing is read yet."""
        self._folder, self._signer = folder, signer
        self._tails: dict[str, ChainTail] = {}
        self._heads: dict[str, Head] = {}
        self._records: dict[str, list[Head]] = {}
        self._covered: dict[str, int] = {}
        self._caught_up = False

    def catch_up(self, most: int) -> bool:
        """Read so many bytes of each chain that others have left; whether all has been read, at one time.

        From then on there is only what is new, and `make` reads that.

        Raises:
            OSError: a chain cannot be read.
        """
        if not self._caught_up:
            read = [self._follow(chain, most) for chain in chains(self._folder) if chain != REDACTIONS]
            self._caught_up = all(read)
        return self._caught_up

    def make(self, files: Mapping[str, tuple[int, str]], unread: dict[str, str] | None = None) -> dict[str, Any]:
        """Payload of the next checkpoint.

        Args:
            files: As for checkpoint_payload.
            unread: Takes chains of others that cannot be read, and why; they stand as when they last could be.

        Raises:
            OSError: a chain cannot be read, and `unread` is None or it is that of the recorder.
        """
        for chain in chains(self._folder):
            try:
                if chain != REDACTIONS:
                    self._follow(chain)
            except OSError as error:
                if unread is None or chain == RECORDER:
                    raise
                unread[chain] = str(error)
        for chain, records in self._records.items():
            covered = self._covered.get(chain, -1)
            self._records[chain] = [head for head in records if head.n > covered]
        hashes = {chain: [head.hash for head in records] for chain, records in self._records.items()}
        return checkpoint_payload(self._signer, self._heads, hashes, files)

    def _follow(self, chain: str, most: int | None = None) -> bool:
        """Take what is new in a chain, at most so many bytes; whether that is all."""
        tail = self._tails.setdefault(chain, ChainTail(self._folder, chain))
        for segment, record in tail.new(most):
            head = Head(segment, record["n"], record["hash"])
            self._heads[chain] = head
            self._records.setdefault(chain, []).append(head)
            if chain == RECORDER and record["type"] == CHECKPOINT:
                self._covered = _covered(record["payload"] or {})
        return tail.reached_end


def _covered(checkpoint: Mapping[str, Any]) -> dict[str, int]:
    """Newest record of each chain that a checkpoint covers; one that somebody else laid there may hold anything."""
    heads = checkpoint.get("chains")
    found = heads.items() if isinstance(heads, dict) else ()
    return {name: head["n"] for name, head in found if isinstance(head, dict) and type(head.get("n")) is int}
