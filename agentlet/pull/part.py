"""A thread of the agentlet. One that ends by what nobody foresaw takes the process with it: a half one helps nobody."""

import threading


class Part(threading.Thread):
    """Subclasses have ``work()``. ``agent`` is told `crashed(part, error)`."""

    def __init__(self, agent, name):
        super().__init__(name=name)
        self.daemon = True
        self._agent = agent

    def run(self):
        try:
            self.work()
        except Exception as error:  # whatever it was, the service must not go on without this part
            self._agent.crashed(self.name, error)
