"""reboot on a host that really goes down: the run waits, reconnects, and goes on."""

from __future__ import annotations

import threading
import time
from typing import Any

PLAY = """
    - hosts: all
      gather_facts: false
      tasks:
        - {name: foreseen, reboot: , check_mode: true}
        - name: reboot
          reboot: {reboot_timeout: 60, boot_time_command: stat -c %Y /proc/1}
        - {name: after, command: uptime}
        - name: never answers
          reboot: {reboot_timeout: 1, boot_time_command: stat -c %Y /proc/1, reboot_command: /bin/true}
"""


def switch_on_again(host: Any, over: threading.Event) -> None:
    """What a machine's power supply does: a container that reboots stays off by itself."""
    while not over.is_set():
        if not host.is_running():
            host.start()
        time.sleep(0.3)


def test_a_run_goes_on_behind_a_reboot(project: Any, lab_hosts: Any) -> None:
    host = lab_hosts(1, fresh=True)[0]
    project.hosts(host)
    project.write(site=PLAY)
    # boot ids are the kernel's, which containers share: the first process stands in for it
    over = threading.Event()
    power = threading.Thread(target=switch_on_again, args=(host, over))
    power.start()
    try:
        ended = project.run()
    finally:
        over.set()
        power.join()
    assert ended.recap(host.name) == {"ok": 3, "changed": 3, "unreachable": 0, "failed": 1, "skipped": 0, "rescued": 0,
                                      "ignored": 0}, ended.out + ended.err
    assert "Timed out waiting for last boot time check (timeout=1)" in ended.out + ended.err
