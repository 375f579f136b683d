"""Gamepad or 3D mouse through pygame (SDL 2).

Gamepad, the left half for the left hand and the right half for the right hand:
    stick                   left-right and up-down
    stick pressed           the same stick turns about the viewing direction and moves to and away from the operator
    cross                   tilts both hands
    trigger                 closes the gripper
    left shoulder button    deadman: hold it to operate
    right shoulder button   clutch
    Y                       camera

3D mouse (a joystick with six axes: right, toward the operator, down and the rotations about them): moves the right
hand. First button: deadman; second: clutch; it has no trigger, so the gripper stays closed.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from teleop_console.devices.device import DeviceError, DeviceLostError, DeviceSample
from teleop_console.devices.stick_motion import StickMotion, Sticks

_FULL_DEFLECTION = 32767.0
_AXES_OF_3D_MOUSE = 6


class Gamepad:
    """Input device with sticks; the first one that is plugged in.

    Attributes:
        performs_gesture: False, as a person holds it.
    """

    performs_gesture = False

    def __init__(self) -> None:
        """Nothing is opened before `connect`."""
        self._motion = StickMotion()
        self._source: _Controller | _SpaceMouse | None = None

    def connect(self) -> None:
        """Find the first gamepad or 3D mouse.

        Raises:
            DeviceError: none is plugged in.
        """
        self.close()
        pygame = _start_pygame()
        from pygame._sdl2 import controller

        controller.init()
        for index in range(pygame.joystick.get_count()):
            if controller.is_controller(index):
                self._source = _Controller(pygame, controller.Controller(index))
                break
            joystick = pygame.joystick.Joystick(index)
            if joystick.get_numaxes() == _AXES_OF_3D_MOUSE:
                self._source = _SpaceMouse(joystick)
                break
        if self._source is None:
            raise DeviceError("device 'gamepad': no gamepad found: plug one in")
        self._motion = StickMotion()

    def read(self, now: float) -> DeviceSample:
        """Hands and buttons at `now` [s].

        Raises:
            DeviceLostError: it was unplugged, or was never connected.
        """
        if self._source is None:
            raise DeviceLostError("device 'gamepad': not connected")
        import pygame

        for event in pygame.event.get():
            if event.type == pygame.JOYDEVICEREMOVED and event.instance_id == self._source.instance:
                self.close()
                raise DeviceLostError("device 'gamepad': unplugged")
        return self._motion.advance(self._source.sticks(), now)

    def close(self) -> None:
        """Let go of the device."""
        self._source = None


def _start_pygame() -> Any:
    """Import and start the parts of pygame that joysticks need, anew so that they look for devices again."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    # SDL reads joysticks with its events, which need a video driver; there is no window to draw in or to lose focus.
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    os.environ["SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS"] = "1"
    os.environ["SDL_NO_SIGNAL_HANDLERS"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pygame 2.6 itself imports pkg_resources, which is deprecated
        import pygame
    pygame.joystick.quit()
    pygame.display.init()
    pygame.joystick.init()
    return pygame


class _Controller:
    """A gamepad whose layout SDL knows."""

    def __init__(self, pygame: Any, controller: Any) -> None:
        self._pygame = pygame
        self._controller = controller
        self.instance: int = controller.as_joystick().get_instance_id()

    def sticks(self) -> Sticks:
        p = self._pygame
        axes = {
            name: self._controller.get_axis(code) / _FULL_DEFLECTION
            for name, code in (
                ("left_x", p.CONTROLLER_AXIS_LEFTX),
                ("left_y", p.CONTROLLER_AXIS_LEFTY),
                ("right_x", p.CONTROLLER_AXIS_RIGHTX),
                ("right_y", p.CONTROLLER_AXIS_RIGHTY),
                ("left_trigger", p.CONTROLLER_AXIS_TRIGGERLEFT),
                ("right_trigger", p.CONTROLLER_AXIS_TRIGGERRIGHT),
            )
        }
        pressed = self._controller.get_button
        tilt = (
            pressed(p.CONTROLLER_BUTTON_DPAD_DOWN) - pressed(p.CONTROLLER_BUTTON_DPAD_UP),
            pressed(p.CONTROLLER_BUTTON_DPAD_LEFT) - pressed(p.CONTROLLER_BUTTON_DPAD_RIGHT),
        )
        return Sticks(
            rates=np.array(
                (
                    stick_rates(axes["left_x"], axes["left_y"], pressed(p.CONTROLLER_BUTTON_LEFTSTICK), tilt),
                    stick_rates(axes["right_x"], axes["right_y"], pressed(p.CONTROLLER_BUTTON_RIGHTSTICK), tilt),
                )
            ),
            squeezed=np.array((axes["left_trigger"], axes["right_trigger"])),
            deadman=bool(pressed(p.CONTROLLER_BUTTON_LEFTSHOULDER)),
            clutch=bool(pressed(p.CONTROLLER_BUTTON_RIGHTSHOULDER)),
            camera=bool(pressed(p.CONTROLLER_BUTTON_Y)),
        )


class _SpaceMouse:
    """A joystick with the six axes of a 3D mouse."""

    def __init__(self, joystick: Any) -> None:
        self._joystick = joystick
        self.instance: int = joystick.get_instance_id()

    def sticks(self) -> Sticks:
        axes = [self._joystick.get_axis(index) for index in range(_AXES_OF_3D_MOUSE)]
        buttons = [self._joystick.get_button(index) for index in range(min(2, self._joystick.get_numbuttons()))]
        deadman, clutch = (*buttons, 0, 0)[:2]
        return Sticks(
            rates=np.array((np.zeros(6), space_mouse_rates(axes))),
            squeezed=np.ones(2),
            deadman=bool(deadman),
            clutch=bool(clutch),
            camera=False,
        )


def stick_rates(x: float, y: float, pressed: bool, tilt: tuple[int, int]) -> list[float]:
    """Deflections of one hand from its stick.

    Args:
        x: Stick to the right, -1..1.
        y: Stick toward the operator, -1..1.
        pressed: The stick is pressed.
        tilt: Cross: down minus up, left minus right.

    Returns:
        Deflection along X (left), Y (up), Z (away) and about them, display axes.
    """
    shift = [0.0, 0.0, -y] if pressed else [-x, -y, 0.0]
    # Seen by the operator a positive turn about Z (away) is clockwise, as is a stick moved to the right.
    return [*shift, float(tilt[0]), float(tilt[1]), x if pressed else 0.0]


def space_mouse_rates(axes: list[float]) -> list[float]:
    """Deflections in display axes (left, up, away) from those of a 3D mouse: right, toward the operator, down."""
    right, toward, down, about_right, about_toward, about_down = axes
    return [-right, -down, -toward, -about_right, -about_down, -about_toward]
