"""Runs a command and tells its seconds and its peak memory: `python -I -S launch.py OUT COMMAND…`.

A process of its own, and a small one: the peak that the kernel keeps for a new process begins with that of the process
which it was forked from.
"""

import os
import sys
import time

out, *command = sys.argv[1:]
null = os.open(os.devnull, os.O_WRONLY)
start = time.perf_counter()
# Installed programs have their bytecode, ours and others'.
environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
child = os.posix_spawnp(command[0], command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(child, 0)
taken = time.perf_counter() - start
with open(out, "w") as file:
    file.write(f"{taken} {usage.ru_maxrss * 1024}")
sys.exit(os.waitstatus_to_exitcode(status))
