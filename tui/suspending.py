"""Ctrl+Z, and a program that another process stops: it goes on as it was."""

from __future__ import annotations

import asyncio
import os
import signal

from textual.drivers.linux_driver import LinuxDriver


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
    loop.add_signal_handler(signal.SIGTSTP, driver._sigtstp_application)
    loop.add_signal_handler(signal.SIGCONT, _continued, driver)


def _continued(driver: LinuxDriver) -> None:
    """The process goes on, whatever stopped it."""
    if not driver._auto_restart:
        return  # somebody else has the terminal, and gives it back
    if not driver._must_signal_resume:  # nothing was put in order before the stop
        if driver._key_thread is None or not driver._key_thread.is_alive():
            return  # the app hasn't begun, or is leaving
        driver.suspend_application_mode()
        driver._must_signal_resume = True
    driver.resume_application_mode()


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
