"""Compares remuda's tracking with MLflow's own server in one run, SQLite both. Prints figures and ratios; asserts nothing.

    cargo build --release -p remuda
    python3 bench/tracking/compare.py --remuda target/release/remuda --mlflow ~/.cache/remuda/mlflow/current/bin/mlflow

Needs nothing but Python's standard library. `--only log_metric,search` chooses parts, `--quick` is two minutes, `--large`
goes to a hundred million points; README.md says what each figure means.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

from parts import PARTS
from servers import Mlflow, Remuda, Strangers


def numbers(text):
    return [int(float(word)) for word in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--remuda", help="the program; without it, MLflow alone is measured")
    parser.add_argument("--mlflow", default="~/.cache/remuda/mlflow/current/bin/mlflow", help="its program, or `none`")
    parser.add_argument("--mlflow-workers", type=int, help="processes of MLflow's server (its own default, when absent)")
    parser.add_argument("--only", help=f"parts, with commas: {', '.join(PARTS)}")
    parser.add_argument("--without", default="points", help="parts to leave out (points, when absent)")
    parser.add_argument("--seconds", type=float, default=5, help="the longest that one measurement sends")
    parser.add_argument("--clients", type=numbers, default=[1, 8], help="of log_metric")
    parser.add_argument("--singles", type=int, default=20_000, help="single points for each client, at most")
    parser.add_argument("--batches", type=int, default=1200, help="batches in all, at most")
    parser.add_argument("--runs", type=numbers, default=[1_000, 10_000, 100_000], help="sizes of the searched experiment")
    parser.add_argument("--mlflow-runs", type=numbers, default=[1_000, 10_000])
    parser.add_argument("--points", type=numbers, default=[1_000_000, 10_000_000], help="the first is the history's length")
    parser.add_argument("--mlflow-points", type=numbers, default=[100_000, 1_000_000])
    parser.add_argument("--large", action="store_true", help="a hundred million points as well")
    parser.add_argument("--quick", action="store_true", help="small sizes and short times")
    parser.add_argument("--artifact", type=int, default=256, help="MiB")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--folder", help="where the servers keep their data (a temporary folder, when absent)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.starts, options.batches = 2, 3, 400
        options.runs, options.mlflow_runs = options.runs[:1], options.mlflow_runs[:1]
        options.points, options.mlflow_points = [100_000], [20_000]
    if options.large:
        options.points = options.points + [100_000_000]
    options.runs = {"remuda": options.runs, "mlflow": options.mlflow_runs}
    options.points = {"remuda": options.points, "mlflow": options.mlflow_points}
    return options


def chosen(options):
    if options.only:
        names = options.only.split(",")
    else:
        names = [name for name in PARTS if name not in options.without.split(",")]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return names


def main():
    options = arguments()
    names = chosen(options)
    if options.remuda and "/debug/" in os.path.abspath(options.remuda):
        print("this remuda looks like a debug build: its figures are worth little", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="remuda-tracking-", dir=options.folder) as folder:
        servers = []
        if options.remuda:
            servers.append(Remuda(folder, options.remuda))
        if options.mlflow != "none":
            servers.append(Mlflow(folder, options.mlflow, options.mlflow_workers))
        results = measure(servers, names, options)
    show(results, [server.name for server in servers])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "seconds": options.seconds, "figures": results}, file, indent=1)


def measure(servers, names, options):
    """Each part on one server after the other, so that both see the same minute of the machine."""
    results, disturbed = [], {}
    try:
        for server in servers:
            server.prepare()
            server.start()
        for server in servers:
            server.settle()
        for name in names:
            rows = {}
            for server in servers:
                begun = time.perf_counter()
                with Strangers(server) as strangers:
                    try:
                        for what, unit, number in PARTS[name](server, options):
                            rows.setdefault((what, unit), {})[server.name] = number
                    except (SystemExit, OSError) as failure:
                        print(f"{name} on {server.name} failed: {failure}", file=sys.stderr, flush=True)
                taken = time.perf_counter() - begun
                disturbed[name, server.name] = strangers.cores
                warning = "  (too many: these figures are worth little)" if strangers.cores > 0.3 else ""
                print(f"{name} on {server.name}: {taken:.0f} s, others took {strangers.cores:.2f} cores{warning}", file=sys.stderr, flush=True)
            for (what, unit), found in rows.items():
                others = max(disturbed[name, server] for server in found)
                results.append({"part": name, "what": what, "unit": unit, **found, "others": round(others, 2)})
    finally:
        for server in servers:
            server.stop()
    return results


def show(results, names):
    print(f"\n{machine()}")
    head = "".join(f"{name:>14}" for name in names) + (f"{'ratio':>10}" if len(names) == 2 else "")
    print(f"{'':<62}{'':>10}{head}")
    for row in results:
        cells = "".join(f"{figure(row.get(name)):>14}" for name in names)
        print(f"{row['what']:<62}{row['unit']:>10}{cells}{ratio(row, names):>10}{'  *' if row['others'] > 0.3 else ''}")
    if any(row["others"] > 0.3 for row in results):
        print("* measured while other programs took more than 0.3 cores: measure again on a quiet machine")


def figure(number):
    if number is None:
        return "-"
    return f"{number:,.0f}" if number >= 100 else f"{number:,.2f}"


def ratio(row, names):
    """How many times better the first is: faster, or smaller."""
    if len(names) != 2 or any(row.get(name) is None for name in names) or row["unit"] == "points" or "itself" in row["what"]:
        return ""
    first, second = row[names[0]], row[names[1]]
    better = first / second if row["unit"].endswith("/s") else second / first
    return f"{better:>9,.1f}x"


def machine():
    cores = os.cpu_count()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}, commit {commit.stdout.strip() or 'unknown'}"


if __name__ == "__main__":
    main()
