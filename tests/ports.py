"""Free ports for the servers that tests start.

They lie below the range from which the kernel gives outgoing connections theirs (32768 and up), and every
pytest worker has a part of its own, so that nobody takes a port between the look and the use.
"""

import os
import socket
from itertools import count

_FIRST, _PER_WORKER, _WORKERS = 20_000, 1_500, 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_handed_out = count(os.getpid() * 7 % _PER_WORKER)  # two runs side by side seldom begin at the same port


def free_ports(number: int = 1) -> int:
    """The first of `number` ports in a row that nobody listens on; each is given out once in a long while."""
    for _ in range(_PER_WORKER):
        base = _FIRST + _WORKER * _PER_WORKER + next(_handed_out) * number % (_PER_WORKER - number)
        if all(_free(base + n) for n in range(number)):
            return base
    raise RuntimeError("no free port")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
