"""Measures the spine on generated rows: data add, gate evaluate, predict, outcomes, live, start-up, memory, /infer, board.

    cargo build --release
    python3 bench/spine/measure.py --remuda target/release/remuda --rows 1000000

Prints one line per figure. Needs nothing but Python's standard library. Compare two binaries by running it twice in
turn; machines drift, so quote ratios of medians.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import subprocess
import tempfile
import time

CATEGORIES = ["north", "south", "east", "west", "centre"]


def generate(path, rows, seed):
    """20 columns: a key, a label that depends on some of them, 10 numbers, 8 categories."""
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        names = ["id"] + [f"n{i}" for i in range(10)] + [f"c{i}" for i in range(8)] + ["bought"]
        file.write(",".join(names) + "\n")
        for row in range(rows):
            numbers = [draw.gauss(0, 1) for _ in range(10)]
            words = [draw.choice(CATEGORIES) for _ in range(8)]
            tilt = numbers[0] + 0.5 * numbers[1] + (0.8 if words[0] == "north" else 0) - 1
            label = "yes" if draw.random() < 1 / (1 + 2.718281828 ** -tilt) else "no"
            cells = [f"r{row:08d}"] + [f"{number:.4f}" for number in numbers] + words + [label]
            file.write(",".join(cells) + "\n")


def timed(what, command, folder, unit=None):
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"{what}: {done.stderr}")
    rate = f"  {unit / seconds:,.0f} rows/s" if unit else ""
    print(f"{what:<34} {seconds:8.2f} s{rate}", flush=True)
    return done


def outcomes(source, target):
    """What really happened, by the key and label of a generated file."""
    with open(source, encoding="utf-8") as rows, open(target, "w", encoding="utf-8") as file:
        next(rows)
        file.write("prediction_id,outcome\n")
        file.writelines(f"{row.split(',', 1)[0]},{row.rsplit(',', 1)[1]}" for row in rows)


def quantile(values, share):
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def requests(port, count, method, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        headers = {"content-type": "application/json"} if body else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        taken.append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}")
    return taken


def serve(remuda, folder):
    port = 7900 + os.getpid() % 90
    begun = time.perf_counter()
    server = subprocess.Popen([remuda, "up", "--listen", f"127.0.0.1:{port}"], cwd=folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        try:
            requests(port, 1, "GET", "/v2/health/live", None)
            break
        except OSError:
            time.sleep(0.002)
    print(f"{'start to first answer':<34} {(time.perf_counter() - begun) * 1000:8.0f} ms")
    with open(f"/proc/{server.pid}/status", encoding="utf-8") as status:
        resident = next(line for line in status if line.startswith("VmRSS"))
    print(f"{'memory at idle':<34} {int(resident.split()[1]) / 1024:8.0f} MiB")
    tensors = [{"name": f"n{i}", "shape": [1], "datatype": "FP64", "data": [0.1 * i]} for i in range(10)]
    tensors += [{"name": f"c{i}", "shape": [1], "datatype": "BYTES", "data": ["north"]} for i in range(8)]
    body = json.dumps({"inputs": tensors})
    for what, count, method, path, sent in [
        ("/infer, one row", 2000, "POST", "/v2/models/shop/infer", body),
        ("board", 100, "GET", "/", None),
    ]:
        requests(port, 20, method, path, sent)
        taken = requests(port, count, method, path, sent)
        print(f"{what:<34} p50 {quantile(taken, 0.5):.2f} ms  p99 {quantile(taken, 0.99):.2f} ms")
    server.terminate()
    server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remuda", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    remuda = os.path.abspath(options.remuda)
    scratch = tempfile.mkdtemp()
    try:
        small, large = os.path.join(scratch, "small.csv"), os.path.join(scratch, "large.csv")
        generate(small, 20_000, 1)
        generate(large, options.rows, 2)
        print(f"{options.rows:,} rows x 20 columns, {os.path.getsize(large) / 1e6:,.0f} MB of CSV")
        init = [remuda, "init", "shop", "--from", small, "--label", "bought"]
        timed("init on 20,000 rows", init, scratch)
        folder = os.path.join(scratch, "shop")
        # A row count rule inferred from the small file is not what is measured here.
        timed("data add", [remuda, "data", "add", large, "--as", "shop"], folder, options.rows)
        timed("data add, nothing new", [remuda, "data", "add", large, "--as", "shop"], folder, options.rows)
        timed("run --only linear", [remuda, "run", "--only", "linear"], folder)
        timed("run --only majority", [remuda, "run", "--only", "majority"], folder)
        timed("gate evaluate (15 % of the rows)", [remuda, "gate", "evaluate", "linear"], folder, options.rows * 0.15)
        for words in (["sign", "intent", "shop"], ["sign", "evidence", "linear"], ["release", "create", "linear"],
                      ["sign", "accept", "newest"], ["release", "promote"]):
            subprocess.run([remuda, *words], cwd=folder, capture_output=True, check=False)
        timed("predict", [remuda, "predict", large, "--id-column", "id", "-o", "out.csv"], folder, options.rows)
        happened = os.path.join(scratch, "outcomes.csv")
        outcomes(large, happened)
        timed("feedback add", [remuda, "feedback", "add", happened], folder, options.rows)
        timed("live, all of them joined", [remuda, "live"], folder)
        timed("status", [remuda, "status"], folder)
        timed("ledger verify", [remuda, "ledger", "verify"], folder)
        serve(remuda, folder)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
