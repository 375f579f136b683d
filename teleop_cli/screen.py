"""How the present is shown: a live screen on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import contextlib
from types import TracebackType

from rich.console import Console
from rich.constrain import Constrain
from rich.live import Live

from teleop_cli.recorder import SessionRecorder
from teleop_cli.runner import Runner
from teleop_cli.say import say
from teleop_cli.tables import live_status, progress_line

PROGRESS_EVERY, REFRESH_EVERY, CPU_EVERY = 5.0, 0.25, 1.0
TITLE = "telesurgery demo: Ctrl-C ends it"
ECHO_WIDTH = 4
"""Columns left free at the right: the terminal echoes Ctrl-C there, and a wrapped line would shift the screen."""


class Screen:
    """Shows a session while it runs.

    Args:
        runner: Its nodes.
        recorder: Its record.
        plain: Lines instead of a live screen; always so where the output is not a terminal.
    """

    def __init__(self, runner: Runner, recorder: SessionRecorder, plain: bool) -> None:
        self.runner = runner
        self.recorder = recorder
        console = Console()
        live_screen = console.is_terminal and not plain
        self._live = Live(console=console, auto_refresh=False, transient=True) if live_screen else None
        self._size = console.size
        self._next_show = 0.0
        self._next_cpu = 0.0
        self._cpu: dict[str, float] = {}
        self._to_do: tuple[str, ...] = ()

    def __enter__(self) -> Screen:
        """Take the terminal."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        if self._live is not None:
            with contextlib.suppress(OSError):
                self._live.stop()

    def tell(self, text: str) -> None:
        """Say a line that stays."""
        if self._live is None:
            say(text)
            return
        with contextlib.suppress(OSError):
            self._live.console.print(text, markup=False, highlight=False)

    def show(self, now: float) -> None:
        """Show the present, if it is time to; `now` [s] is the clock of the recorder."""
        if self._live is None and self.recorder.began is not None:
            self._tell_what_is_left()
        if now < self._next_show:
            return
        if self._live is None:
            self._next_show = now + PROGRESS_EVERY
            if self.recorder.began is not None:
                say(progress_line(self.recorder, now))
            return
        self._next_show = now + REFRESH_EVERY
        if now >= self._next_cpu:
            self._next_cpu = now + CPU_EVERY
            self._cpu = self.runner.cpu_shares(now)
        with contextlib.suppress(OSError):
            if self._live.console.size != self._size:
                self._size = self._live.console.size
                self._live.console.clear()  # lines of the old width would stay as litter
            status = live_status(self.recorder, self._cpu, now, TITLE)
            self._live.update(Constrain(status, max(1, self._size.width - ECHO_WIDTH)), refresh=True)

    def _tell_what_is_left(self) -> None:
        """A line each time the steps to moving arms change: between two plain lines a step would go unseen."""
        left = self.recorder.safety.guidance.recovery
        if set(left) != set(self._to_do):
            self._to_do = left
            say(f"{self.recorder.safety.state}" + (f", to do: {'; then '.join(left)}" if left else ""))
