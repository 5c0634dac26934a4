"""The other side of the tests against ONNX Runtime.

`run FOLDER`: for each NAME.onnx and NAME.inputs.json there, writes NAME.outputs.json.
`export FOLDER`: trains scikit-learn models, writes them by skl2onnx as NAME.onnx with inputs and outputs in NAME.json.
`foreign FOLDER`: the same with models whose operators our evaluator lacks.
"""
import json
import pathlib
import sys

import numpy as np
import onnxruntime


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(folder):
    for path in sorted(folder.glob("*.onnx")):
        inputs = json.loads(path.with_suffix(".inputs.json").read_text())
        feeds = {}
        for column in inputs:
            if "numbers" in column:
                numbers = [np.nan if value is None else float(value) for value in column["numbers"]]
                with np.errstate(over="ignore"):
                    feeds[column["name"]] = np.array(numbers, dtype=np.float64).astype(np.float32).reshape(-1, 1)
            else:
                feeds[column["name"]] = np.array(column["texts"], dtype=object).reshape(-1, 1)
        outputs = session(path).run(None, feeds)
        path.with_suffix(".outputs.json").write_text(json.dumps([output.tolist() for output in outputs]))


def put(folder, name, model, features, sample=None, types=None, options=None):
    from skl2onnx import to_onnx

    try:
        onnx = to_onnx(model, sample, initial_types=types, target_opset={"": 15, "ai.onnx.ml": 3}, options=options)
    except Exception as error:  # skl2onnx does not know this model.
        print(name, error, file=sys.stderr)
        return
    path = folder / f"{name}.onnx"
    path.write_bytes(onnx.SerializeToString())
    running = session(path)
    feeds = {}
    columns = {}
    for node in running.get_inputs():
        values = features[node.name]
        feeds[node.name] = values
        width = values.shape[1]
        for column in range(width):
            columns[node.name if width == 1 else f"{node.name}_{column}"] = values[:, column].tolist()
    outputs = running.run(None, feeds)
    result = {"inputs": columns}
    if len(outputs) == 1:
        result["numbers"] = outputs[0].ravel().tolist()
    else:
        scores = outputs[1]
        if isinstance(scores, list):
            result["classes"] = [str(label) for label in scores[0]]
            scores = np.array([list(row.values()) for row in scores])
        result["labels"] = [str(label) for label in outputs[0].ravel().tolist()]
        result["probabilities"] = scores.tolist()
    path.with_suffix(".json").write_text(json.dumps(result).replace("NaN", "null"))


def export(folder):
    import pandas as pd
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier,
        HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor,
    )
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    random = np.random.default_rng(1)
    x = random.normal(size=(300, 5)).astype(np.float32)
    score = x[:, 0] + x[:, 1] * x[:, 2] + random.normal(size=300) * 0.3
    two, three = (score > 0.5).astype(int), np.digitize(score, [-0.7, 0.7])
    words, number = np.array(["no", "yes"])[two], (score * 10 + 5).astype(np.float32)
    gaps = x.copy()
    gaps[random.random(x.shape) < 0.1] = np.nan

    def write(*arguments, **settings):
        put(folder, *arguments, **settings)

    classifiers = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "minmax": make_pipeline(MinMaxScaler(), Normalizer(), LogisticRegression()),
        "tree": DecisionTreeClassifier(max_depth=5, random_state=1),
        "forest": RandomForestClassifier(20, random_state=1),
        "extra": ExtraTreesClassifier(20, random_state=1),
        "boosting": GradientBoostingClassifier(n_estimators=20, random_state=1),
        "histogram": HistGradientBoostingClassifier(max_iter=20, random_state=1),
        "network": MLPClassifier((8,), max_iter=50, random_state=1),
    }
    for name, model in classifiers.items():
        for kind, target in (("two", two), ("three", three), ("words", words)):
            write(f"{name}-{kind}", model.fit(x, target), {"X": x}, x[:1])
    for name, model in {"imputer": make_pipeline(SimpleImputer(), LogisticRegression()), "gaps": HistGradientBoostingClassifier(max_iter=20)}.items():
        write(name, model.fit(gaps, words), {"X": gaps}, gaps[:1])
    regressors = {
        "linear": make_pipeline(StandardScaler(), LinearRegression()),
        "tree": DecisionTreeRegressor(max_depth=5, random_state=1),
        "forest": RandomForestRegressor(20, random_state=1),
        "boosting": GradientBoostingRegressor(n_estimators=20, random_state=1),
        "histogram": HistGradientBoostingRegressor(max_iter=20, random_state=1),
    }
    for name, model in regressors.items():
        write(f"{name}-number", model.fit(x, number), {"X": x}, x[:1])

    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": random.choice(["red", "green", "blué"], 300), "d": random.choice(["s", "m"], 300)})
    types = [("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1])), ("c", StringTensorType([None, 1])), ("d", StringTensorType([None, 1]))]
    feeds = {name: frame[[name]].to_numpy(dtype=object if name in "cd" else np.float32) for name in frame}
    for name, encoder in (("onehot", OneHotEncoder(handle_unknown="ignore")), ("ordinal", OrdinalEncoder())):
        parts = ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("c", encoder, ["c", "d"])])
        write(f"{name}-logistic", make_pipeline(parts, LogisticRegression()).fit(frame, words), feeds, types=types)
        write(f"{name}-forest", make_pipeline(parts, RandomForestClassifier(10, random_state=1)).fit(frame, words), feeds, types=types)
    texts = np.array([" ".join(random.choice(["card", "lost", "pin", "late", "my"], 5)) for _ in range(300)])
    target = np.array(["other", "lost"])[np.char.count(texts, "lost").clip(0, 1)]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern="[a-z]+", lowercase=False)
    model = make_pipeline(vectorizer, LogisticRegression()).fit(texts, target)
    write("texts", model, {"text": texts.astype(object).reshape(-1, 1)}, types=[("text", StringTensorType([None, 1]))])


def foreign(folder):
    """Models with operators that only ONNX Runtime has."""
    import onnx
    import pandas as pd
    from onnx import TensorProto, helper, numpy_helper
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVR

    random = np.random.default_rng(2)
    x = random.normal(size=(1200, 4)).astype(np.float32)
    score = x[:, 0] + x[:, 1] * x[:, 2] + random.normal(size=len(x)) * 0.3
    two, three = (score > 0.5).astype(int), np.digitize(score, [-0.7, 0.7])
    words = np.array(["no", "yes"])[two]
    classifiers = {"discriminant": QuadraticDiscriminantAnalysis(), "neighbours": KNeighborsClassifier(5), "bayes": GaussianNB()}
    for name, model in classifiers.items():
        for kind, target in (("two", two), ("three", three), ("words", words)):
            model.fit(x[:200], target[:200])
            put(folder, f"{name}-{kind}-maps", model, {"X": x}, x[:1])
            put(folder, f"{name}-{kind}", model, {"X": x}, x[:1], options={"zipmap": False})
    put(folder, "vectors-number", SVR().fit(x[:200], score[:200]), {"X": x}, x[:1])
    put(folder, "neighbours-number", KNeighborsRegressor(5).fit(x[:200], score[:200]), {"X": x}, x[:1])
    bayes = GaussianNB().fit(x[:200], words[:200])
    put(folder, "bayes-one-row", bayes, {"X": x[:1]}, types=[("X", FloatTensorType([1, 4]))])
    put(folder, "bayes-doubles", bayes, {"X": x.astype(np.float64)}, types=[("X", DoubleTensorType([None, 4]))], options={"zipmap": False})
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": random.choice(["red", "green", "blué"], len(x))})
    parts = ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["c"])])
    pipeline = make_pipeline(parts, KNeighborsClassifier(5)).fit(frame[:200], words[:200])
    types = [("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1])), ("c", StringTensorType([None, 1]))]
    feeds = {name: frame[[name]].to_numpy(dtype=object if name == "c" else np.float32) for name in frame}
    put(folder, "columns", pipeline, feeds, types=types)

    # What other frameworks write: one matrix in, one matrix of scores out, and nothing about classes.
    weights = numpy_helper.from_array(random.normal(size=(4, 3)).astype(np.float32), "weights")
    ones = numpy_helper.from_array(np.ones(4, dtype=np.float32), "ones")
    nodes = [helper.make_node("LayerNormalization", ["x", "ones"], ["y"]), helper.make_node("MatMul", ["y", "weights"], ["scores"])]
    matrix = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph(nodes, "scores", [matrix("x", 4)], [matrix("scores", 3)], [weights, ones])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    (folder / "logits.onnx").write_bytes(model.SerializeToString())
    logits = session(folder / "logits.onnx").run(None, {"x": x[:50]})[0].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    result = {"inputs": {name: x[:50, place].tolist() for place, name in enumerate("abcd")}, "probabilities": shares.tolist()}
    result["labels"] = [["low", "middle", "high"][place] for place in shares.argmax(axis=1)]
    (folder / "logits.json").write_text(json.dumps(result))


if __name__ == "__main__":
    {"run": run, "export": export, "foreign": foreign}[sys.argv[1]](pathlib.Path(sys.argv[2]))
