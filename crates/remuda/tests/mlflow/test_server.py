"""What a server says of itself, and what it says to requests that it does not serve."""

import pytest


def test_health_and_version(api):
    health = api.raw("GET", "/health")
    assert (health.status_code, health.text.strip().strip('"')) == (200, "OK")
    version = api.raw("GET", "/version")
    assert version.status_code == 200 and version.text.strip('"').count(".") == 2


@pytest.mark.parametrize("prefix", ["/api/3.0/mlflow", "/ajax-api/3.0/mlflow"])
def test_server_info(api, prefix):
    info = api.get(f"{prefix}/server-info")
    assert info["store_type"] and info["workspaces_enabled"] is False
    for name in ("multipart_uploads_enabled", "multipart_downloads_enabled"):
        assert isinstance(info.get(name, False), bool)


def test_pages_may_use_their_own_prefix(api, experiment):
    run = api.post("/ajax-api/2.0/mlflow/runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
    assert api.get("/ajax-api/2.0/mlflow/runs/get", run_id=run)["run"]["info"]["run_id"] == run
    found = api.post("/ajax-api/2.0/mlflow/runs/search", experiment_ids=[experiment])["runs"]
    assert [entry["info"]["run_id"] for entry in found] == [run]


def test_answers_are_json(api, experiment):
    answer = api.raw("POST", "runs/search", json={"experiment_ids": [experiment]})
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    refused = api.raw("POST", "experiments/create", json={})
    assert refused.headers["content-type"].split(";")[0] == "application/json"


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "nothing"),
        ("GET", "/api/2.0/nothing"),
        ("POST", "/api/2.0/mlflow"),
        ("POST", "runs/nothing"),
        ("GET", "/api/9.9/mlflow/runs/get"),
        ("GET", "runs/create"),
        ("POST", "runs/get"),
        ("PUT", "runs/search"),
    ],
)
def test_what_is_no_route(api, method, path):
    answer = api.raw(method, path, json={} if method != "GET" else None)
    assert answer.status_code in (404, 405, 501), answer.status_code


@pytest.mark.beyond
@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/api/3.0/mlflow/scorers/register"),
        ("GET", "/api/3.0/mlflow/scorers/list"),
        ("POST", "/api/3.0/mlflow/gateway/endpoints/create"),
        ("GET", "/api/2.0/mlflow/webhooks"),
        ("POST", "/api/2.0/mlflow/webhooks"),
        ("POST", "/graphql"),
        ("POST", "/api/3.0/mlflow/prompt-optimization/jobs"),
        ("GET", "/api/3.0/mlflow/workspaces"),
        ("POST", "/api/3.0/mlflow/jobs"),
    ],
)
def test_what_is_not_our_aim_says_so(api, method, path):
    answer = api.raw(method, path, json={} if method != "GET" else None)
    assert answer.status_code in (404, 501), answer.status_code
    if answer.status_code == 501:
        assert answer.json()["error_code"] == "NOT_IMPLEMENTED" and answer.json()["message"]
