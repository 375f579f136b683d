"""From one picture with both eyes to two pictures of the wanted size."""

from __future__ import annotations

import cv2

from video_relay.source import Picture, SourceError

SIDE_BY_SIDE = "side_by_side"
TOP_BOTTOM = "top_bottom"
LAYOUTS = (SIDE_BY_SIDE, TOP_BOTTOM)

# Fewer columns or rows than this show nothing: not a stereo picture, or the wrong layout [px].
SMALLEST_EYE = 32


def split(picture: Picture, layout: str) -> tuple[Picture, Picture]:
    """Return the left and the right eye of a picture that holds both, as views; an odd last column or row is left out.

    Args:
        picture: (rows, columns, 3) both eyes.
        layout: "side_by_side" (left eye at the left) or "top_bottom" (left eye on top).

    Raises:
        SourceError: too small to hold two eyes, or not in colour.
    """
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise SourceError(f"picture of shape {picture.shape} is not in colour")
    rows, columns = picture.shape[:2]
    if layout == SIDE_BY_SIDE:
        columns //= 2
    else:
        rows //= 2
    if min(rows, columns) < SMALLEST_EYE:
        raise SourceError(
            f"picture of {picture.shape[1]} x {picture.shape[0]} pixels is too small for two eyes {layout}: "
            f"each would have {columns} columns and {rows} rows, at least {SMALLEST_EYE} are needed"
        )
    if layout == SIDE_BY_SIDE:
        return picture[:, :columns], picture[:, columns : 2 * columns]
    return picture[:rows], picture[rows : 2 * rows]


def size_within(width: int, height: int, largest_width: int, largest_height: int) -> tuple[int, int]:
    """Return the size to which a picture is reduced: its shape is kept, and it is never enlarged.

    Args:
        width: Columns of the picture [px].
        height: Rows of the picture [px].
        largest_width: Columns that are allowed [px].
        largest_height: Rows that are allowed [px].
    """
    scale = min(1.0, largest_width / width, largest_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return the picture in another size (columns, rows) [px]; itself if it has that size."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
