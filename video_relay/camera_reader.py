"""Keeps the newest picture of one or two cameras: a thread drains what the driver has queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import cv2

from video_relay.source import Picture


class CameraReader:
    """Grabs all the time, decodes only when asked: old pictures never wait in a queue, and cost nothing."""

    def __init__(self, captures: Sequence[cv2.VideoCapture]) -> None:
        """Start the thread.

        Args:
            captures: Opened cameras, one or two; the reader releases them at its end.
        """
        self._captures = list(captures)
        self._wanted = threading.Event()
        self._stop = threading.Event()
        self._failure = ""
        self._newest: tuple[list[Picture], float] | None = None
        self._thread = threading.Thread(target=self._run, name="camera reader", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str:
        """What has gone wrong; empty while all is well."""
        return self._failure

    def take(self) -> tuple[list[Picture], float] | None:
        """Return the pictures asked for, one per camera, and when they were grabbed [s]; if none are there, ask.

        A picture is decoded after it was asked for, so it is never older than the question.
        """
        newest, self._newest = self._newest, None
        if newest is None:
            self._wanted.set()
        return newest

    def close(self, patience: float = 1.0) -> None:
        """End the thread; one that hangs in a driver is left behind, and lets go of its cameras when it comes back.

        Args:
            patience: How long to wait for it [s].
        """
        self._stop.set()
        self._thread.join(patience)

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and not self._failure:
                self._step()
        except cv2.error as error:
            self._failure = f"OpenCV: {error}"
        finally:
            for capture in self._captures:
                capture.release()

    def _step(self) -> None:
        # All are grabbed before any is decoded, so that both eyes see the same instant.
        grabbed = [capture.grab() for capture in self._captures]
        grabbed_at = time.monotonic()
        if not all(grabbed):
            self._failure = "it delivers no more pictures"
        elif self._wanted.is_set():
            self._wanted.clear()
            retrieved = [capture.retrieve() for capture in self._captures]
            if all(good for good, _ in retrieved):
                self._newest = [picture for _, picture in retrieved], grabbed_at  # type: ignore[misc]
