"""Logged models of MLflow 3: create, finalise, params, tags, metrics, search, artifacts, deletion."""

import time

import pytest
from speak import pairs, unpaired

MODELS = "logged-models"


def create(api, experiment, **more):
    return api.post(MODELS, experiment_id=experiment, **more)["model"]


def get(api, model_id, **more):
    return api.get(f"{MODELS}/{model_id}", **more)["model"]


@pytest.fixture
def model(api, experiment, run):
    return create(api, experiment, name="mine", source_run_id=run)["info"]["model_id"]


def test_a_model_comes_back(api, experiment, run):
    made = create(api, experiment, name="mine", model_type="classifier", source_run_id=run, params=pairs({"a": "1"}), tags=pairs({"x": "y"}))
    info = made["info"]
    assert info["model_id"].startswith("m-") and info["experiment_id"] == experiment and info["name"] == "mine"
    assert info["status"] == "LOGGED_MODEL_PENDING" and info["model_type"] == "classifier" and info["source_run_id"] == run
    assert info["artifact_uri"].startswith("mlflow-artifacts:/") and info["model_id"] in info["artifact_uri"]
    assert info["creation_timestamp_ms"] == info["last_updated_timestamp_ms"] > 1_600_000_000_000
    assert unpaired(info["tags"]) == {"x": "y"} and unpaired(made["data"]["params"]) == {"a": "1"}
    assert get(api, info["model_id"]) == made


def test_without_a_name_it_gets_one(api, experiment):
    assert create(api, experiment)["info"]["name"]


def test_bad_models_are_refused(api, experiment):
    api.refused("POST", MODELS, {"name": "x"}, says="Missing value for required parameter 'experiment_id'")
    api.refused("POST", MODELS, {"experiment_id": "987654321987", "name": "x"}, "RESOURCE_DOES_NOT_EXIST")
    api.refused("POST", MODELS, {"experiment_id": experiment, "name": 5}, says="Invalid value 5 for parameter 'name' supplied")
    for name in ("a/b", "a:b", "a.b", "a%b", "a'b", 'a"b'):
        api.refused("POST", MODELS, {"experiment_id": experiment, "name": name}, says="Model name must be a non-empty string and cannot contain the following characters")


def test_what_does_not_exist_is_not_found(api):
    says = "Logged model with ID 'm-none' not found."
    for method, path, body in [
        ("GET", "m-none", None), ("PATCH", "m-none", {"model_id": "m-none", "status": "LOGGED_MODEL_READY"}), ("DELETE", "m-none", None),
        ("PATCH", "m-none/tags", {"tags": pairs({"a": "b"})}), ("POST", "m-none/params", {"model_id": "m-none", "params": pairs({"a": "b"})}),
    ]:
        api.refused(method, f"{MODELS}/{path}", body, "RESOURCE_DOES_NOT_EXIST", says=says)


def test_a_model_is_finalised(api, model):
    path = f"{MODELS}/{model}"
    for status in ("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"):
        assert api.patch(path, model_id=model, status=status)["model"]["info"]["status"] == status
        assert get(api, model)["info"]["status"] == status
    api.refused("PATCH", path, {"model_id": model}, says="Missing value for required parameter 'status'")


def test_tags(api, model):
    path = f"{MODELS}/{model}/tags"
    assert api.patch(path, tags=pairs({"a": "1", "b": "2"})) == {}
    api.patch(path, tags=pairs({"a": "3"}))
    assert unpaired(get(api, model)["info"]["tags"]) == {"a": "3", "b": "2"}
    assert api.call("DELETE", f"{path}/a") == {}
    assert unpaired(get(api, model)["info"]["tags"]) == {"b": "2"}
    api.refused("DELETE", f"{path}/a", None, "RESOURCE_DOES_NOT_EXIST", says="No tag with key 'a' found")


def test_params_are_written_once(api, model):
    path = f"{MODELS}/{model}/params"
    assert api.post(path, model_id=model, params=pairs({"p": "1", "q": ""})) == {}
    assert unpaired(get(api, model)["data"]["params"]) == {"p": "1", "q": ""}
    again = api.raw("POST", path, json={"model_id": model, "params": pairs({"p": "2"})})
    assert again.status_code == 400
    assert unpaired(get(api, model)["data"]["params"])["p"] == "1"


def test_metrics_belong_to_a_model_too(api, run, model):
    api.post("runs/log-metric", run_id=run, key="acc", value=0.5, timestamp=5, step=1, model_id=model, dataset_name="d", dataset_digest="dd")
    api.post("runs/log-batch", run_id=run, metrics=[{"key": "acc", "value": 0.7, "timestamp": 6, "step": 2, "model_id": model}, {"key": "other", "value": 1, "timestamp": 1}])
    found = sorted(get(api, model)["data"]["metrics"], key=lambda metric: metric["step"])
    assert [(metric["key"], metric["value"], metric["step"], metric.get("dataset_name"), metric["run_id"]) for metric in found] == [
        ("acc", 0.5, 1, "d", run), ("acc", 0.7, 2, None, run)
    ]
    assert api.run_data(run)[0] == {"acc": 0.7, "other": 1.0}
    answer = api.raw("POST", "runs/log-metric", json={"run_id": run, "key": "acc", "value": 1, "timestamp": 1, "model_id": "m-none"})
    assert 400 <= answer.status_code < 500


def test_a_run_knows_what_it_made_and_what_it_used(api, experiment, run, model):
    assert api.post("runs/outputs", run_id=run, models=[{"model_id": model, "step": 3}]) == {}
    assert api.get("runs/get", run_id=run)["run"]["outputs"]["model_outputs"] == [{"model_id": model, "step": 3}]
    other = api.run(experiment)
    api.post("runs/log-inputs", run_id=other, models=[{"model_id": model}])
    assert api.get("runs/get", run_id=other)["run"]["inputs"]["model_inputs"] == [{"model_id": model}]
    api.refused("POST", "runs/outputs", {"run_id": run}, says="Missing value for required parameter 'models'")
    api.refused("POST", "runs/outputs", {"models": [{"model_id": model}]}, says="Missing value for required parameter 'run_id'")


@pytest.fixture(scope="module")
def three(api):
    """Three models of one experiment, with params, tags and a metric each."""
    experiment = api.experiment()
    run = api.run(experiment)
    made = []
    for index, name in enumerate(["ant", "bee", "cat"]):
        model_id = create(api, experiment, name=name, model_type="tree" if index else "linear", params=pairs({"p": str(index)}), tags=pairs({"even": str(index % 2 == 0)}),
                          **({"source_run_id": run} if index == 1 else {}))["info"]["model_id"]
        api.post("runs/log-metric", run_id=run, key="acc", value=index / 10, timestamp=5, model_id=model_id, **({"dataset_name": "d", "dataset_digest": "1"} if index else {}))
        made.append(model_id)
        time.sleep(0.003)
    return experiment, made, run


class TestSearch:
    def names(self, api, three, filter="", **more):
        answer = api.post(f"{MODELS}/search", experiment_ids=[three[0]], filter=filter, **more)
        return [model["info"]["name"] for model in answer.get("models", [])]

    @pytest.mark.parametrize(
        "filter, expected",
        [
            ("", "cat bee ant"),
            ("name = 'bee'", "bee"),
            ("attributes.name != 'bee'", "cat ant"),
            ("name LIKE '%a%'", "cat ant"),
            ("name IN ('ant', 'bee')", "bee ant"),
            ("params.p = '1'", "bee"),
            ("tags.even = 'True'", "cat ant"),
            ("model_type = 'tree'", "cat bee"),
            ("metrics.acc > 0.05", "cat bee"),
            ("metrics.acc >= 0.1 AND metrics.acc < 0.15", "bee"),
            ("creation_timestamp > 5 AND params.p = '2'", "cat"),
            ("metrics.nothing > 0", ""),
        ],
    )
    def test_filters(self, api, three, filter, expected):
        assert " ".join(self.names(api, three, filter)) == expected

    def test_by_id_and_run(self, api, three):
        _, made, run = three
        assert self.names(api, three, f"model_id = '{made[2]}'") == ["cat"]
        assert self.names(api, three, f"source_run_id = '{run}'") == ["bee"]

    def test_order(self, api, three):
        order = lambda **by: self.names(api, three, order_by=[by])
        assert order(field_name="creation_time", ascending=True) == ["ant", "bee", "cat"]
        assert order(field_name="metrics.acc", ascending=False) == ["cat", "bee", "ant"]
        assert order(field_name="metrics.acc", ascending=True) == ["ant", "bee", "cat"]
        assert order(field_name="metrics.acc", ascending=True, dataset_name="d", dataset_digest="1") == ["bee", "cat", "ant"]
        assert order(field_name="name", ascending=False) == ["cat", "bee", "ant"]

    def test_metrics_of_a_dataset(self, api, three):
        found = self.names(api, three, "metrics.acc >= 0", datasets=[{"dataset_name": "d", "dataset_digest": "1"}])
        assert found == ["cat", "bee"]
        assert self.names(api, three, "metrics.acc >= 0", datasets=[{"dataset_name": "none"}]) == []

    def test_pages(self, api, three):
        seen, token = [], None
        while not seen or token:
            answer = api.post(f"{MODELS}/search", experiment_ids=[three[0]], max_results=2, **({"page_token": token} if token else {}))
            seen += [model["info"]["name"] for model in answer["models"]]
            token = answer.get("next_page_token")
            assert len(seen) <= 3
        assert seen == ["cat", "bee", "ant"]

    def test_bad_searches_are_refused(self, api, three):
        path, good = f"{MODELS}/search", {"experiment_ids": [three[0]]}
        api.refused("POST", path, {}, says="Missing value for required parameter 'experiment_ids'")
        for wrong in ({"filter": "name > 'x'"}, {"filter": "name"}, {"order_by": [{"field_name": "nothing"}]}, {"order_by": [{}]}, {"max_results": "many"}, {"filter": 5}):
            api.refused("POST", path, {**good, **wrong})

    @pytest.mark.beyond
    def test_bad_searches_are_refused_too(self, api, three):
        for wrong in ({"filter": "nothing = 'x'"}, {"page_token": "hm"}):
            api.refused("POST", f"{MODELS}/search", {"experiment_ids": [three[0]], **wrong})


def test_artifacts(api, model):
    uri = get(api, model)["info"]["artifact_uri"]
    root = uri.split(":/", 1)[1].lstrip("/")
    api.raw("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{root}/folder/MLmodel", data=b"flavors: {}")
    listed = lambda **more: [(file["path"], file["is_dir"]) for file in api.get(f"{MODELS}/{model}/artifacts/directories", **more).get("files", [])]
    assert listed() == [("folder", True)]
    assert listed(artifact_directory_path="folder") == [("folder/MLmodel", False)]
    api.refused("GET", f"{MODELS}/{model}/artifacts/directories", {"artifact_directory_path": ".."}, says="Invalid path")
    answer = api.raw("GET", f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files", params={"artifact_file_path": "folder/MLmodel"})
    assert answer.status_code == 200 and answer.content == b"flavors: {}"


def test_delete(api, experiment, model):
    assert api.call("DELETE", f"{MODELS}/{model}") == {}
    api.refused("GET", f"{MODELS}/{model}", None, "RESOURCE_DOES_NOT_EXIST")
    assert api.post(f"{MODELS}/search", experiment_ids=[experiment]).get("models", []) == []


def test_the_client(fluent, client):
    with fluent.start_run() as run:
        made = fluent.initialize_logged_model(name="by-client", params={"depth": 3}, tags={"a": "b"}, model_type="tree")
        fluent.log_metric("acc", 0.9, model_id=made.model_id)
    assert str(made.status) == "PENDING"
    assert str(fluent.finalize_logged_model(made.model_id, "READY").status) == "READY"
    fluent.set_logged_model_tags(made.model_id, {"c": "d"})
    fluent.delete_logged_model_tag(made.model_id, "a")
    found = fluent.get_logged_model(made.model_id)
    assert (found.params, found.source_run_id) == ({"depth": "3"}, run.info.run_id)
    assert found.tags["c"] == "d" and "a" not in found.tags
    assert [(metric.key, metric.value) for metric in found.metrics] == [("acc", 0.9)]
    table = fluent.search_logged_models(filter_string="metrics.acc > 0.5 and params.depth = '3'")
    assert list(table["model_id"]) == [made.model_id]
    client.delete_logged_model(made.model_id)
    assert fluent.search_logged_models().empty
