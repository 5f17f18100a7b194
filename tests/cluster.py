"""A Spark cluster on one machine: a standalone master and two workers, on loopback."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

# For small jobs on few cores: the first compiler of Java is enough, and one thread to clear up.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def answers(port):
    """Does someone listen on this port?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Cluster:
    """Processes of a cluster; each has its own process group, with the executors it starts."""

    def __init__(self, folder, memory):
        import pyspark

        self.folder, self.memory, self.workers = folder, memory, []
        self.home = Path(pyspark.__file__).parent
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.master = f"spark://127.0.0.1:{port}"
        self.first = self.start("master.Master", "--port", str(port))
        until = time.monotonic() + 60
        while not answers(port):
            assert time.monotonic() < until, (folder / "master.Master.log").read_text()
            time.sleep(0.1)

    def start(self, name, *arguments):
        """Start a master or worker, which writes to a log of its name."""
        options = f"{QUICK} -Dspark.master.rest.enabled=false"
        facts = {
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": options,
        }
        with (self.folder / f"{name}.log").open("a") as log:
            return subprocess.Popen(
                [
                    self.home / "bin" / "spark-class",
                    f"org.apache.spark.deploy.{name}",
                    *("--host", "127.0.0.1", "--webui-port", "0", *arguments),
                ],
                env={**os.environ, **facts},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def add_worker(self):
        """Start a worker of one core."""
        place = self.folder / f"worker-{len(self.workers)}"
        size = ("--cores", "1", "--memory", self.memory, "--work-dir", str(place))
        self.workers.append(self.start("worker.Worker", *size, self.master))

    def stop(self, process):
        """Stop a process and its executors where they are: what runs on them does not end."""
        os.killpg(process.pid, signal.SIGSTOP)

    def kill(self, process):
        """Kill a process and its executors at once, as a machine that loses power."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def cluster(folder, memory="1g"):
    """Run a master and two workers of one core each; their files lie in `folder`."""
    running = Cluster(Path(folder), memory)
    try:
        for _ in range(2):
            running.add_worker()
        yield running
    finally:
        for process in (*running.workers, running.first):
            running.kill(process)


def executors(session):
    """Return how many executors a session has."""
    return session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1


def busy(session):
    """Is a task running, on tables that were settled?"""
    tracker = session.sparkContext.statusTracker()
    stages = map(tracker.getStageInfo, tracker.getActiveStageIds())
    held = session.sparkContext._jsc.getPersistentRDDs().size()
    return held > 0 and any(stage and stage.numActiveTasks for stage in stages)
