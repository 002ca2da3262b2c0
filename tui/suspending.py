"""Ctrl+Z, and a program that another process stops: it goes on as it was."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from textual.drivers.linux_driver import LinuxDriver


@contextmanager
def waiting() -> Iterator[None]:
    """SIGTSTP and SIGCONT wait meanwhile. Textual's driver handles them from its making on, and fails where it hasn't
    begun; ``watch`` comes right after that.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP, signal.SIGCONT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def watch(driver: object) -> None:
    """Handle SIGTSTP and SIGCONT from now on as one of the loop's events; in the main thread, in a running loop.

    Textual's handlers interrupt what is going on, as the hand-over of something to be written, which takes the lock
    that they wait for then. And they begin anew after any stop: after one that came without SIGTSTP, as by
    ``kill -STOP``, there would be two threads that read keys, of which leaving the program ends one, and the terminal
    would be left as it was then, without echo.
    """
    if not isinstance(driver, LinuxDriver):
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTSTP, _stopped, driver)
    loop.add_signal_handler(signal.SIGCONT, _continued, driver)


def _stopped(driver: LinuxDriver) -> None:
    """Stop the process, the terminal as it was found where this app has it."""
    if _has_terminal(driver):
        driver._sigtstp_application()
    else:
        os.kill(os.getpid(), signal.SIGSTOP)


def _continued(driver: LinuxDriver) -> None:
    """The process goes on, whatever stopped it."""
    if not driver._auto_restart:
        return  # somebody else has the terminal, and gives it back
    if not driver._must_signal_resume:  # nothing was put in order before the stop
        if not _has_terminal(driver):
            return
        driver.suspend_application_mode()
        driver._must_signal_resume = True
    driver.resume_application_mode()


def _has_terminal(driver: LinuxDriver) -> bool:
    """False: the app hasn't begun, or is leaving."""
    return driver._key_thread is not None and driver._key_thread.is_alive()


def under_a_shell() -> bool:
    """Whether a shell would notice that this process is stopped, and could wake it.

    The parent is in the same session but another process group: otherwise the group is orphaned (POSIX), as it is where
    ssh, tmux or a desktop's menu started the program without a shell.
    """
    try:
        parent = os.getppid()
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False
