"""Which ROS domain a session runs in: one that nobody uses, and how other commands on this machine find it.

A session claims its domain by an abstract socket name, which the kernel gives back however the process ends and which
other commands read in /proc/net/unix.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

DOMAINS = range(1, 102)
"""Domain 0 is everybody's default; above 101 the ports of DDS reach into the range of outgoing connections."""
_PORT_BASE, _PORTS_PER_DOMAIN = 7400, 250
_MULTICAST_OFFSETS, _FIRST_PARTICIPANT_OFFSET, _PARTICIPANTS = (0, 1), 10, 32
_CLAIM = "telesurgery-domain-{}"
_CLAIM_ROW = re.compile(r"@telesurgery-domain-(\d+)$", re.MULTILINE)


class NoFreeDomainError(RuntimeError):
    """Every domain is in use."""


def ports_of(domain: int) -> list[int]:
    """UDP ports that the first participants of a domain use (DDSI-RTPS 2.3, section 9.6.1)."""
    first = _PORT_BASE + _PORTS_PER_DOMAIN * domain
    offsets = [*_MULTICAST_OFFSETS, *range(_FIRST_PARTICIPANT_OFFSET, _FIRST_PARTICIPANT_OFFSET + 2 * _PARTICIPANTS)]
    return [first + offset for offset in offsets]


def is_in_use(domain: int) -> bool:
    """Whether something on this machine has a port of the domain."""
    for port in ports_of(domain):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return True
    return False


def claim(domain: int) -> socket.socket | None:
    """Claim a domain for a session: keep the result open; None if another session has it."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.bind("\0" + _CLAIM.format(domain))
    except OSError:
        holder.close()
        return None
    return holder


def claim_free_domain() -> tuple[int, socket.socket, list[int]]:
    """Claim the first domain that nobody uses.

    Returns:
        The domain, the claim to keep open, and the domains that were in use.

    Raises:
        NoFreeDomainError: all are in use.
    """
    taken: list[int] = []
    for domain in DOMAINS:
        holder = claim(domain)
        if holder is not None and not is_in_use(domain):
            return domain, holder, taken
        if holder is not None:
            holder.close()
        taken.append(domain)
    raise NoFreeDomainError(f"ROS domains {DOMAINS[0]} to {DOMAINS[-1]} are all in use; set ROS_DOMAIN_ID")


def claimed_domains() -> list[int]:
    """Domains of the sessions that run on this machine."""
    return sorted({int(number) for number in _CLAIM_ROW.findall(Path("/proc/net/unix").read_text())})


def domain_from_environment() -> int | None:
    """ROS_DOMAIN_ID, if set.

    Raises:
        ValueError: it is not a number from 0 to 232.
    """
    text = os.environ.get("ROS_DOMAIN_ID", "")
    if not text:
        return None
    if not text.isdecimal() or not 0 <= int(text) <= 232:
        raise ValueError(f"ROS_DOMAIN_ID: {text!r} is not a number from 0 to 232")
    return int(text)
