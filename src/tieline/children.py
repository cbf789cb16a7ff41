"""Child processes that die with us: every child has a parent-death signal, so a kill leaves no orphan.

Children are started from the main thread: the kernel ties the parent-death signal to the thread that forked.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def dies_with_parent(sig: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn` after which the child gets `sig` when its parent ends. Linux only; elsewhere it does nothing."""
    parent = os.getpid()

    def preexec() -> None:
        if sys.platform != "linux":
            return
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended between fork and prctl
            os._exit(1)

    return preexec


def becomes_user(uid: int, gid: int, then: Callable[[], None]) -> Callable[[], None]:
    """A `preexec_fn` that turns root into an unprivileged user and then calls `then`.

    PostgreSQL refuses to run as root, yet on a machine with nobody but root the programs and the data often
    lie below a folder that only root may enter. The child therefore keeps the two capabilities that let it
    pass folders (and nothing else of root's); where the kernel grants none it goes on without them.
    `then` comes last because changing the user clears the parent-death signal.
    """
    caps = 1 << _CAP_DAC_OVERRIDE | 1 << _CAP_DAC_READ_SEARCH

    def preexec() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        keeps = libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        if keeps:
            data = (_CapData * 2)()
            data[0].effective = data[0].permitted = data[0].inheritable = caps
            header = _CapHeader(_LINUX_CAPABILITY_VERSION_3, 0)
            if libc.capset(ctypes.byref(header), ctypes.byref(data)) == 0:
                for cap in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
                    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, cap, 0, 0)
        then()

    return preexec
