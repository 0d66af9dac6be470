"""Results that the controller may not have stored: should the connection be lost, they go into the receipts."""

from collections import OrderedDict

from agentlet.receipts import Book

_MOST_JOBS = 64
_MOST_BYTES = 32 * 1024 * 1024


class Unstored(object):
    """Of jobs that are over, until they are acknowledged; the oldest go when there are too many."""

    def __init__(self):
        self._jobs = OrderedDict()
        self._bytes = 0

    def keep(self, job):
        """``job``: with ``id``, ``attempt``, ``results``, ``size`` and ``book_path``."""
        self._jobs[(job.id, job.attempt)] = job
        self._bytes += job.size
        while len(self._jobs) > _MOST_JOBS or self._bytes > _MOST_BYTES:
            self._bytes -= self._jobs.popitem(last=False)[1].size

    def forget(self, job, attempt):
        """They are stored, or the job is here again."""
        known = self._jobs.pop((job, attempt), None)
        if known is not None:
            self._bytes -= known.size

    def clear(self):
        self._jobs.clear()
        self._bytes = 0

    def write_all(self):
        """Should the controller offer these jobs again, it gets the results."""
        for job in list(self._jobs.values()):
            self.write(job)

    def write(self, job):
        """The results of one, kept or not."""
        self.forget(job.id, job.attempt)
        if job.book_path is None:
            return
        try:
            book = Book(job.book_path)
            missing = [result for result in job.results if result["task"] not in book.results]
            if missing:
                book.end(*missing)
        except OSError:
            pass  # nobody is left to be told; the controller will run these, retry-safe, tasks again
