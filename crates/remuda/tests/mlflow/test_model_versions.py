"""Versions of registered models: numbers, sources, tags, stages, search, where to download them."""

import time

import pytest
from speak import pairs, unique, unpaired

VERSIONS = "model-versions"


@pytest.fixture
def model(api):
    name = unique("model")
    api.post("registered-models/create", name=name)
    return name


def create(api, name, **more):
    more.setdefault("source", "s3://bucket/folder/model")
    return api.post(f"{VERSIONS}/create", name=name, **more)["model_version"]


def get(api, name, version):
    return api.get(f"{VERSIONS}/get", name=name, version=version)["model_version"]


def test_a_version_comes_back_and_is_ready(api, model, run):
    made = create(api, model, source=f"runs:/{run}/model", run_id=run, description="first", tags=pairs({"a": "b"}), run_link="https://example.org/run")
    assert made["name"] == model and made["version"] == "1" and made["status"] == "READY"
    assert made["run_id"] == run and made["source"] == f"runs:/{run}/model" and made["run_link"] == "https://example.org/run"
    assert made["description"] == "first" and unpaired(made["tags"]) == {"a": "b"} and made["current_stage"] == "None"
    assert made["creation_timestamp"] > 1_600_000_000_000
    assert get(api, model, "1") == made
    assert api.get("registered-models/get", name=model)["registered_model"]["latest_versions"][0]["version"] == "1"


def test_numbers_go_up_and_never_come_back(api, model):
    assert [create(api, model)["version"] for _ in range(3)] == ["1", "2", "3"]
    api.delete(f"{VERSIONS}/delete", name=model, version="2")
    assert create(api, model)["version"] == "4"
    api.refused("GET", f"{VERSIONS}/get", {"name": model, "version": "2"}, "RESOURCE_DOES_NOT_EXIST", says=f"Model Version (name={model}, version=2) not found")
    api.refused("DELETE", f"{VERSIONS}/delete", {"name": model, "version": "2"}, "RESOURCE_DOES_NOT_EXIST")


def test_more_than_nine_versions_are_in_order(api, model):
    for _ in range(11):
        create(api, model)
    found = api.get(f"{VERSIONS}/search", filter=f"name = '{model}'", order_by=["version_number DESC"])["model_versions"]
    assert [entry["version"] for entry in found] == [str(number) for number in range(11, 0, -1)]
    assert api.post("registered-models/get-latest-versions", name=model)["model_versions"][0]["version"] == "11"


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd", "file:///etc", "file:///etc/passwd", "./relative", "s3://bucket/../other", "mlflow-artifacts:/../up",
        "https://host/api/2.0/mlflow-artifacts/artifacts/../../up", "s3://bucket/%2e%2e/other", "mlflow-artifacts://host/..%2f..%2fup", "s3://bucket/a%00b",
    ],
)
def test_a_source_leads_nowhere_else(api, model, run, source):
    says = None if "//host" in source else "Invalid model version source"
    api.refused("POST", f"{VERSIONS}/create", {"name": model, "source": source}, says=says)
    api.refused("POST", f"{VERSIONS}/create", {"name": model, "source": source, "run_id": run}, says=says)


def test_a_source_within_the_run(api, model, run):
    uri = api.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    made = create(api, model, source=f"{uri}/model", run_id=run)
    assert api.get(f"{VERSIONS}/get-download-uri", name=model, version=made["version"])["artifact_uri"] == f"{uri}/model"


def test_where_to_download(api, model):
    create(api, model, source="s3://bucket/one")
    create(api, model, source="s3://bucket/two")
    uri = lambda version: api.get(f"{VERSIONS}/get-download-uri", name=model, version=version)["artifact_uri"]
    assert (uri("1"), uri("2")) == ("s3://bucket/one", "s3://bucket/two")
    api.refused("GET", f"{VERSIONS}/get-download-uri", {"name": model, "version": "7"}, "RESOURCE_DOES_NOT_EXIST")


def test_a_version_may_be_made_of_another(api, model):
    create(api, model, source="s3://bucket/one")
    copy = create(api, model, source=f"models:/{model}/1")
    assert copy["version"] == "2" and copy["source"] == f"models:/{model}/1"
    assert api.get(f"{VERSIONS}/get-download-uri", name=model, version="2")["artifact_uri"] == "s3://bucket/one"
    api.refused("POST", f"{VERSIONS}/create", {"name": model, "source": f"models:/{unique('none')}/1"}, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("path, method", [("get", "GET"), ("update", "PATCH"), ("delete", "DELETE"), ("set-tag", "POST"), ("delete-tag", "DELETE"), ("transition-stage", "POST")])
def test_name_and_version_are_required(api, model, path, method):
    create(api, model)
    more = {"set-tag": {"key": "a", "value": "b"}, "delete-tag": {"key": "a"}, "transition-stage": {"stage": "None"}, "update": {"description": "x"}}.get(path, {})
    full = f"{VERSIONS}/{path}"
    api.refused(method, full, {"version": "1", **more}, says="Missing value for required parameter 'name'")
    api.refused(method, full, {"name": model, **more}, says="Missing value for required parameter 'version'")
    api.refused(method, full, {"name": model, "version": "99", **more}, "RESOURCE_DOES_NOT_EXIST", says=f"Model Version (name={model}, version=99) not found")
    api.refused(method, full, {"name": model, "version": "x", **more}, says="Parameter 'version' must be an integer, got 'x'")
    if method != "GET":
        api.refused(method, full, {"name": model, "version": 1, **more}, says="Invalid value 1 for parameter 'version' supplied")


def test_bad_versions_are_refused(api, model):
    path = f"{VERSIONS}/create"
    api.refused("POST", path, {"name": model}, says="Missing value for required parameter 'source'")
    api.refused("POST", path, {"source": "s3://a/b"}, says="Missing value for required parameter 'name'")
    api.refused("POST", path, {"name": model, "source": 5}, says="Invalid value 5 for parameter 'source' supplied")
    api.refused("POST", path, {"name": model, "source": "s3://a/b", "tags": 5}, says="Invalid value 5 for parameter 'tags' supplied")


def test_update(api, model):
    create(api, model)
    before = get(api, model, "1")
    time.sleep(0.01)
    after = api.patch(f"{VERSIONS}/update", name=model, version="1", description="newer")["model_version"]
    assert after["description"] == "newer" and after["last_updated_timestamp"] > before["last_updated_timestamp"]
    assert get(api, model, "1") == after


def test_tags(api, model):
    create(api, model)
    tag = lambda **body: api.post(f"{VERSIONS}/set-tag", name=model, version="1", **body)
    tag(key="state", value="one")
    tag(key="state", value="two")
    tag(key="long", value="v" * 100_000)
    assert unpaired(get(api, model, "1")["tags"]) == {"state": "two", "long": "v" * 100_000}
    for _ in range(2):
        assert api.delete(f"{VERSIONS}/delete-tag", name=model, version="1", key="state") == {}
    assert "state" not in unpaired(get(api, model, "1")["tags"])
    path, good = f"{VERSIONS}/set-tag", {"name": model, "version": "1", "key": "k", "value": "v"}
    api.refused("POST", path, {**good, "key": "k" * 251}, says="exceeds the maximum length of 250")
    api.refused("POST", path, {**good, "value": "v" * 100_001}, says="exceeds the maximum length of 100000")


class TestStages:
    """Deprecated by MLflow, called by many a script."""

    def move(self, api, model, version, stage, **more):
        return api.post(f"{VERSIONS}/transition-stage", name=model, version=version, stage=stage, **more)["model_version"]["current_stage"]

    def test_a_version_moves(self, api, model):
        create(api, model), create(api, model)
        assert self.move(api, model, "1", "Staging") == "Staging"
        assert self.move(api, model, "1", "staging") == "Staging"
        assert self.move(api, model, "2", "Staging") == "Staging"
        assert get(api, model, "1")["current_stage"] == "Staging"
        assert self.move(api, model, "1", "Archived") == "Archived"
        assert self.move(api, model, "1", "Staging", archive_existing_versions=True) == "Staging"
        assert get(api, model, "2")["current_stage"] == "Archived"
        assert self.move(api, model, "1", "None") == "None"

    def test_latest_of_each_stage(self, api, model):
        for _ in range(4):
            create(api, model)
        self.move(api, model, "1", "Staging"), self.move(api, model, "2", "Staging")
        latest = lambda **body: sorted((entry["version"], entry["current_stage"]) for entry in api.post("registered-models/get-latest-versions", name=model, **body).get("model_versions", []))
        assert latest() == [("2", "Staging"), ("4", "None")]
        assert latest(stages=["Staging"]) == latest(stages=["staging"]) == [("2", "Staging")]
        assert latest(stages=["Archived"]) == []
        asked = api.get("registered-models/get-latest-versions", name=model, stages=["None", "Staging"])["model_versions"]
        assert sorted(entry["version"] for entry in asked) == ["2", "4"]

    def test_bad_stages_are_refused(self, api, model):
        create(api, model)
        says = "Invalid Model Version stage: Nowhere. Value must be one of None, Staging, Production, Archived."
        api.refused("POST", f"{VERSIONS}/transition-stage", {"name": model, "version": "1", "stage": "Nowhere"}, says=says)
        api.refused("POST", f"{VERSIONS}/transition-stage", {"name": model, "version": "1"}, says="Missing value for required parameter 'stage'")
        api.refused("POST", "registered-models/get-latest-versions", {"name": model, "stages": ["Nowhere"]}, says=says)


class TestSearch:
    @pytest.fixture
    def three(self, api, model, run):
        create(api, model, source="s3://bucket/one", tags=pairs({"k": "a"}))
        time.sleep(0.003)
        create(api, model, source=f"runs:/{run}/two", run_id=run, tags=pairs({"k": "b"}))
        time.sleep(0.003)
        create(api, model, source="s3://bucket/three")
        return model, run

    def test_filters(self, api, three):
        model, run = three

        def found(filter, **more):
            answer = api.get(f"{VERSIONS}/search", filter=filter, **more)
            return [entry["version"] for entry in answer.get("model_versions", [])]

        named = f"name = '{model}'"
        assert found(named) == ["3", "2", "1"]
        assert found(f"name ILIKE '{model.upper()}'") == ["3", "2", "1"]
        assert found(f"name LIKE '{model[:-2]}%'") == ["3", "2", "1"]
        assert found(f"run_id = '{run}'") == ["2"]
        assert found(f"run_id IN ('{run}', 'x')") == ["2"]
        assert found(f"{named} and source_path = 's3://bucket/one'") == ["1"]
        assert found(f"{named} and tags.k = 'a'") == ["1"]
        assert found(f"{named} and tags.k != 'a'") == ["2"]
        assert found(f"{named} and version_number > 1") == ["3", "2"]
        assert found(f"{named} and version_number = 2") == ["2"]
        assert found(named, order_by=["version_number ASC"]) == ["1", "2", "3"]
        assert found(named, order_by=["creation_timestamp ASC"]) == ["1", "2", "3"]
        assert found(f"name = '{unique('none')}'") == []

    def test_pages(self, api, three):
        model, _ = three
        seen, token = [], None
        while not seen or token:
            answer = api.get(f"{VERSIONS}/search", filter=f"name = '{model}'", max_results=2, **({"page_token": token} if token else {}))
            seen += [entry["version"] for entry in answer["model_versions"]]
            token = answer.get("next_page_token")
            assert len(seen) <= 3
        assert seen == ["3", "2", "1"]

    @pytest.mark.parametrize("query", [{"filter": "nothing = 'x'"}, {"filter": "version_number > 'x'"}, {"max_results": 200_001}, {"order_by": ["nothing"]}, {"page_token": "hm"}], ids=str)
    def test_bad_searches_are_refused(self, api, query):
        api.refused("GET", f"{VERSIONS}/search", query)


@pytest.mark.parametrize("path", ["..", "../x", "/etc/passwd", "%2e%2e/x"])
def test_no_artifact_of_a_version_leads_out(api, model, run, path):
    uri = api.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    create(api, model, source=f"{uri}/model", run_id=run)
    api.refused("GET", "/model-versions/get-artifact", {"name": model, "version": "1", "path": path}, says="Invalid path")


def test_an_artifact_of_a_version(api, model, run):
    uri = api.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    root = uri.split(":/", 1)[1].lstrip("/")
    api.raw("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{root}/model/MLmodel", data=b"flavors: {}")
    create(api, model, source=f"{uri}/model", run_id=run)
    answer = api.raw("GET", "/model-versions/get-artifact", params={"name": model, "version": "1", "path": "MLmodel"})
    assert answer.status_code == 200 and answer.content == b"flavors: {}"
    missing = api.raw("GET", "/model-versions/get-artifact", params={"name": model, "version": "1", "path": "nothing"})
    assert missing.status_code == 404
