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
        """The words that start it."""
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

    def settle(self, longest=180):
        """Waits until the server does nothing of its own accord: it may answer long before all its processes are ready."""
        quiet, until = 0, time.perf_counter() + longest
        while quiet < 3 and time.perf_counter() < until:
            before = self.processor()
            time.sleep(1)
            quiet = quiet + 1 if self.processor() - before < 0.1 else 0

    def environment(self):
        """What the server finds in its environment."""
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
        """Resident MiB of the server with all its processes; what several share counts once."""
        pids = members(self.process.pid)
        weigh = resident if len(pids) == 1 else proportional
        return sum(weigh(pid) for pid in pids) / 1024

    def processor(self):
        """Seconds of processor that its processes have taken so far."""
        return sum(taken(pid) for pid in members(self.process.pid)) if self.process else 0.0

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
        rows = "".join(f"r{row},{row % 7},{'yes' if row % 3 else 'no'}\n" for row in range(200))
        with open(os.path.join(self.folder, "rows.csv"), "w", encoding="utf-8") as file:
            file.write("id,amount,bought\n" + rows)
        words = [self.binary, "init", "bench", "--from", "rows.csv", "--label", "bought"]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"remuda init: {done.stderr or done.stdout}")

    def command(self):
        return [self.binary, "-C", os.path.join(self.folder, "bench"), "up", "--listen", f"127.0.0.1:{self.port}"]


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


def proportional(pid):
    """KiB of one process, with its share of what it has in common with others."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="latin-1") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0


def taken(pid):
    """Processor seconds of one process and of its ended children."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


class Strangers:
    """How many cores, on average, others took while something was measured: figures taken beside them are worth little."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.before = self.reading()
        return self

    def __exit__(self, *_):
        everything, ours, clock = (after - before for after, before in zip(self.reading(), self.before))
        self.cores = max(everything - ours, 0) / max(clock, 0.001)

    def reading(self):
        with open("/proc/stat", encoding="latin-1") as file:
            fields = [int(field) for field in file.readline().split()[1:9]]
        busy = (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
        own = os.times()
        return busy, sum(own[:4]) + self.server.processor(), time.perf_counter()


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
