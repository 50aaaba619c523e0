"""Link-local addresses: no router forwards to them, and a cloud's metadata service gives credentials there.

Loopback and private addresses are not link-local: a company's own chat server may have one.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

# The metadata service in networks with IPv6 only; not link-local by its number.
_METADATA: Final = ipaddress.ip_address("fd00:ec2::254")


def is_link_local(host: str) -> bool:
    """Tell whether a host is written as a link-local address, in any spelling that a system accepts; a name is not."""
    # An address may name the interface it goes out by: fe80::1%eth0.
    address = _literal(host.partition("%")[0])
    # ::ffff:169.254.169.254 reaches the same peer as the address it holds.
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and (mapped.is_link_local or mapped == _METADATA)


def resolves_to_link_local(host: str) -> bool:
    """Tell whether a host's name resolves to link-local addresses only; a name that does not resolve does not."""
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(addresses) and all(is_link_local(address) for address in addresses)


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
