"""Compares the gate's speed with the usual Python loops, in one run. Prints medians and ratios; asserts nothing.

    cargo build --release -p remuda; cargo build --release -p remuda-stats --example speed
    ~/.cache/remuda/venv/bin/python bench/gate/compare.py --remuda target/release/remuda --speed target/release/examples/speed

Three things: the 95 % interval of the area under the ROC curve by 1,000 resamples of 100,000 rows; ten criteria over
twenty slices of a million rows of twenty columns, two of them decided by resampling (the time to read the files, which is
that of one criterion over all rows, stands apart); and the memory of that.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef, precision_score, recall_score
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

CRITERIA = [
    "accuracy >= 0.6", "recall of yes >= 0.3", "precision of yes >= 0.3", "f1 of yes >= 0.3", "auc >= 0.6",
    "macro f1 >= 0.5", "mcc >= 0.2", "log loss <= 0.9", "brier <= 0.4", "balanced accuracy >= 0.5",
]


def table(rows, random):
    frame = {"id": np.arange(rows), "region": random.choice([f"r{place:02d}" for place in range(20)], rows)}
    for place in range(9):
        frame[f"x{place}"] = random.normal(size=rows).round(4)
    for place in range(7):
        frame[f"c{place}"] = random.choice(["u", "v", "w", "x"], rows)
    frame["amount"] = random.gamma(2, 10, rows).round(2)
    signal = frame["x0"] + 0.5 * frame["x1"]
    frame["label"] = np.where(signal + random.normal(size=rows) > 0.8, "yes", "no")
    score = np.clip(1 / (1 + np.exp(1 - 1.3 * signal)) + random.normal(size=rows) * 0.05, 0.001, 0.999).round(6)
    answers = {"id": frame["id"], "prediction": np.where(score > 0.5, "yes", "no"), "score": score}
    return pd.DataFrame(frame), pd.DataFrame(answers)


def seconds(work, rounds=3):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def auc_bootstrap(scores, positive, resamples):
    """The loop that scikit-learn's users write."""
    random = np.random.default_rng(1)
    for _ in range(resamples):
        rows = random.integers(0, len(scores), len(scores))
        roc_auc_score(positive[rows], scores[rows])


def slices_in_python(truth, answers, resamples):
    joined = truth.merge(answers, on="id")
    random = np.random.default_rng(1)
    for _, part in joined.groupby("region"):
        is_yes, called = (part.label == "yes").to_numpy(), (part.prediction == "yes").to_numpy()
        score = part.score.to_numpy()
        for metric in (accuracy_score, recall_score, precision_score, f1_score, balanced_accuracy_score):
            metric(is_yes, called)
        roc_auc_score(is_yes, score), log_loss(is_yes, score), brier_score_loss(is_yes, score)
        for _ in range(resamples):
            rows = random.integers(0, len(part), len(part))
            f1_score(is_yes[rows], called[rows], average="macro"), matthews_corrcoef(is_yes[rows], called[rows])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--remuda", required=True)
    arguments.add_argument("--speed", required=True)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    options = arguments.parse_args()
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        positive = random.random(100_000) < 0.3
        scores = (random.random(100_000) + 0.3 * positive).round(6)
        path = os.path.join(folder, "scores.csv")
        np.savetxt(path, np.c_[scores, positive], delimiter=",", fmt=["%.6f", "%d"])
        ours = json.loads(subprocess.run([options.speed, path, "1000"], capture_output=True, text=True, check=True).stdout)
        theirs = seconds(lambda: auc_bootstrap(scores, positive, 20), 3) * 50
        print("| what | remuda | Python | ratio |\n|---|--:|--:|--:|")
        print(f"| AUC of 100,000 rows, 1,000 resamples | {ours['bootstrap_seconds']:.2f} s | {theirs:.1f} s (20 resamples x 50) | {theirs / ours['bootstrap_seconds']:.0f} |")

        truth, answers = table(options.rows, random)
        files = [os.path.join(folder, name) for name in ("truth.csv", "answers.csv")]
        truth.to_csv(files[0], index=False)
        answers.to_csv(files[1], index=False)
        base = [options.remuda, "gate", "check", "--truth", files[0], "--predictions", files[1], "--id", "id", "--label", "label", "--positive", "yes", "--json"]

        def check(criteria, before=()):
            words = [word for one in criteria for word in ("-c", one)]
            ended = subprocess.run([*before, *base, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            return ended.stderr.strip().splitlines()

        one = seconds(lambda: check(["accuracy >= 0.5"]))
        all_of_them = seconds(lambda: check([f"{one} for each region" for one in CRITERIA]))
        # By a small program in between: a child of Python begins with Python's own memory.
        memory = int(check([f"{one} for each region" for one in CRITERIA], ["/usr/bin/time", "-f", "%M"])[-1]) / 1024
        python_reading = seconds(lambda: (pd.read_csv(files[0]), pd.read_csv(files[1])), 1)
        few, many = seconds(lambda: slices_in_python(truth, answers, 0), 1), seconds(lambda: slices_in_python(truth, answers, 2), 1)
        python_deciding = few + (many - few) / 2 * 2000
        print(f"| reading {options.rows:,} rows of 20 columns, one criterion | {one:.2f} s | {python_reading:.2f} s | {python_reading / one:.1f} |")
        print(f"| ten criteria over 20 slices, two by 2,000 resamples, reading apart | {all_of_them - one:.2f} s | {python_deciding:.0f} s (2 resamples x 1,000) | {python_deciding / max(all_of_them - one, 0.01):.0f} |")
        print(f"| greatest memory | {memory:.0f} MB | | |")


if __name__ == "__main__":
    main()
