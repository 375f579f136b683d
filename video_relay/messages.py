"""Pictures and their geometry as ROS messages."""

from __future__ import annotations

from array import array

import cv2
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header

from video_relay.camera_model import DISTORTION, DISTORTION_MODEL, StereoModel
from video_relay.source import Picture

# As image_transport writes it: encoding of the source, codec, encoding that was compressed.
_FORMAT = "bgr8; jpeg compressed bgr8"


def compressed_image(header: Header, picture: Picture, quality: int) -> CompressedImage:
    """Return a picture as JPEG.

    Args:
        header: Time of capture and optical frame.
        picture: (height, width, 3) pixels, blue green red.
        quality: JPEG quality, 10 to 100.

    Raises:
        ValueError: the picture cannot be compressed.
    """
    good, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not good:
        raise ValueError(f"picture of shape {picture.shape} cannot be compressed to JPEG")
    # An array of bytes is taken over as it is; any other sequence would be checked number by number.
    return CompressedImage(header=header, format=_FORMAT, data=array("B", data.tobytes()))


def camera_info(header: Header, model: StereoModel, eye: str) -> CameraInfo:
    """Return the geometry of one eye.

    Args:
        header: The header of its picture.
        model: The stereo pair.
        eye: "left" or "right".
    """
    return CameraInfo(
        header=header,
        width=model.width,
        height=model.height,
        distortion_model=DISTORTION_MODEL,
        d=DISTORTION,
        k=model.intrinsics().ravel(),
        r=model.rectification().ravel(),
        p=model.projection(eye).ravel(),
    )
