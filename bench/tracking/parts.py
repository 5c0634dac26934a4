"""What is measured. Each part takes a server and the options and answers rows of (what, unit, number).

A row of `more is better` has a unit that ends in /s; of every other, less is better.
"""
import json
import os
import socket
import statistics
import time
import urllib.parse

from servers import Peak
from wire import Connection, batch, crowd, quantile, request


def make_run(connection, experiment=None, **more):
    experiment = experiment or make_experiment(connection)
    body = {"experiment_id": experiment, "start_time": 1_700_000_000_000, **more}
    return connection.call("POST", "runs/create", body)["run"]["info"]["run_id"]


def make_experiment(connection):
    return connection.call("POST", "experiments/create", {"name": f"bench {time.time_ns()}"})["experiment_id"]


def start(server, options):
    """From starting the program to its first answer, again and again on the same folder; memory when nothing happens."""
    taken = []
    for _ in range(options.starts):
        server.stop()
        taken.append(server.start() * 1000)
        server.settle()
    yield "start to first answer", "ms", statistics.median(taken)
    yield "memory at rest", "MiB", server.memory()


def log_metric(server, options):
    """Single points from clients that each wait for every answer."""
    for clients in options.clients:
        def prepare(connection, index):
            run = make_run(connection)
            for step in range(options.singles):
                body = {"run_id": run, "key": "loss", "value": step / 7, "timestamp": 1_700_000_000_000 + step, "step": step}
                yield request(connection.port, "POST", "runs/log-metric", body)

        sent, seconds, latencies = crowd(server.port, clients, made(prepare), options.seconds)
        what = f"log-metric, {clients} clients" if clients > 1 else "log-metric, 1 client"
        yield what, "points/s", sent / seconds
        yield f"{what}, p50", "ms", quantile(latencies, 0.5)
        yield f"{what}, p99", "ms", quantile(latencies, 0.99)


def made(prepare):
    """Makes all requests before the clock starts."""
    return lambda connection, index: list(prepare(connection, index))


def log_batch(server, options):
    """Batches of a thousand points."""
    for shape in ("one key", "1,000 keys"):
        for clients in (1, 4):
            def prepare(connection, index):
                run = make_run(connection)
                for number in range(options.batches // clients):
                    yield request(connection.port, "POST", "runs/log-batch", batch(run, shape, number * 1000))

            sent, seconds, latencies = crowd(server.port, clients, made(prepare), options.seconds)
            what = f"log-batch of 1,000, {shape}, {clients} client{'s' * (clients > 1)}"
            yield what, "points/s", sent * 1000 / seconds
            yield f"{what}, p50", "ms", quantile(latencies, 0.5)


def create_run(server, options):
    for clients in (1, 8):
        def prepare(connection, index):
            body = {"experiment_id": make_experiment(connection), "start_time": 1_700_000_000_000, "run_name": "bench", "tags": [{"key": "mlflow.user", "value": "bench"}]}
            return [request(connection.port, "POST", "runs/create", body)] * 20_000

        sent, seconds, _ = crowd(server.port, clients, prepare, options.seconds)
        yield f"runs/create, {clients} client{'s' * (clients > 1)}", "runs/s", sent / seconds


def fill_history(server, points):
    """A run with that many points of one key; the run and the seconds that it took."""
    connection = Connection(server.port)
    run = make_run(connection)
    begun = time.perf_counter()
    for first in range(0, points, 1000):
        status, answer = connection.send(request(server.port, "POST", "runs/log-batch", batch(run, "one key", first, min(1000, points - first))))
        if status != 200:
            raise SystemExit(f"log-batch: {status} {answer[:300]!r}")
    seconds = time.perf_counter() - begun
    connection.close()
    return run, seconds


def read_history(server, run, page=25_000):
    """Every page of a history: points read, seconds of all and of the first page, bytes."""
    connection = Connection(server.port)
    seen, size, token, first = 0, 0, None, None
    begun = time.perf_counter()
    while True:
        query = {"run_id": run, "metric_key": "loss", "max_results": page, **({"page_token": token} if token else {})}
        status, body = connection.send(request(server.port, "GET", "metrics/get-history?" + urllib.parse.urlencode(query)))
        if status != 200:
            raise SystemExit(f"get-history: {status} {body[:300]!r}")
        first = first or time.perf_counter() - begun
        size += len(body)
        # Counting and the token without parsing: a client's parser would be measured instead.
        seen += body.count(b'"step"')
        tail = body[-400:] if b"next_page_token" in body[-400:] else body[:400]
        token = json.loads(b'"' + tail.split(b'"next_page_token"', 1)[1].split(b'"', 2)[1] + b'"') if b'"next_page_token"' in tail else None
        if not token:
            break
    seconds = time.perf_counter() - begun
    connection.close()
    return seen, seconds, first, size


def history(server, options):
    points = options.points[server.name][0]
    run, _ = fill_history(server, points)
    with Peak(server) as peak:
        seen, seconds, first, _ = read_history(server, run)
    if seen != points:
        raise SystemExit(f"{server.name}: {seen} of {points} points came back")
    yield "points of one history", "points", points
    yield "history read in pages of 25,000", "points/s", seen / seconds
    yield "its first page", "ms", first * 1000
    yield "memory while it is read", "MiB", peak.most


def fill_runs(server, experiment, count, clients=8):
    """Adds runs, each with two metrics, two params and a tag, by runs/create and log-batch; the seconds that it took."""
    def prepare(connection, index):
        def requests():
            for number in range(count // clients + (index < count % clients)):
                body = {"experiment_id": experiment, "start_time": 1_700_000_000_000 + number * clients + index, "run_name": f"run {index}-{number}"}
                run = make_run(connection, **body)
                value = (number * clients + index) / count
                yield request(connection.port, "POST", "runs/log-batch", {
                    "run_id": run,
                    "metrics": [{"key": "acc", "value": value, "timestamp": 1_700_000_000_000, "step": 1}, {"key": "loss", "value": 1 - value, "timestamp": 1_700_000_000_000, "step": 1}],
                    "params": [{"key": "lr", "value": str(number % 10)}, {"key": "depth", "value": str(number % 7)}],
                    "tags": [{"key": "team", "value": "bench"}],
                })
        return requests()

    begun = time.perf_counter()
    crowd(server.port, clients, prepare, 10**9)
    return time.perf_counter() - begun


SEARCHES = [
    ("metric and param, 50 runs", {"filter": "metrics.acc > 0.5 AND params.lr = '3'", "max_results": 50}),
    ("metric and param, 1,000 runs", {"filter": "metrics.acc > 0.5 AND params.lr = '3'", "max_results": 1000}),
    ("no filter, 50 runs", {"max_results": 50}),
    ("sorted by a metric, 50 runs", {"order_by": ["metrics.acc DESC"], "max_results": 50}),
    ("a rare match, 50 runs", {"filter": "metrics.acc > 0.9995 AND params.lr = '3'", "max_results": 50}),
]


def search_rows(server, options, experiment, count):
    connection = Connection(server.port)
    for name, body in SEARCHES:
        asked = request(server.port, "POST", "runs/search", {"experiment_ids": [experiment], **body})
        taken = []
        until = time.perf_counter() + options.seconds
        while len(taken) < 30 and (len(taken) < 3 or time.perf_counter() < until):
            begun = time.perf_counter()
            status, answer = connection.send(asked)
            taken.append((time.perf_counter() - begun) * 1000)
            if status != 200:
                raise SystemExit(f"runs/search: {status} {answer[:300]!r}")
        yield f"search of {count:,} runs: {name}, p50", "ms", statistics.median(taken)
    connection.close()


def search(server, options):
    """Growth from the fewest to the most runs, in one experiment."""
    connection = Connection(server.port)
    experiment = make_experiment(connection)
    connection.close()
    before = 0
    for count in options.runs[server.name]:
        seconds = fill_runs(server, experiment, count - before)
        yield f"runs made and filled, up to {count:,}", "runs/s", (count - before) / seconds
        before = count
        yield from search_rows(server, options, experiment, count)
        yield f"memory with {count:,} runs", "MiB", server.memory()


def points(server, options):
    """Growth from the fewest to the most points, in runs of at most a million each."""
    total = 0
    for count in options.points[server.name]:
        added, seconds, run = count - total, 0.0, None
        while added:
            share = min(added, 1_000_000)
            run, taken = fill_history(server, share)
            seconds, added = seconds + taken, added - share
        yield f"points written, up to {count:,}", "points/s", (count - total) / seconds
        total = count
        seen, taken, first, _ = read_history(server, run)
        yield f"history read with {count:,} points", "points/s", seen / taken
        yield f"disk per point with {count:,} points", "bytes", server.disk() * 1024 * 1024 / count
        yield f"memory with {count:,} points", "MiB", server.memory()


def artifact(server, options):
    """A big file up and down, with what the disk does beside it."""
    size = options.artifact * 1024 * 1024
    connection = Connection(server.port)
    run = make_run(connection)
    uri = connection.call("GET", f"runs/get?run_id={run}")["run"]["info"]["artifact_uri"]
    path = "/api/2.0/mlflow-artifacts/artifacts/" + uri.split(":/", 1)[1].lstrip("/") + "/big.bin"
    piece = os.urandom(1 << 20)
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {size}\r\n\r\n".encode()
    with Peak(server) as peak:
        begun = time.perf_counter()
        connection.socket.sendall(head)
        for _ in range(options.artifact):
            connection.socket.sendall(piece)
        status, answer = connection.answer()
        up = time.perf_counter() - begun
    if status != 200:
        raise SystemExit(f"upload: {status} {answer[:300]!r}")
    yield f"artifact of {options.artifact} MiB up", "MiB/s", options.artifact / up
    yield "memory while it goes up", "MiB", peak.most
    with Peak(server) as peak:
        begun = time.perf_counter()
        read = download(connection, server.port, path)
        down = time.perf_counter() - begun
    if read != size:
        raise SystemExit(f"{server.name}: {read} of {size} bytes came back")
    yield f"artifact of {options.artifact} MiB down", "MiB/s", options.artifact / down
    yield "memory while it comes down", "MiB", peak.most
    yield "the disk itself beside it, written and synced", "MiB/s", disk_speed(server.folder, piece, options.artifact)


def download(connection, port, path):
    """Reads and forgets; how many bytes came."""
    connection.socket.sendall(request(port, "GET", path))
    status, headers = connection.head()
    if status != 200:
        raise SystemExit(f"download: {status}")
    if "content-length" not in headers:
        return len(connection.chunks())
    length = int(headers["content-length"])
    read, buffer = len(connection.rest), bytearray(1 << 20)
    connection.rest = b""
    while read < length:
        got = connection.socket.recv_into(buffer, min(len(buffer), length - read), socket.MSG_WAITALL)
        if not got:
            break
        read += got
    return read


def disk_speed(folder, piece, count):
    path = os.path.join(folder, "disk-speed.bin")
    begun = time.perf_counter()
    with open(path, "wb") as file:
        for _ in range(count):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - begun
    os.unlink(path)
    return count / seconds


def registry(server, options):
    connection = Connection(server.port)
    name = f"model-{time.time_ns()}"
    connection.call("POST", "registered-models/create", {"name": name, "tags": [{"key": "a", "value": "b"}]})
    for _ in range(3):
        connection.call("POST", "model-versions/create", {"name": name, "source": "s3://bucket/folder"})
    connection.call("POST", "registered-models/alias", {"name": name, "alias": "champion", "version": "2"})
    connection.close()

    def prepare(connection, index):
        return [request(connection.port, "GET", f"registered-models/get?name={name}")] * 20_000

    sent, seconds, latencies = crowd(server.port, 1, prepare, options.seconds)
    yield "registered-models/get, p50", "ms", quantile(latencies, 0.5)
    yield "registered-models/get, p99", "ms", quantile(latencies, 0.99)


def memory(server, options):
    yield "memory after all of this", "MiB", server.memory()
    yield "disk after all of this", "MiB", server.disk()


PARTS = {
    "start": start, "log_metric": log_metric, "log_batch": log_batch, "create_run": create_run, "history": history,
    "search": search, "artifact": artifact, "registry": registry, "points": points, "memory": memory,
}
