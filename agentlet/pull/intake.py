"""What this host takes on: judged before it is written down, written down before anything of it runs."""

import json
import os
import threading

from agentlet.pull import holding, plan, policy, refusing, retrying, signing
from agentlet.pull.faults import AgentletError, Answered, EnvelopeRefused, Unreachable, Untrusted
from agentlet.pull.quarantine import Quarantine
from agentlet.pull.room import Room
from agentlet.pull.spool import Spool
from agentlet.pull.survivors import Survivors

CLAIM_TRIES = 4


class Intake(object):
    """``agent`` begins what was taken (`Agent.begin`); ``journal`` remembers it."""

    def __init__(self, agent, journal):
        self.quarantine = Quarantine(agent.state)
        self._agent = agent
        self._journal = journal
        # Asked again with the same one, since an answer was lost, the server gives the same answer.
        self._key = os.urandom(16).hex()
        self._taking_up = threading.Lock()

    def take(self, gateway, job, attempt):
        """Claims an offered job and begins it; False when it must not run here. Raises as `Gateway` does."""
        agent = self._agent
        signing.check_keys(agent.identity.job_keys)
        claimed = self._claim(gateway, job, attempt)
        self._learn_name(gateway)
        text, signature = claimed.get("envelope"), claimed.get("signature")
        try:
            known = agent.identity
            envelope = signing.open_envelope(text, signature, known.job_keys, known.agent, known.host,
                                             agent.clock.now(), self._journal.last_attempt(job), job, attempt)
            if self._journal.has_begun(job) and not all(task.get("retry_safe") for task in envelope["tasks"]):
                # A server that was restored from a backup may believe that nothing has happened.
                raise EnvelopeRefused("begun_before", "An earlier attempt of this job has begun here, and not all of "
                                      "its tasks may run twice", "look at the host, and run it again as a new run")
            folder = self._journal.take_on(envelope, text, signature, self._key, agent.place)
        except EnvelopeRefused as error:
            return self._refuse(gateway, job, attempt, text, "envelope_" + error.code, error, self._key)
        except OSError as error:
            fault = AgentletError("The disk does not take the job's journal (%s): nothing was begun" % error.strerror,
                                  "df -h, df -i: %s" % agent.state.directory)
            return self._refuse(gateway, job, attempt, text, "no_space", fault, self._key)
        agent.begin(folder, envelope)
        return True

    def resume(self, folder):
        """Goes on with what a former agentlet took on; what cannot be read any more is dropped."""
        known = self._agent.identity
        try:
            text, signature = folder.envelope()
            # Time, attempt and the host's name were judged when it was claimed, and may be others by now.
            envelope = signing.open_envelope(text, signature, known.job_keys, known.agent, None, float("-inf"))
            if folder.was_killed():
                self._blame_running(folder, envelope)
            self._agent.begin(folder, envelope)
        except (EnvelopeRefused, OSError, ValueError, KeyError) as error:
            self._agent.log.tell("a job of an earlier agentlet cannot be gone on with: %s" % error)
            threading.Thread(target=self._end_and_drop, args=(folder,), name="ending", daemon=True).start()

    def take_up(self, gateway, spool):
        """For a server that believes, as after a restore, that nobody has what has begun here: it is told otherwise.

        False when it has another job of that name now, which is refused. Raises as `Gateway` does.
        """
        with self._taking_up:
            if "started" not in spool.folder.records():
                return False
            try:
                text = gateway.claim(spool.job, spool.attempt, spool.key).get("envelope")
                if holding.is_same_letter(text, spool.folder.envelope()[0]):
                    gateway.start(spool.job, spool.attempt, spool.key)
                    self._agent.log.tell("job %s is taken up again: the server had forgotten it" % spool.job)
                    return True
            except Answered as error:
                if error.code != "job_started":  # by another thread of ours; if by somebody else, the key tells
                    raise
                return True
        error = EnvelopeRefused("older_attempt", "This attempt of a job of that name has begun here already")
        return self._refuse(gateway, spool.job, spool.attempt, text, "envelope_older_attempt", error, spool.key)

    def refusal(self, task):
        """Why a task does not run on this host: a `plan.Refused`, or None."""
        if self.quarantine.holds(task):
            return plan.Refused("quarantined", "This task ended the agentlet or its runtime twice within a day: it is "
                                "not run again until a day has passed", "orch agents logs tells when")
        for path in (policy.PATH, self._agent.state.path("policy.json")):
            refused = policy.load(path).refusal(task)
            if refused is not None:
                self._agent.log.tell("policy: %s" % refused.message)
                return refused
        return None

    def cannot_begin(self, runner, error):
        """The job cannot be begun here, now or later: the server is told why. Raises as `Gateway` does."""
        gateway = self._agent.gateway()
        try:
            refused = plan.Refused(getattr(error, "code", "not_begun"), str(error), getattr(error, "hint", None))
            refusing.report(gateway, runner.job, runner.attempt, runner.key(), runner.envelope, refused)
        finally:
            gateway.close()

    def _claim(self, gateway, job, attempt):
        pauses = iter(range(CLAIM_TRIES - 1))

        def wait(seconds):
            return next(pauses, None) is not None and not self._agent.stopping.wait(min(seconds, 5.0))

        try:
            return retrying.until_done(lambda: gateway.claim(job, attempt, self._key), self._agent.settings, wait)
        except retrying.GaveUp as error:
            raise Unreachable("The claim of job %s was not answered: %s" % (job, error))

    def _learn_name(self, gateway):
        """The job may be for this host's new name."""
        try:
            self._agent.fetch_config(gateway)
        except (Answered, Unreachable, Untrusted):
            pass  # it is known by its old one then, and the job is judged by that

    def _blame_running(self, folder, envelope):
        """The agentlet was killed while this ran: perhaps by it."""
        running = Spool(folder, envelope["job"], Room(1 << 62)).running
        for task in envelope["tasks"]:
            if task["id"] == running:
                self.quarantine.blame(task)

    def _end_and_drop(self, folder):
        """Nothing of it may go on that nobody watches over."""
        stopping = self._agent.stopping
        if Survivors(folder).end_all(lambda seconds: not stopping.wait(seconds), lambda pids: None):
            self._journal.drop(folder)

    def _refuse(self, gateway, job, attempt, text, code, error, key):
        """Tells the server, and the operator, why the job does not run; it is not kept."""
        self._agent.log.tell("job %s, attempt %d is refused: %s" % (job, attempt, error))
        refused = plan.Refused(code, error.message, error.hint)
        refusing.report(gateway, job, attempt, key, _readable(text), refused)
        return False


def _readable(text):
    """What can be read of an envelope that is not believed."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
