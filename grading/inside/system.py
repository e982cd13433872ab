"""Linux calls that Python's library does not have: namespaces, mounts, capabilities, a filter of system calls."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID = 0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
_PDEATHSIG, _DUMPABLE, _SECCOMP, _CAPBSET_DROP, _NO_NEW_PRIVS, _FILTER = 1, 4, 22, 24, 38, 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _prctl(option: int, value: object, rest: object = 0, *, what: str) -> None:
    _check(_libc.prctl(option, value, rest, 0, 0), what)


def unshare(flags: int) -> None:
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(kind: str, target: str, flags: int, data: str = "") -> None:
    """Mount a new file system of this kind on a folder."""
    _check(_libc.mount(kind.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def bind(folder: str, target: str) -> None:
    """Let a folder, with all that is mounted in it, be seen in another place too, no more writable than where it is."""
    _check(_libc.mount(folder.encode(), target.encode(), None, ctypes.c_ulong(MS_BIND | MS_REC), None), f"bind {target}")


def make_mounts_private() -> None:
    _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "make mounts private")


def die_with_parent(signal: int = 9) -> None:
    """Have this process killed when the process that started it ends."""
    _prctl(_PDEATHSIG, signal, what="parent-death signal")


def set_dumpable(value: bool) -> None:
    """Whether processes of the same user may trace this one and open its files in /proc."""
    _prctl(_DUMPABLE, int(value), what="dumpable")


def no_new_privileges() -> None:
    _prctl(_NO_NEW_PRIVS, 1, what="no new privileges")


def drop_capabilities() -> None:
    """Give up every capability, for this process and all that it starts."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # past the last one that this kernel knows
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


# Calls that no exercise needs and that reach for other processes, namespaces, the kernel, or memory beside the limits:
# the numbers on x86_64 and on aarch64.
_DENIED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430), "fsmount": (432, 432), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "syslog": (103, 116), "quotactl": (179, 60), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262), "personality": (135, 92),
    "sched_setattr": (314, 274), "setpriority": (141, 140), "vhangup": (153, 58),
}
_SOCKET, _CLONE, _CLONE3 = (41, 198), (56, 220), (435, 435)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_ALL_NAMESPACES = NEWNS | NEWUTS | NEWIPC | NEWUSER | NEWPID | 0x02000000 | 0x40000000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10


def filter_program(machine: str | None = None) -> bytes | None:
    """The filter of system calls, as the kernel reads it; None for a machine whose numbers are not written here."""
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        return None
    column, audit = _MACHINES[machine]

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    number, first_argument = step(_LOAD, 0), step(_LOAD, 16)
    program = [step(_LOAD, 4), step(_EQUAL, audit, 1, 0), step(_RETURN, _KILL), number]
    program += [step(_AT_LEAST, 0x40000000, 0, 1), step(_RETURN, _KILL)]  # the 32-bit calls of x86_64
    program += [step(_EQUAL, _CLONE3[column], 0, 1), step(_RETURN, _ENOSYS)]  # its flags cannot be seen; clone's can
    for numbers in _DENIED.values():
        program += [step(_EQUAL, numbers[column], 0, 1), step(_RETURN, _EPERM)]
    program += [step(_EQUAL, _CLONE[column], 0, 4), first_argument, step(_ANY_BIT, _ALL_NAMESPACES, 0, 1), step(_RETURN, _EPERM), number]
    program += [step(_EQUAL, _SOCKET[column], 0, 5), first_argument]
    program += [step(_EQUAL, family, left, 0) for left, family in ((3, _AF_UNIX), (2, _AF_INET), (1, _AF_INET6))]
    program += [step(_RETURN, _EPERM), step(_RETURN, _ALLOW)]
    return b"".join(program)


def filter_calls() -> bool:
    """Forbid this process, and all that it starts, the calls above; False where the machine's numbers are not known."""
    program = filter_program()
    if program is None:
        return False
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _prctl(_SECCOMP, _FILTER, ctypes.c_char_p(head), what="filter of system calls")
    return True
