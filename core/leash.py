"""Run a program that the kernel kills when the process that started it dies, even by kill -9. Linux only.

    python leash.py <pid of the starter> <program> [argument ...]

A program of its own, and not a `preexec_fn`: Python between fork and exec may deadlock where there are
threads.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def leashed(program: Sequence[str]) -> list[str]:
    """Return the command that runs a program on the leash of this process; off Linux, without one."""
    if sys.platform != "linux":
        return list(program)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *program]


def main() -> None:
    """Tie this process to its parent's life and become the program."""
    starter, *program = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(starter):  # it died before the kernel knew
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - it replaces this process, arguments and all


if __name__ == "__main__":
    main()
