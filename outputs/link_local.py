"""Link-local addresses: reached by no router, and where a cloud's machine is told its credentials.

Loopback and private addresses are none of them: a company's own chat server has such a one.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

# Link-local in all but its number: where a machine in a network of IPv6 alone is told its credentials.
_METADATA: Final = ipaddress.ip_address("fd00:ec2::254")


def is_link_local(host: str) -> bool:
    """Whether a host is written as a link-local address, in any spelling that a system would take; a name is none."""
    address = _literal(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and (mapped.is_link_local or mapped == _METADATA)


def resolves_to_link_local(host: str) -> bool:
    """Whether a host's name stands for link-local addresses alone; one that nobody knows stands for none."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(is_link_local(address) for address in found)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # The system reads 2852039166 and 0xa9fe.43518 as addresses too.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError, ValueError):
        return None
