"""The floor: asyncssh, a resident Python on each host, twenty trivial tasks one after the other; nothing else.

No playbook, no modules, no checks, nothing recorded, nothing shown. What an engine costs above this is its own.
``python bare.py HOSTS.json``, where the file holds ``hosts`` (addresses), the login, ``python`` and ``sudo``.
"""

import asyncio
import json
import sys

import asyncssh

TASKS = 20
AT_ONCE = 50
RUNTIME = """
import json, os, sys
for line in sys.stdin:
    info = os.stat(json.loads(line)["path"])
    print(json.dumps({"mode": info.st_mode, "uid": info.st_uid}), flush=True)
"""


async def work(address, given, turns):
    async with turns:
        # AES-GCM as orch prefers it; no configuration of the user's own takes part.
        connection = await asyncssh.connect(
            address, port=given["port"], username=given["user"], client_keys=[given["key"]], config=None,
            known_hosts=given["known_hosts"], agent_path=None, encryption_algs=["aes128-gcm@openssh.com"])
    async with connection:
        boot = "'exec(input().replace(chr(1), chr(10)))'"
        command = ["sudo", "-n"] * given["sudo"] + [given["python"], "-ESsc", boot]
        process = await connection.create_process(" ".join(command))
        process.stdin.write(RUNTIME.strip().replace("\n", "\1") + "\n")
        for _ in range(TASKS):
            process.stdin.write(json.dumps({"path": "/"}) + "\n")
            assert json.loads(await process.stdout.readline())["uid"] == 0
        process.stdin.write_eof()
        await process.wait()


async def main(path):
    with open(path) as opened:
        given = json.load(opened)
    turns = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(work(address, given, turns) for address in given["hosts"]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
