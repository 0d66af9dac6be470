"""Who has an attempt: where the host's journal and the server may have come apart, they agree on it again.

After a reboot there may be two of this host, if its disk was copied meanwhile; after the server's store was restored
from a backup, the server may believe that nobody has taken a job that is done here.
"""

import json
import os

from agentlet import processes
from agentlet.digests import sha256
from agentlet.pull.faults import Answered

_KEY_CHARS = 32
_FORGOTTEN = ((409, "job_queued"), (404, "blob_unknown"))


def place_of(directory):
    """Names this boot of this machine and this very folder: it differs after a reboot, and for every copy."""
    info = os.stat(directory)
    facts = [processes.boot_id(), processes.start_ticks(1), info.st_dev, info.st_ino]
    return sha256(json.dumps(facts).encode()).hexdigest()[:_KEY_CHARS]


def is_elsewhere(folder, place):
    """Whether the attempt was begun in another place than this."""
    records = folder.records()
    return "started" in records and records["claimed"].get("place") not in (None, place)


def go_on(gateway, folder, spool, place):
    """Tells the server that a begun attempt goes on in ``place``, and has it from then on: a copy has not.

    `Answered` 409 when a copy was faster, or is ahead. Asked twice, the server gives the same answer.
    """
    key = sha256((spool.key + place).encode()).hexdigest()[:_KEY_CHARS]
    gateway.resume(spool.job, spool.attempt, spool.key, key, spool.count)
    folder.record("claimed", job=spool.job, key=key, place=place)
    spool.key, spool.is_ours = key, True


def is_forgotten(error):
    """Whether it may be that the server believes that nobody has taken the job."""
    return isinstance(error, Answered) and (error.status, error.code) in _FORGOTTEN


def is_same_letter(one, other):
    """Whether two envelopes are one posting; the host may have been renamed between."""
    try:
        values = [json.loads(text) for text in (one, other)]
        return dict(values[0], host=None) == dict(values[1], host=None)
    except (TypeError, ValueError, RecursionError):
        return False
