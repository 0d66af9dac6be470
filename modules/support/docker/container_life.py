"""What is done to one container: create, update, connect, start, wait, stop, remove. Nothing is done in check mode."""

import time

from modules.api import Failed
from modules.support.docker.client import quoted
from modules.support.docker.streams import demultiplexed

OUTPUT_LIMIT_BYTES = 1 << 20


class Life(object):
    """Acts on the container of ``args["name"]`` and remembers what it did, for the result and the diff."""

    def __init__(self, client, args, host):
        self.client = client
        self.args = args
        self.host = host
        self.actions = []
        self.before = {}
        self.after = {}
        self.values = {}
        self.output = {}

    @property
    def changed(self):
        return bool(self.actions)

    def act(self, what, **more):
        """Notes a change; True when it is to be made, too."""
        self.actions.append(dict(more, action=what))
        return not self.host.check_mode

    def note(self, name, before, after):
        self.before[name], self.after[name] = before, after

    def inspect(self):
        """What the engine shows of the container; None when there is none. One that is being removed is waited for."""
        deadline = self._deadline(self.args["removal_wait_timeout"])
        while True:
            found = self.client.get(self._path("json"), missing=True)
            if found is None or found["State"].get("Status") != "removing" or self.host.check_mode:
                return found
            self._pause(deadline, "The container is still being removed")

    def image_of(self, now):
        return self.client.get("/images/{}/json".format(quoted(now["Image"])), missing=True)

    def create(self, body, platform):
        self.note("exists", False, True)
        if not self.act("created", image=body["Image"]):
            return None
        made = self.client.send("POST", "/containers/create", {"name": self.args["name"], "platform": platform}, body)
        for warning in made.get("Warnings") or []:
            self.host.warn("Docker warning: {}".format(warning))
        return self.inspect()

    def update(self, now, limits):
        if self.act("updated", values=limits):
            self.client.send("POST", self._path("update"), body=limits)

    def connect(self, now, entry, endpoint, again):
        self.note("network." + entry["name"], "differs" if again else "not connected", "connected")
        if not self.act("added_to_network", network=entry["name"]):
            return
        if again:
            self._leave(now, entry["name"])
        self.client.send("POST", "/networks/{}/connect".format(quoted(entry["name"])),
                         body={"Container": now["Id"], "EndpointConfig": endpoint})

    def disconnect(self, now, name):
        self.note("network." + name, "connected", "not connected")
        if self.act("removed_from_network", network=name):
            self._leave(now, name)

    def remove(self, now, why):
        """Stops and removes the container; its anonymous volumes too, unless they are to be kept."""
        self.note("exists", True, why == "recreate")
        if is_running(now):
            self.stop(now)
        if self.act("removed"):
            query = {"v": not self.args["keep_volumes"], "force": self.args["force_kill"]}
            # 409: its end has already begun, by auto_remove.
            self.client.send("DELETE", "/containers/" + now["Id"], query, allow=(404, 409), timeout_s=60)
            self._await_removal(now)

    def stop(self, now):
        self.note("running", True, False)
        if not self.act("killed" if self.args["force_kill"] else "stopped"):
            return
        if (now["State"].get("Paused")):
            self.client.send("POST", self._path("unpause"))
        if self.args["force_kill"]:
            self.client.send("POST", self._path("kill"), {"signal": self.args["kill_signal"]}, allow=(409,))
            return
        wait_s = self.args["stop_timeout"]
        self.client.send("POST", self._path("stop"), {"t": wait_s}, allow=(304, 404), timeout_s=wait_s or 30)

    def settle(self, now):
        """Brings the container into the state that is asked for; what inspect shows then."""
        state = self.args["state"]
        if state in ("started", "healthy"):
            self._run(now)
        elif state == "stopped" and now is not None and is_running(now):
            self.stop(now)
        now = None if self.host.check_mode and now is None else self.inspect() or now
        self._freeze(now)
        if state == "healthy" and not self.host.check_mode:
            self._await_health()
        return (self.inspect() or now) if self.changed and not self.host.check_mode else now

    def _run(self, now):
        if now is None or not is_running(now):
            self.note("running", False, True)
            if self.act("started"):
                self._start()
        elif self.args["restart"]:
            self.note("restarted", False, True)
            if self.act("restarted"):
                wait_s = self.args["stop_timeout"]
                self.client.send("POST", self._path("restart"), {"t": wait_s}, timeout_s=wait_s or 30)

    def _start(self):
        self.client.send("POST", self._path("start"), allow=(304,))
        if self.args["detach"]:
            return
        status = self._await_end()
        self._collect(status)
        if self.args["cleanup"] and self.inspect():
            self.client.send("DELETE", self._path(), {"v": not self.args["keep_volumes"], "force": True})
        if status:
            raise Failed("container_failed", self.output["Output"] or "The container ended with {}".format(status),
                         **self.values)

    def _await_end(self):
        answer = self.client.open("POST", self._path("wait"), allow=(404,))
        if answer is None:
            return None
        import json
        return json.loads(answer.read(1 << 16).decode() or "{}").get("StatusCode")

    def _collect(self, status):
        """The container's output, where its log driver lets it be read."""
        self.output = {"Output": ""}
        self.values["status"] = status
        now = self.inspect()
        if now is None:
            self.output = {"Output": "Cannot retrieve result as auto_remove is enabled"}
            return
        answer = self.client.open("GET", self._path("logs"), {"stdout": True, "stderr": True}, allow=(400, 404, 501),
                                  timeout_s=self.client.timeout_s)
        if answer is None:
            driver = now["HostConfig"]["LogConfig"]["Type"]
            self.output = {"Output": "Result logged using `{}` driver".format(driver)}
            return
        out, err = demultiplexed(answer, now["Config"]["Tty"], OUTPUT_LIMIT_BYTES)
        self.output = {"Output": out + err}
        if self.args["output_logs"]:
            self.host.log(out + err)

    def _freeze(self, now):
        wanted = self.args["paused"]
        if wanted is None or self.args["state"] not in ("started", "healthy"):
            return
        if now is not None and bool(now["State"].get("Paused")) == wanted:
            return
        if now is None and not wanted:
            return
        self.note("paused", not wanted, wanted)
        if self.act("set_paused", value=wanted):
            self.client.send("POST", self._path("pause" if wanted else "unpause"))

    def _await_health(self):
        limit = self.args["healthy_wait_timeout"]
        deadline = self._deadline(limit if limit and limit > 0 else None)
        while True:
            state = (self.inspect() or {}).get("State") or {}
            health = (state.get("Health") or {}).get("Status")
            if health == "healthy":
                return
            if health is None or not state.get("Running"):
                raise Failed("unhealthy", "The container has no health check" if state.get("Running")
                             else "The container ended while it was waited for")
            if health == "unhealthy":
                raise Failed("unhealthy", 'Container "{}" is unhealthy'.format(self.args["name"]))
            self._pause(deadline, 'Timeout while waiting for container "{}" to be healthy'.format(self.args["name"]))

    def _await_removal(self, now):
        deadline = self._deadline(self.args["removal_wait_timeout"])
        while self.client.get("/containers/{}/json".format(now["Id"]), missing=True) is not None:
            self._pause(deadline, "The container is still being removed")

    def _leave(self, now, name):
        self.client.send("POST", "/networks/{}/disconnect".format(quoted(name)), body={"Container": now["Id"]},
                         allow=(404,))

    def _path(self, what=""):
        name = quoted(self.args["name"]).replace("/", "%2F")
        return "/containers/{}{}".format(name, "/" + what if what else "")

    @staticmethod
    def _deadline(seconds):
        return None if seconds is None else time.monotonic() + seconds

    @staticmethod
    def _pause(deadline, message):
        if deadline is not None and time.monotonic() > deadline:
            raise Failed("timeout", message)
        time.sleep(0.2)


def is_running(now):
    return bool(now["State"].get("Running")) and now["State"].get("Status") != "removing"
