"""The client side of the measurement: as little work as possible between the clock and the socket.

Requests are bytes made beforehand, connections are kept alive, and clients are processes, so that what is measured is the
server.
"""
import json
import multiprocessing
import os
import random
import socket
import time

API = "/api/2.0/mlflow/"


class Connection:
    """One keep-alive connection; answers are read whole."""

    def __init__(self, port):
        self.port = port
        self.reopen()

    def reopen(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, request):
        """Sends a request made by `request`; the status and the body of its answer."""
        self.socket.sendall(request)
        return self.answer()

    def answer(self):
        status, headers = self.head()
        if headers.get("transfer-encoding") == "chunked":
            return status, self.chunks()
        return status, self.exactly(int(headers.get("content-length", 0)))

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(lines[0].split(" ")[1]), headers

    def more(self):
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self.rest += piece

    def exactly(self, length):
        if len(self.rest) >= length:
            body, self.rest = self.rest[:length], self.rest[length:]
            return body
        pieces, missing = [self.rest], length - len(self.rest)
        self.rest = b""
        while missing:
            piece = self.socket.recv(min(missing, 1 << 20))
            if not piece:
                raise ConnectionError("the server closed the connection")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def chunks(self):
        body = []
        while True:
            while b"\r\n" not in self.rest:
                self.more()
            size, self.rest = self.rest.split(b"\r\n", 1)
            length = int(size.split(b";")[0], 16)
            piece = self.exactly(length + 2)[:-2]
            if not length:
                return b"".join(body)
            body.append(piece)

    def call(self, method, path, body=None):
        """A request that must succeed; its JSON answer."""
        status, answer = self.send(request(self.port, method, path, body))
        if status != 200:
            raise SystemExit(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else {}

    def close(self):
        self.socket.close()


def request(port, method, path, body=None):
    """The bytes of a request; a path without a leading slash lies under /api/2.0/mlflow/."""
    if body is None:
        content = b""
    elif isinstance(body, bytes):
        content = body
    else:
        content = json.dumps(body).encode()
    path = path if path.startswith("/") else API + path
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


def batch(run, shape, first, count=1000):
    """A body of runs/log-batch: `count` points of one key, or of as many keys."""
    if shape == "one key":
        line = '{"key":"loss","value":%.9f,"timestamp":%d,"step":%d}'
        points = [line % (random.random(), 1_700_000_000_000 + step, step) for step in range(first, first + count)]
    else:
        line = '{"key":"metric_%04d","value":%.9f,"timestamp":%d,"step":%d}'
        step = first // count
        points = [line % (key, random.random(), 1_700_000_000_000 + step, step) for key in range(count)]
    return ('{"run_id":"%s","metrics":[%s]}' % (run, ",".join(points))).encode()


def crowd(port, clients, prepare, seconds):
    """Several client processes, each sending its requests in turn until they are spent or the time is over.

    `prepare(connection, index)` makes the client's requests before the clock starts. Answers the requests sent, the time
    from the first to the last of all, and every latency in milliseconds.
    """
    barrier = multiprocessing.Barrier(clients)
    pipes = []
    for index in range(clients):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=one_of_a_crowd, args=(port, index, prepare, seconds, barrier, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes.append((process, ours))
    begun, ended, latencies = [], [], []
    for process, pipe in pipes:
        try:
            first, last, own = pipe.recv()
        except EOFError:
            raise SystemExit("a client of the measurement failed; see above") from None
        process.join()
        begun.append(first)
        ended.append(last)
        latencies += own
    return len(latencies), max(ended) - min(begun), sorted(latencies)


def one_of_a_crowd(port, index, prepare, seconds, barrier, pipe):
    random.seed(os.getpid())
    try:
        connection = Connection(port)
        requests = prepare(connection, index)
        connection.close()
        barrier.wait(timeout=600)
        # Anew: while others prepared theirs, a server may have closed a connection that said nothing.
        connection.reopen()
        begun = time.perf_counter()
        latencies = []
        before = begun
        for bytes_of_request in requests:
            status, body = connection.send(bytes_of_request)
            after = time.perf_counter()
            if status != 200:
                raise SystemExit(f"{bytes_of_request[:120]!r}: {status} {body[:300]!r}")
            latencies.append((after - before) * 1000)
            before = after
            if after - begun > seconds:
                break
        pipe.send((begun, before, latencies))
    except BaseException:
        barrier.abort()
        raise
    finally:
        pipe.close()


def quantile(values, share):
    """Of sorted values."""
    return values[min(int(share * len(values)), len(values) - 1)]
