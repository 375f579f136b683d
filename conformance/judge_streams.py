"""Judging what arrives without a command: stamps, arrays, rates, frames, and what numbers can be true."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from conformance.samples import CartesianPose, Joints, Matrix, Recording, Sample, State, Vectors
from conformance.verdict import Verdict, judged, noted
from teleop_core.se3 import is_unit_quaternion, quaternion_angle

LARGEST_AGE = 0.5
"""A stamp that is older at arrival is of another clock, or of old data [s]."""
LARGEST_LEAD = 0.05
"""So far may a stamp lie in the future [s]."""
GAP_PERIODS = 5.0
"""A gap of so many periods of the least rate is one that a client notices."""
GAPS_ALLOWED = 0.01
"""Share of the time between messages that may be a gap: the machine of this check has its own pauses."""
LONGEST_ANGLE = 4.0 * math.pi
"""No joint of an arm turns further from zero [rad]; a value in degrees soon does."""
LONGEST_REACH = 5.0
"""No arm at a table reaches further [m]; a value in millimetres does."""
FASTEST_JOINT = 10.0
"""No joint of an arm at a table is faster [rad/s, m/s]."""
JUMP_FLOOR = 0.01
"""A step that no jump is, whatever the time [rad, m]: stamps are not exact."""
STANDING_JOINT, STANDING_TIP, STANDING_ANGLE = 0.02, 0.003, 0.03
"""A standing arm is so near to its setpoint [rad or m, m, rad]."""


def stamps_are_set(recording: Recording, topics: Iterable[str], ready: bool) -> Verdict:
    """A stamp of zero says that the data is not valid; a ready arm has valid data."""
    faults, seen = [], 0
    for topic in topics:
        samples = recording.of(Sample, topic)
        seen += len(samples)
        empty = sum(sample.stamp == 0 for sample in samples)
        if empty:
            faults.append(f"{topic}: {empty} of {len(samples)} stamps are zero")
    if not seen or (faults and not ready):
        return noted("; ".join(faults) + ", of an arm that is not ready" if faults else "nothing arrived")
    return judged(faults, f"{seen} messages")


def stamps_rise(recording: Recording, streams: Iterable[str], events: Iterable[str]) -> Verdict:
    """Stamps of events rise strictly, as clients throw away what is not newer; those of streams never fall."""
    faults, seen = [], 0
    for topic, strictly in [*((topic, False) for topic in streams), *((topic, True) for topic in events)]:
        stamps = [sample.stamp for sample in recording.of(Sample, topic) if sample.stamp]
        seen += len(stamps)
        wrong = sum(later < earlier or (strictly and later == earlier) for earlier, later in pairwise(stamps))
        if wrong:
            faults.append(f"{topic}: {wrong} of {len(stamps)} stamps {'do not rise' if strictly else 'fall'}")
    return judged(faults, f"{seen} stamps") if seen else noted("nothing arrived")


def same_clock(recording: Recording, topics: Iterable[str]) -> Verdict:
    """Clients compare stamps with their own clock."""
    ages = {
        topic: statistics.median(sample.age for sample in samples)
        for topic in topics
        if (samples := [sample for sample in recording.of(Sample, topic) if sample.stamp])
    }
    if not ages:
        return noted("no stamp arrived")
    faults = [
        f"{topic}: half of the stamps are {age:.3f} s old or more"
        for topic, age in ages.items()
        if not -LARGEST_LEAD <= age <= LARGEST_AGE
    ]
    return judged(faults, f"median age at arrival {max(ages.values()) * 1e3:.1f} ms at most")


def pose_has_the_stamp_of_joints(recording: Recording, poses: Iterable[str]) -> Verdict:
    """A measured_cp is worked out from a measured_js and has its stamp."""
    joints = {sample.stamp for sample in recording.of(Joints, "measured_js")}
    if not joints:
        return noted("no measured_js arrived")
    newest, oldest = max(joints), min(joints)
    faults, seen = [], 0
    for topic in poses:
        stamps = [s.stamp for s in recording.of(CartesianPose, topic) if s.stamp and oldest <= s.stamp <= newest]
        seen += len(stamps)
        alone = sum(stamp not in joints for stamp in stamps)
        # A message of either may be lost to this check; a server that stamps otherwise never agrees.
        if alone > 0.2 * len(stamps):
            faults.append(f"{topic}: {alone} of {len(stamps)} stamps are of no measured_js")
    return judged(faults, f"{seen} poses") if seen else noted("no pose arrived")


def joint_arrays(recording: Recording, streams: Iterable[str]) -> Verdict:
    """Arrays are empty or of one length, names are unique, and one order of joints holds for all streams."""
    faults, orders = [], {}
    for topic in streams:
        samples = recording.of(Joints, topic)
        shapes = {(s.names, len(s.position), len(s.velocity), len(s.effort)) for s in samples}
        if not samples:
            continue
        if len(shapes) > 1:
            faults.append(f"{topic} changes its joints while it runs")
        names, *sizes = next(iter(shapes))
        lengths = {size for size in (len(names), *sizes) if size}
        if not names:
            faults.append(f"{topic} names no joint")
        if len(lengths) > 1:
            faults.append(f"{topic} has {len(names)} names and arrays of {', '.join(map(str, sizes))}")
        if len(set(names)) < len(names):
            faults.append(f"{topic} has a name twice")
        orders[topic] = names
    for topic, names in orders.items():
        other = topic.rpartition("/")[0]
        first = orders.get(f"{other}/measured_js".lstrip("/"), names)
        if names != first:
            faults.append(f"{topic} has the joints {', '.join(names)}, measured_js {', '.join(first)}")
    return judged(faults, f"{len(orders)} streams agree") if orders else noted("no joints arrived")


def finite(recording: Recording) -> Verdict:
    """No stream holds a number that is none."""
    seen = 0
    faults = []
    for topic in sorted(recording.samples):
        wrong = sum(not all(map(math.isfinite, _numbers(sample))) for sample in recording.of(Sample, topic))
        seen += len(recording.samples[topic])
        if wrong:
            faults.append(f"{topic}: {wrong} messages are not finite")
    return judged(faults, f"{seen} messages")


def _numbers(sample: Sample) -> Sequence[float]:
    if isinstance(sample, Joints):
        return (*sample.position, *sample.velocity, *sample.effort)
    if isinstance(sample, CartesianPose):
        return (*sample.pose.position, *sample.pose.quaternion)
    return sample.values if isinstance(sample, (Vectors, Matrix)) else ()


def rates(recording: Recording, streams: Iterable[str], least: float) -> Verdict:
    """Streams are at least so fast [Hz] and without gaps that a loop of a client would notice."""
    faults, slowest = [], (math.inf, "")
    for topic in streams:
        times = [sample.arrived for sample in recording.of(Sample, topic)]
        if len(times) < 2:
            faults.append(f"{topic}: {len(times)} messages")
            continue
        gaps = [later - earlier for earlier, later in pairwise(times)]
        rate = len(gaps) / (times[-1] - times[0]) if times[-1] > times[0] else math.inf
        slowest = min(slowest, (rate, topic))
        if rate < least:
            faults.append(f"{topic}: {rate:.1f} Hz, below {least:g} Hz")
        long = sum(gap > GAP_PERIODS / least for gap in gaps)
        if long > max(1.0, GAPS_ALLOWED * len(gaps)):
            faults.append(f"{topic}: {long} gaps of more than {GAP_PERIODS / least * 1e3:.0f} ms")
    return judged(faults, f"slowest is {slowest[1]} with {slowest[0]:.0f} Hz")


def frames(recording: Recording, topics: Iterable[str]) -> Verdict:
    """Poses and twists say in which frame they are, and one frame holds for measured, setpoint and goal."""
    faults, found = [], {}
    for topic in topics:
        named = {pose.frame for pose in recording.of(CartesianPose, topic)}
        named |= {twist.frame for twist in recording.of(Vectors, topic)}
        if "" in named:
            faults.append(f"{topic} has no frame_id")
        if len(named) > 1:
            faults.append(f"{topic} changes its frame: {', '.join(sorted(named))}")
        if named and topic.endswith("_cp"):
            found[topic] = max(named)
    for prefix in ("", "local/"):
        one = {frame for topic, frame in found.items() if topic.rpartition("/")[0] == prefix.rstrip("/")}
        if len(one) > 1:
            faults.append(f"{prefix}measured_cp, setpoint_cp and goal_cp differ: {', '.join(sorted(one))}")
    if not found:
        return noted("no pose arrived")
    return judged(faults, ", ".join(f"{topic} in {frame}" for topic, frame in found.items() if "measured" in topic))


def quaternions(recording: Recording) -> Verdict:
    """Rotations are unit quaternions."""
    faults, seen = [], 0
    for topic in recording.topics(CartesianPose):
        samples = recording.of(CartesianPose, topic)
        seen += len(samples)
        wrong = sum(not is_unit_quaternion(sample.pose.quaternion) for sample in samples if sample.stamp)
        if wrong:
            faults.append(f"{topic}: {wrong} of {len(samples)} are not of length 1")
    return judged(faults, f"{seen} poses") if seen else noted("no pose arrived")


def plausible_values(recording: Recording) -> Verdict:
    """Joints and poses are numbers that radians and metres can have."""
    faults = []
    for topic in recording.topics(Joints):
        largest = max(
            (abs(x) for s in recording.of(Joints, topic) for x in s.position if math.isfinite(x)), default=0.0
        )
        if largest > LONGEST_ANGLE:
            faults.append(f"{topic}: {largest:.1f} can be neither radians nor metres")
    for topic in recording.topics(CartesianPose):
        largest = max(
            (math.dist(s.pose.position, (0.0, 0.0, 0.0)) for s in recording.of(CartesianPose, topic)), default=0.0
        )
        if largest > LONGEST_REACH:
            faults.append(f"{topic}: {largest:.1f} from its origin can be no metres")
    return judged(faults, "as radians and metres may be")


def continuous(recording: Recording, streams: Iterable[str]) -> Verdict:
    """Joints move through space: no stream jumps from one message to the next."""
    faults, largest = [], 0.0
    for topic in streams:
        for earlier, later in pairwise(s for s in recording.of(Joints, topic) if s.stamp and s.position):
            seconds = max((later.stamp - earlier.stamp) * 1e-9, later.arrived - earlier.arrived)
            step = max(abs(b - a) for a, b in zip(earlier.position, later.position, strict=False))
            largest = max(largest, step)
            if not step <= JUMP_FLOOR + FASTEST_JOINT * seconds:
                faults.append(f"{topic} jumps by {step:.3f} in {seconds * 1e3:.0f} ms")
    return judged(faults, f"largest step between messages {largest:.4f}")


def stands_at_its_setpoint(recording: Recording) -> Verdict:
    """An arm that stands is where its setpoint is, in joints and in space."""
    figures: list[tuple[str, float, float]] = []
    for measured, setpoint in (("measured_js", "setpoint_js"), ("jaw/measured_js", "jaw/setpoint_js")):
        a, b = recording.of(Joints, measured)[-1:], recording.of(Joints, setpoint)[-1:]
        if a and b and a[0].position and b[0].position and b[0].stamp:
            off = max(abs(x - y) for x, y in zip(a[0].position, b[0].position, strict=False))
            figures.append((measured, off, STANDING_JOINT))
    for prefix in ("", "local/"):
        c = recording.of(CartesianPose, f"{prefix}measured_cp")[-1:]
        d = recording.of(CartesianPose, f"{prefix}setpoint_cp")[-1:]
        if c and d and d[0].stamp:
            figures.append((f"{prefix}measured_cp", math.dist(c[0].pose.position, d[0].pose.position), STANDING_TIP))
            angle = quaternion_angle(c[0].pose.quaternion, d[0].pose.quaternion)
            figures.append((f"rotation of {prefix}measured_cp", angle, STANDING_ANGLE))
    if not figures:
        return noted("no setpoint arrived")
    faults = [f"{what} is {off:.4f} off its setpoint" for what, off, limit in figures if not off <= limit]
    return judged(faults, ", ".join(f"{what} {off:.4f}" for what, off, _ in figures))


def operating_states(recording: Recording) -> Verdict:
    """The state is one of four words, and an arm is busy only while it is enabled."""
    events = recording.of(State, "operating_state")
    if not events:
        return noted("no operating_state arrived")
    faults = [f"{event.state!r} is no state of CRTK" for event in events if event.state not in STATES]
    faults += [f"busy while {event.state}" for event in events if event.is_busy and event.state != "ENABLED"]
    return judged(faults, f"{len(events)} events, now {events[-1].state}")


STATES = ("DISABLED", "ENABLED", "PAUSED", "FAULT")


def jacobians(recording: Recording, joints: Mapping[str, int]) -> Verdict:
    """A Jacobian has six rows and a column for each joint, as many numbers as its layout says.

    Args:
        recording: What arrived.
        joints: Topic -> number of joints that it is about.
    """
    faults, seen = [], 0
    for topic, count in joints.items():
        samples = recording.of(Matrix, topic)
        seen += len(samples)
        for shape, size in {(sample.shape, len(sample.values)) for sample in samples}:
            if shape != (6, count) or size != 6 * count:
                faults.append(f"{topic} has the shape {shape} and {size} numbers, not (6, {count})")
    return judged(faults, f"{seen} matrices") if seen else noted("no Jacobian arrived")
