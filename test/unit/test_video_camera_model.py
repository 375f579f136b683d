"""The stereo model is consistent with itself and with the conventions of sensor_msgs/CameraInfo."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_relay.camera_model import StereoModel

MODELS = st.builds(
    StereoModel.from_field_of_view,
    st.integers(64, 1920), st.integers(48, 1080), st.floats(0.2, 2.5), st.floats(0.001, 0.1),
)  # fmt: skip


def project(model: StereoModel, eye: str, point: tuple[float, float, float]) -> np.ndarray:
    """Column and row of a point in the left optical frame."""
    homogeneous = model.projection(eye) @ [*point, 1.0]
    return homogeneous[:2] / homogeneous[2]


@given(MODELS, st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(0.02, 1.0))
def test_disparity_gives_depth(model: StereoModel, x: float, y: float, z: float) -> None:
    """A point is farther left in the right eye, in the same row, by focal length * baseline / depth."""
    left, right = (project(model, eye, (x, y, z)) for eye in ("left", "right"))
    assert left[1] == pytest.approx(right[1])
    assert left[0] - right[0] == pytest.approx(model.focal_length * model.baseline / z)
    assert left[0] > right[0]


@given(MODELS)
def test_edges_of_the_view_are_edges_of_the_picture(model: StereoModel) -> None:
    """The renderer's view ends half a pixel outside the centres of the outermost pixels, on all four sides."""
    near = 0.01
    left, right, bottom, top = model.frustum(near)
    assert project(model, "left", (left, -top, near)) == pytest.approx([-0.5, -0.5], abs=1e-6)
    assert project(model, "left", (right, -bottom, near)) == pytest.approx([model.width - 0.5, model.height - 0.5])


@given(st.integers(64, 1920), st.floats(0.2, 2.5))
def test_field_of_view_spans_the_width(width: int, angle: float) -> None:
    """The rays through the left and right edge enclose the field of view."""
    model = StereoModel.from_field_of_view(width, 300, angle, 0.005)
    assert 2.0 * math.atan(0.5 * width / model.focal_length) == pytest.approx(angle)


@given(MODELS)
def test_projection_holds_the_intrinsics(model: StereoModel) -> None:
    """K is the left part of P for both eyes, R is a rotation, and only the right eye is shifted."""
    for eye in ("left", "right"):
        np.testing.assert_array_equal(model.projection(eye)[:, :3], model.intrinsics())
    np.testing.assert_array_equal(model.rectification() @ model.rectification().T, np.eye(3))
    assert model.projection("left")[0, 3] == 0.0
    assert model.projection("right")[0, 3] < 0.0


@pytest.mark.parametrize("field", ["width", "height", "focal_length", "baseline"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_refuses_unusable_figures(field: str, value: float) -> None:
    """A size, focal length or baseline that is not a positive number is refused by name."""
    with pytest.raises(ValueError, match=field):
        StereoModel(**{"width": 400, "height": 300, "focal_length": 350.0, "baseline": 0.005, field: value})


def test_refuses_unknown_eye() -> None:
    """There are two eyes."""
    with pytest.raises(ValueError, match="middle"):
        StereoModel(400, 300, 350.0, 0.005).projection("middle")
