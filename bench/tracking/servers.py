"""The two servers under measurement: how each is started, stopped, weighed."""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server in a folder of its own."""

    name = ""

    def __init__(self, folder):
        self.folder = os.path.join(folder, self.name)
        self.port = free_port()
        self.process = None

    def prepare(self):
        """Makes the folder anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts the server; the seconds until its first answer."""
        self.port = free_port()
        log = open(os.path.join(self.folder, "server.log"), "ab")
        begun = time.perf_counter()
        self.process = subprocess.Popen(self.command(), cwd=self.folder, stdout=log, stderr=log, env=self.environment(), start_new_session=True)
        asked = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode()
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
                    line.sendall(asked)
                    if b" 200 " in line.recv(4096):
                        return time.perf_counter() - begun
            except OSError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self.process.returncode}; see {self.folder}/server.log")
            if time.perf_counter() - begun > 120:
                raise SystemExit(f"{self.name} does not answer; see {self.folder}/server.log")
            time.sleep(0.002)

    def environment(self):
        return dict(os.environ)

    def stop(self):
        """Ends the whole group of processes that we started."""
        if self.process is None:
            return
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kind)
            except ProcessLookupError:
                break
            for _ in range(100):
                if self.process.poll() is not None and not members(self.process.pid):
                    break
                time.sleep(0.05)
        self.process.wait()
        self.process = None

    def memory(self):
        """Resident MiB of the server with all its processes."""
        return sum(resident(pid) for pid in members(self.process.pid)) / 1024

    def disk(self):
        """MiB under its folder."""
        total = 0
        for folder, _, files in os.walk(self.folder):
            for file in files:
                try:
                    total += os.lstat(os.path.join(folder, file)).st_blocks * 512
                except OSError:
                    pass
        return total / 1024 / 1024


class Remuda(Server):
    name = "remuda"

    def __init__(self, folder, binary):
        super().__init__(folder)
        self.binary = os.path.abspath(binary)

    def prepare(self):
        super().prepare()
        done = subprocess.run([self.binary, "init", "--name", "bench"], cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"remuda init: {done.stderr or done.stdout}")

    def command(self):
        return [self.binary, "up", "--listen", f"127.0.0.1:{self.port}"]


class Mlflow(Server):
    name = "mlflow"

    def __init__(self, folder, program, workers):
        super().__init__(folder)
        self.program, self.workers = os.path.abspath(os.path.expanduser(program)), workers

    def command(self):
        words = [self.program, "server", "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination", f"{self.folder}/artifacts"]
        return words + (["--workers", str(self.workers)] if self.workers else [])

    def environment(self):
        here = os.path.dirname(self.program)
        return {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}


def members(group):
    """Ids of the processes of a session that we started."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="latin-1") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == group and fields[0] != "Z":
            found.append(int(name))
    return found


def resident(pid):
    """Resident KiB of one process."""
    try:
        with open(f"/proc/{pid}/status", encoding="latin-1") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmRSS:")), 0)
    except OSError:
        return 0


class Peak:
    """The most memory of a server while something happens: `with Peak(server) as peak: …; peak.most`."""

    def __init__(self, server):
        self.server, self.most, self.over = server, 0.0, threading.Event()

    def __enter__(self):
        self.watch = threading.Thread(target=self.look, daemon=True)
        self.watch.start()
        return self

    def look(self):
        while not self.over.is_set():
            self.most = max(self.most, self.server.memory())
            self.over.wait(0.02)

    def __exit__(self, *_):
        self.over.set()
        self.watch.join()
