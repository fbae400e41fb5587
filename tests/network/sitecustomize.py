"""Refuse every network address but loopback, in this process and (through PYTHONPATH) in every Python that it starts.

An audit hook cannot be removed, and it speaks before the operating system sends anything.
"""

import ipaddress
import sys

_CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}
_RESOLVING = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_OWN_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}


def is_loopback(host):
    """Return whether a host, given as text, bytes or None, is this machine itself."""
    text = host.decode() if isinstance(host, bytes) else str(host or "")
    if text in _OWN_NAMES:
        return True
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_outside(event, arguments):
    """Raise where a socket would leave this machine."""
    if event in _CONNECTING:
        address = arguments[1]
        if not isinstance(address, tuple):  # a path is a socket of this machine
            return
        host = address[0] or "0.0.0.0"  # an empty host means every address of the machine
    elif event in _RESOLVING:
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    else:
        return
    if not is_loopback(host):
        raise PermissionError(f"Tests use loopback sockets only; {event} was asked for {host!r}.")


sys.addaudithook(refuse_outside)
