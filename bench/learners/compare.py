"""Compares remuda's learners with scikit-learn, and remuda's evaluator with ONNX Runtime, on the public data sets.

    python -m venv ~/.cache/remuda/venv
    ~/.cache/remuda/venv/bin/pip install scikit-learn onnxruntime pandas
    cargo build --profile dev -p remuda-learn --example learners
    ~/.cache/remuda/venv/bin/python bench/learners/compare.py --learners target/debug/examples/learners --data ../shared/data

Every fifth row tests, the others train. scikit-learn gets categories as categories and missing values as missing.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def numbers_where_possible(frame, label):
    for name in frame.columns:
        if name != label:
            converted = pd.to_numeric(frame[name], errors="coerce")
            if converted.isna().sum() == (frame[name].isna()).sum():
                frame[name] = converted
    return frame


def telco(folder):
    frame = pd.read_csv(f"{folder}/telco-churn/Telco-Customer-Churn.csv", na_values=[" "])
    return frame.drop(columns="customerID"), "Churn", "auc"


def adult(folder):
    frame = pd.read_csv(f"{folder}/adult-income/adult.csv", na_values=["?"])
    return frame.drop(columns="fnlwgt"), "income-per-year", "auc"


def age(folder):
    frame = pd.read_csv(f"{folder}/adult-income/adult.csv", na_values=["?"])
    return frame.drop(columns="fnlwgt"), "age", "rmse"


def speed(folder):
    frame = pd.read_csv(f"{folder}/birdstrikes/birdstrikes.csv", keep_default_na=False, na_values=[""])
    frame["Flight Date"] = pd.to_datetime(frame["Flight Date"]).astype("int64") // 10**9
    return frame.dropna(subset=["Speed IAS in knots"]), "Speed IAS in knots", "rmse"


def damage(folder):
    frame = pd.read_csv(f"{folder}/birdstrikes/birdstrikes.csv", keep_default_na=False, na_values=[""])
    frame["Flight Date"] = pd.to_datetime(frame["Flight Date"]).astype("int64") // 10**9
    name = "Effect Amount of damage"
    return frame[~frame[name].isin(["B", "C"])], name, "accuracy"


def split(frame):
    frame = frame.reset_index(drop=True)
    test = frame.index % 5 == 0
    return frame[~test], frame[test]


def banking(folder):
    return pd.read_csv(f"{folder}/banking77/train.csv"), pd.read_csv(f"{folder}/banking77/test.csv")


def trees_of_sklearn(train, test, label, measure):
    def prepare(frame):
        features = frame.drop(columns=label).copy()
        for name in features.columns:
            if not pd.api.types.is_numeric_dtype(features[name]):
                known = train[name].dropna().value_counts().index[:250]
                features[name] = pd.Categorical(features[name].where(features[name].isin(known)), categories=known)
        return features

    kind = HistGradientBoostingRegressor if measure == "rmse" else HistGradientBoostingClassifier
    model = kind(categorical_features="from_dtype", random_state=1)
    start = time.perf_counter()
    model.fit(prepare(train), train[label])
    return model, prepare(test), time.perf_counter() - start


def linear_of_sklearn(train, test, label, measure):
    features = train.drop(columns=label)
    numeric = [name for name in features.columns if pd.api.types.is_numeric_dtype(features[name])]
    words = [name for name in features.columns if name not in numeric]
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encode = make_column_transformer((numbers, numeric), (OneHotEncoder(handle_unknown="ignore", min_frequency=2), words))
    model = make_pipeline(encode, Ridge() if measure == "rmse" else LogisticRegression(max_iter=3000))
    start = time.perf_counter()
    model.fit(features, train[label])
    return model, test.drop(columns=label), time.perf_counter() - start


def text_of_sklearn(train, test, label, measure):
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=3000))
    start = time.perf_counter()
    model.fit(train["text"], train[label])
    return model, test["text"], time.perf_counter() - start


def score(measure, truth, labels, chosen, probabilities):
    if measure == "auc":
        return roc_auc_score(truth == labels[1], probabilities[:, 1])
    if measure == "accuracy":
        return accuracy_score(truth, chosen)
    return mean_squared_error(truth, chosen) ** 0.5


def sklearn_score(model, features, truth, measure):
    if measure == "rmse":
        return score(measure, truth, None, model.predict(features), None)
    return score(measure, truth, model.classes_, model.predict(features), model.predict_proba(features))


def ours(learners, algorithm, train, test, label, measure):
    with tempfile.TemporaryDirectory() as folder:
        train.to_csv(f"{folder}/train.csv", index=False)
        test.to_csv(f"{folder}/test.csv", index=False)
        kind = "number" if measure == "rmse" else "classes"
        command = [learners, algorithm, label, kind, f"{folder}/train.csv", f"{folder}/test.csv", folder]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        made = pd.read_csv(f"{folder}/predictions.csv")
        labels = None if measure == "rmse" else sorted(train[label].unique())
        probabilities = None if measure == "rmse" else made.drop(columns="label").to_numpy()
        chosen = made["variable"].to_numpy() if measure == "rmse" else np.array(labels)[made["label"]]
        value = score(measure, test[label].to_numpy(), labels, chosen, probabilities)
        difference = against_onnxruntime(folder, said["inputs"], test, chosen, probabilities)
        size = os.path.getsize(f"{folder}/model.onnx")
    return value, said, difference, size


def against_onnxruntime(folder, inputs, test, chosen, probabilities):
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
    feeds = {}
    for feature in inputs:
        column = test[feature["name"]]
        if feature["kind"] == "number":
            feeds[feature["name"]] = column.to_numpy(dtype=np.float32).reshape(-1, 1)
        else:
            feeds[feature["name"]] = column.astype(object).where(column.notna(), "").to_numpy().reshape(-1, 1)
    result = session.run(None, feeds)
    if probabilities is None:
        return float(np.max(np.abs(result[0].ravel() - chosen) / np.maximum(1, np.abs(chosen))))
    wrong = int((result[0] != chosen).sum())
    if wrong:
        print(f"  {wrong} labels differ from ONNX Runtime")
    return float(np.abs(result[1] - probabilities).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", required=True, help="the example binary `learners` of remuda-learn")
    parser.add_argument("--data", required=True, help="the folder of public data sets")
    parser.add_argument("--only", help="one data set")
    options = parser.parse_args()
    head = ("data set", "learner", "measure", "ours", "sklearn", "ours s", "sklearn s", "max |ours - ORT|", "bytes")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    sets = {"telco-churn": telco, "adult-income": adult, "adult age": age, "birdstrikes speed": speed, "birdstrikes damage": damage}
    for name, read in sets.items():
        if options.only not in (None, name):
            continue
        frame, label, measure = read(options.data)
        train, test = split(numbers_where_possible(frame, label))
        for learner, sklearn in (("linear", linear_of_sklearn), ("trees", trees_of_sklearn)):
            report(options, name, learner, measure, train, test, label, sklearn)
    if options.only in (None, "banking77"):
        train, test = banking(options.data)
        for learner in ("linear", "trees"):
            report(options, "banking77", learner, "accuracy", train, test, "category", text_of_sklearn)


def report(options, name, learner, measure, train, test, label, sklearn):
    value, said, difference, size = ours(options.learners, learner, train, test, label, measure)
    model, features, seconds = sklearn(train, test, label, measure)
    theirs = sklearn_score(model, features, test[label].to_numpy(), measure)
    row = (name, learner, measure, f"{value:.4f}", f"{theirs:.4f}", f"{said['train_seconds']:.2f}", f"{seconds:.2f}", f"{difference:.1e}", size)
    print("| " + " | ".join(map(str, row)) + " |", flush=True)
    print("  " + "; ".join(said["notes"]), flush=True)


if __name__ == "__main__":
    main()
