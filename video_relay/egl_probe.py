"""Try PyBullet's EGL renderer in a process of its own, where it may print, crash or hang without taking a node down.

Run as a script; exit code 0 means that the renderer made a picture of what it was shown.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pybullet

PLUGIN = "eglRenderer"
PLUGIN_PREFIX = "_eglRendererPlugin"
_TIMEOUT = 10.0  # For the script, on a machine busy with starting everything else [s].
_SIZE = 32


def load_plugin(client: int) -> bool:
    """Load the EGL renderer into a PyBullet client; False if it is not installed or does not load.

    Args:
        client: PyBullet's number of the connection.
    """
    # Mesa's software renderer starts a thread per core by default; control needs the cores more than the picture does.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    found = importlib.util.find_spec(PLUGIN)
    if found is None or found.origin is None:
        return False
    return bool(pybullet.loadPlugin(found.origin, PLUGIN_PREFIX, physicsClientId=client) >= 0)


def remember_that_it_works() -> None:
    """Spare the next start the probe; to be called when the renderer has made a picture in this process."""
    with contextlib.suppress(OSError):
        _memory().parent.mkdir(parents=True, exist_ok=True)
        _memory().touch()


def egl_works() -> tuple[bool, str]:
    """Tell whether the EGL renderer works here, with the reason if not.

    Runs this file in a process of its own, unless the renderer worked when it was used last. What is remembered is
    forgotten at once and has to be remembered anew, so a renderer that crashes its process is probed the next time.
    """
    try:
        _memory().unlink()
    except OSError:
        return _probe()
    return True, ""


def _memory() -> Path:
    """File that exists while this version of the renderer works on this machine."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "telesurgery"
    return folder / f"egl-works-with-pybullet-{pybullet.getAPIVersion()}"


def _probe() -> tuple[bool, str]:
    try:
        result = subprocess.run([sys.executable, __file__], capture_output=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return False, f"no picture within {_TIMEOUT:g} s"
    except OSError as error:
        return False, str(error)
    if result.returncode == 0:
        return True, ""
    lines = result.stderr.decode(errors="replace").strip().splitlines()
    return False, lines[-1] if lines else f"exit code {result.returncode}"


def main() -> int:
    """Render a red box and look at the middle of the picture."""
    client = pybullet.connect(pybullet.DIRECT)
    if not load_plugin(client):
        print("the EGL plugin does not load (libEGL and a Mesa driver are needed)", file=sys.stderr)
        return 1
    shape = pybullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=[1.0] * 3, rgbaColor=[1.0, 0.0, 0.0, 1.0])
    pybullet.createMultiBody(baseVisualShapeIndex=shape)
    _, _, pixels, _, _ = pybullet.getCameraImage(
        _SIZE,
        _SIZE,
        pybullet.computeViewMatrix([5.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
        pybullet.computeProjectionMatrixFOV(10.0, 1.0, 0.1, 10.0),
        renderer=pybullet.ER_BULLET_HARDWARE_OPENGL,
    )
    red, green, blue = pixels.reshape(_SIZE, _SIZE, 4)[_SIZE // 2, _SIZE // 2, :3].tolist()
    if not red > 2 * max(green, blue):
        print(f"the EGL plugin shows ({red}, {green}, {blue}) where a red box is", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
