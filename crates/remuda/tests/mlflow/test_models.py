"""Models from training to use: autologging, registration, aliases, loading by name, ONNX."""

import numpy
import pytest
from speak import unique

ROWS = numpy.random.default_rng(7).normal(size=(120, 4))
LABELS = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)


@pytest.fixture
def quiet(fluent):
    """Autologging is switched off again, whatever happens."""
    yield fluent
    fluent.autolog(disable=True)


def the_only_run(fluent):
    found = fluent.search_runs(output_format="list")
    assert len(found) == 1
    return found[0]


def logged_model(fluent, run, path="model"):
    """Where the model of a run can be loaded from."""
    return f"runs:/{run.info.run_id}/{path}"


def test_sklearn_autolog(quiet):
    from sklearn.linear_model import LogisticRegression

    quiet.sklearn.autolog()
    with quiet.start_run():
        model = LogisticRegression(C=0.5).fit(ROWS, LABELS)
        model.score(ROWS, LABELS)
    run = the_only_run(quiet)
    assert run.data.params["C"] == "0.5" and run.data.metrics["training_accuracy_score"] > 0.9
    assert run.info.status == "FINISHED" and run.data.tags["estimator_name"] == "LogisticRegression"
    assert run.inputs.dataset_inputs[0].dataset.name
    loaded = quiet.sklearn.load_model(logged_model(quiet, run))
    assert (loaded.predict(ROWS) == model.predict(ROWS)).all()


def test_sklearn_search_autolog(quiet):
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    quiet.sklearn.autolog(max_tuning_runs=3)
    GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=2).fit(ROWS, LABELS)
    runs = quiet.search_runs(output_format="list")
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 1 and len(runs) == 4
    assert {run.data.params["max_depth"] for run in runs if run not in parents} == {"1", "2", "3"}
    assert parents[0].data.params["best_max_depth"] in ("1", "2", "3")


def test_xgboost_autolog(quiet):
    import xgboost

    quiet.xgboost.autolog()
    data = xgboost.DMatrix(ROWS, label=LABELS)
    with quiet.start_run():
        booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1, "eval_metric": "logloss"}, data, num_boost_round=6, evals=[(data, "train")])
    run = the_only_run(quiet)
    assert run.data.params["max_depth"] == "2" and run.data.params["num_boost_round"] == "6"
    assert len(quiet.MlflowClient().get_metric_history(run.info.run_id, "train-logloss")) == 6
    loaded = quiet.xgboost.load_model(logged_model(quiet, run))
    assert numpy.allclose(loaded.predict(data), booster.predict(data))


def test_lightgbm_autolog(quiet):
    import lightgbm

    quiet.lightgbm.autolog()
    data = lightgbm.Dataset(ROWS, label=LABELS)
    with quiet.start_run():
        lightgbm.train({"objective": "binary", "num_threads": 1, "verbose": -1}, data, num_boost_round=6, valid_sets=[data], valid_names=["train"])
    run = the_only_run(quiet)
    assert run.data.params["objective"] == "binary"
    assert len(quiet.MlflowClient().get_metric_history(run.info.run_id, "train-binary_logloss")) == 6
    assert quiet.pyfunc.load_model(logged_model(quiet, run)).predict(ROWS).shape == (120,)


# Named, since finding them out by itself costs mlflow seconds for each model.
NEEDS = ["scikit-learn"]


def train(fluent, name=None, **parameters):
    """Logs a small classifier; the run, the model, what `log_model` answered."""
    from mlflow.models import infer_signature
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(**parameters).fit(ROWS, LABELS)
    with fluent.start_run() as run:
        signature = infer_signature(ROWS, model.predict(ROWS))
        info = fluent.sklearn.log_model(model, name="model", signature=signature, input_example=ROWS[:2], registered_model_name=name, pip_requirements=NEEDS)
    return run, model, info


def test_register_alias_and_load(fluent, client):
    name = unique("classifier")
    run, model, info = train(fluent, name, C=0.1)
    version = client.get_registered_model(name).latest_versions[0]
    assert (str(version.version), version.status, version.run_id) == ("1", "READY", run.info.run_id)
    client.set_registered_model_alias(name, "champion", "1")
    for uri in (f"models:/{name}@champion", f"models:/{name}/1", f"models:/{name}/latest", info.model_uri, f"runs:/{run.info.run_id}/model"):
        loaded = fluent.pyfunc.load_model(uri)
        assert (loaded.predict(ROWS) == model.predict(ROWS)).all(), uri
    assert fluent.models.get_model_info(f"models:/{name}@champion").signature is not None

    _, other, _ = train(fluent, name, C=100.0)
    client.set_registered_model_alias(name, "champion", "2")
    loaded = fluent.sklearn.load_model(f"models:/{name}@champion")
    assert loaded.C == 100.0 and (loaded.predict(ROWS) == other.predict(ROWS)).all()
    assert client.get_model_version_by_alias(name, "champion").version in ("2", 2)
    found = fluent.search_model_versions(filter_string=f"name = '{name}'")
    assert sorted(str(entry.version) for entry in found) == ["1", "2"]


def test_register_later(fluent, client):
    name = unique("later")
    run, model, _ = train(fluent)
    version = fluent.register_model(f"runs:/{run.info.run_id}/model", name, tags={"a": "b"})
    assert str(version.version) == "1" and version.status == "READY" and version.tags == {"a": "b"}
    assert (fluent.pyfunc.load_model(f"models:/{name}/1").predict(ROWS) == model.predict(ROWS)).all()
    client.transition_model_version_stage(name, "1", "Staging")
    assert (fluent.pyfunc.load_model(f"models:/{name}/Staging").predict(ROWS) == model.predict(ROWS)).all()
    copy = client.copy_model_version(f"models:/{name}/1", unique("copy"))
    assert str(copy.version) == "1"
    assert (fluent.pyfunc.load_model(f"models:/{copy.name}/1").predict(ROWS) == model.predict(ROWS)).all()


def test_a_python_function_as_model(fluent):
    class Doubler(fluent.pyfunc.PythonModel):
        def predict(self, context, model_input: list[float], params=None):
            return [value * 2 for value in model_input]

    with fluent.start_run():
        info = fluent.pyfunc.log_model(name="doubler", python_model=Doubler(), input_example=[1.0, 2.0], pip_requirements=["numpy"])
    assert list(fluent.pyfunc.load_model(info.model_uri).predict([1.0, 2.5])) == [2.0, 5.0]


def test_onnx(fluent, client):
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    name = unique("onnx")
    model = LogisticRegression().fit(ROWS, LABELS)
    exported = to_onnx(model, ROWS[:1].astype(numpy.float32), options={"zipmap": False})
    with fluent.start_run() as run:
        fluent.onnx.log_model(exported, name="model", registered_model_name=name, pip_requirements=["onnxruntime"])
    client.set_registered_model_alias(name, "champion", "1")
    loaded = fluent.pyfunc.load_model(f"models:/{name}@champion")
    answers = loaded.predict(ROWS.astype(numpy.float32))
    labels = answers["label"] if isinstance(answers, dict) else answers.iloc[:, 0]
    assert (numpy.asarray(labels).ravel() == model.predict(ROWS)).mean() > 0.98
    assert client.get_model_version(name, "1").run_id == run.info.run_id


def test_evaluation(fluent):
    import pandas

    run, _, info = train(fluent)
    table = pandas.DataFrame(ROWS)
    table["label"] = LABELS
    with fluent.start_run() as evaluation:
        result = fluent.models.evaluate(info.model_uri, table, targets="label", model_type="classifier", evaluator_config={"log_model_explainability": False})
    assert result.metrics["accuracy_score"] > 0.9
    logged = fluent.get_run(evaluation.info.run_id).data.metrics
    assert logged["accuracy_score"] == pytest.approx(result.metrics["accuracy_score"])
