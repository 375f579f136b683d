"""metadata.yaml of a bag, in the version that rosbag2 of Jazzy writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from audit.bag_file import Channel, FileCount

VERSION = 9
FILE_NAME = "metadata.yaml"


def metadata(channels: Sequence[Channel], files: dict[str, FileCount], broken: Sequence[str]) -> str:
    """The text of the file.

    Args:
        channels: Topics of the bag.
        files: What is in each finished file, by name.
        broken: Files that broke off. Without an index nobody has counted what they hold, so they are only named;
            `ros2 bag` reads each by itself.
    """
    filled = [count for count in files.values() if count.messages]
    start = min((count.start for count in filled), default=0)
    end = max((count.end for count in filled), default=0)
    content: dict[str, Any] = {
        "version": VERSION,
        "storage_identifier": "mcap",
        "duration": {"nanoseconds": end - start},
        "starting_time": {"nanoseconds_since_epoch": start},
        "message_count": sum(count.messages for count in filled),
        "topics_with_message_count": [_topic(channel, files) for channel in channels],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": list(files),
        "files": [
            {
                "path": name,
                "starting_time": {"nanoseconds_since_epoch": count.start},
                "duration": {"nanoseconds": count.end - count.start},
                "message_count": count.messages,
            }
            for name, count in files.items()
        ],
        "custom_data": {"broken_off": ", ".join(broken)} if broken else None,
        "ros_distro": "jazzy",
    }
    return str(yaml.safe_dump({"rosbag2_bagfile_information": content}, sort_keys=False))


def write_metadata(folder: Path, text: str) -> None:
    """Write it, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    part = folder / f".{FILE_NAME}.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / FILE_NAME)


def _topic(channel: Channel, files: dict[str, FileCount]) -> dict[str, Any]:
    counts = [count.topics[channel.topic].count for count in files.values() if channel.topic in count.topics]
    return {
        "topic_metadata": {
            "name": channel.topic,
            "type": channel.type,
            "serialization_format": "cdr",
            "offered_qos_profiles": [channel.qos],
            "type_description_hash": channel.type_hash,
        },
        "message_count": sum(counts),
    }
