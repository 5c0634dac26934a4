"""Whatever a client sends, the answer is never the server's own failure: a 5xx would be repeated for four minutes.

Most of this is asked of remuda alone, since MLflow's own server answers 500 to some of it.
"""

import concurrent.futures
import json
import socket
import urllib.parse

import pytest
import requests
from speak import API, Speaker, pairs

JSON = {"content-type": "application/json"}


def sent(api, path, raw, **headers):
    return api.raw("POST", path, data=raw, headers={**JSON, **headers})


def test_other_spellings_that_clients_use(api, experiment, run):
    """Numbers as words, JSON names of fields, unknown fields, a body that was encoded twice."""
    made = api.post("runs/create", experiment_id=experiment, start_time="17", unknown=5, more={"deep": [1]})["run"]["info"]
    assert made["start_time"] == 17
    api.post("runs/log-metric", run_id=run, key="m", value="5.5", timestamp="12", step="3")
    assert api.run_data(run)[0] == {"m": 5.5}
    twice = json.dumps(json.dumps({"run_id": run, "params": pairs({"a": "b"})}))
    assert sent(api, "runs/log-batch", twice.encode()).status_code == 200
    assert api.run_data(run)[1] == {"a": "b"}
    assert sent(api, "runs/log-batch", json.dumps({"run_id": run}).encode(), **{"content-type": "application/json; charset=utf-8"}).status_code == 200


def test_the_content_type_is_json(api, experiment):
    body = json.dumps({"experiment_id": experiment, "start_time": 1})
    for headers in ({"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}):
        answer = api.raw("POST", "runs/create", data=body, headers=headers)
        assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("raw", [b"{bad", b"", b"null", b"\xff\xfe", b'{"name": "\xff\xfe"}', b'{"name": "a"', b"{" * 100], ids=repr)
def test_what_is_no_object(api, raw):
    answer = sent(api, "experiments/create", raw)
    assert answer.status_code == 400 and answer.json()["error_code"]


@pytest.mark.beyond
@pytest.mark.parametrize("raw", [b"[]", b"5", b'"x"', b"true", b'"{bad"', b"[" * 100_000, b'{"a":' * 100_000, b'{"name": "\\ud800"}'], ids=lambda raw: repr(raw[:12]))
def test_what_is_no_object_either(api, raw):
    answer = sent(api, "experiments/create", raw)
    assert 400 <= answer.status_code < 500 or (b"ud800" in raw and answer.status_code == 200)


NOTHING = [None, "", 0, -1, 5.5, True, [], {}, [5], {"a": 1}, "x" * 300, 2**63, 2**70, -(2**63) - 1, 1e308, "\x00", "💥", ["a", None], [[]], [{}]]
ROUTES = {
    "experiments/create": ("name", "artifact_location", "tags"),
    "experiments/search": ("filter", "max_results", "order_by", "page_token", "view_type"),
    "experiments/update": ("experiment_id", "new_name"),
    "experiments/delete": ("experiment_id",),
    "experiments/set-experiment-tag": ("experiment_id", "key", "value"),
    "runs/create": ("experiment_id", "start_time", "run_name", "user_id", "tags"),
    "runs/update": ("run_id", "status", "end_time", "run_name"),
    "runs/log-metric": ("run_id", "key", "value", "timestamp", "step", "model_id"),
    "runs/log-parameter": ("run_id", "key", "value"),
    "runs/set-tag": ("run_id", "key", "value"),
    "runs/delete-tag": ("run_id", "key"),
    "runs/log-batch": ("run_id", "metrics", "params", "tags"),
    "runs/log-inputs": ("run_id", "datasets", "models"),
    "runs/search": ("experiment_ids", "filter", "run_view_type", "max_results", "order_by", "page_token"),
    "/ajax-api/2.0/mlflow/experiments/search-datasets": ("experiment_ids",),
    "registered-models/create": ("name", "tags", "description"),
    "registered-models/rename": ("name", "new_name"),
    "registered-models/set-tag": ("name", "key", "value"),
    "registered-models/alias": ("name", "alias", "version"),
    "registered-models/get-latest-versions": ("name", "stages"),
    "model-versions/create": ("name", "source", "run_id", "tags", "description"),
    "model-versions/set-tag": ("name", "version", "key", "value"),
    "model-versions/transition-stage": ("name", "version", "stage", "archive_existing_versions"),
    "logged-models": ("experiment_id", "name", "model_type", "source_run_id", "params", "tags"),
    "logged-models/search": ("experiment_ids", "filter", "datasets", "max_results", "order_by", "page_token"),
}


@pytest.mark.beyond
@pytest.mark.parametrize("path", ROUTES)
def test_wrong_types_everywhere(api, experiment, run, path):
    good = {
        "experiment_id": experiment, "run_id": run, "key": "k", "value": "1", "timestamp": 1, "new_name": "n", "name": "n",
        "alias": "a", "version": "1", "source": "s3://a/b", "stage": "None", "experiment_ids": [experiment],
    }
    for field in ROUTES[path]:
        for wrong in NOTHING:
            body = {name: good[name] for name in ROUTES[path] if name in good}
            body[field] = wrong
            api.raw("POST", path, json=body)
    # The server is as it was.
    assert api.get("runs/get", run_id=run)["run"]["info"]["run_id"] == run


@pytest.mark.beyond
@pytest.mark.parametrize("path, fields", [("runs/get", ("run_id",)), ("experiments/get", ("experiment_id",)), ("experiments/get-by-name", ("experiment_name",)),
                                          ("metrics/get-history", ("run_id", "metric_key", "max_results", "page_token")), ("artifacts/list", ("run_id", "path", "page_token")),
                                          ("registered-models/get", ("name",)), ("model-versions/get", ("name", "version")), ("model-versions/search", ("filter", "max_results", "page_token")),
                                          ("registered-models/search", ("filter", "max_results", "page_token")), ("registered-models/alias", ("name", "alias"))])
def test_wrong_words_in_queries(api, run, path, fields):
    good = {"run_id": run, "metric_key": "k", "name": "n", "version": "1", "alias": "a"}
    for field in fields:
        for wrong in ["", "0", "-1", "9" * 30, "\x00", "💥", "x" * 3000, "%", "'", "../..", "NaN", "1e5"]:
            api.raw("GET", path, params={**{name: good[name] for name in fields if name in good}, field: wrong})
        api.raw("GET", f"{path}?{field}=%FF%FE&{field}=%")


@pytest.mark.beyond
def test_numbers_beyond_their_kind(api, run):
    for value in ("1e999", "0x10", "1_000", "nan", "inf", "", None, True, [], {}, "٣"):
        api.raw("POST", "runs/log-metric", json={"run_id": run, "key": "m", "value": value, "timestamp": 1})
    for name in ("timestamp", "step"):
        for value in (2**63, -(2**63) - 1, 10**400, 1.5, "1.5", -0.0, True, []):
            api.raw("POST", "runs/log-metric", json={"run_id": run, "key": "m", "value": 1, "timestamp": 1, name: value})
    sent(api, "runs/log-metric", b'{"run_id":"%s","key":"m","value":1e999,"timestamp":1}' % run.encode())
    sent(api, "runs/log-metric", b'{"run_id":"%s","key":"m","value":NaN,"timestamp":1}' % run.encode())
    api.raw("POST", "runs/log-batch", json={"run_id": run, "metrics": [5]})
    api.raw("POST", "runs/log-batch", json={"run_id": run, "metrics": [{"key": "a", "value": 1, "timestamp": 1}, None]})
    history = api.get("metrics/get-history", run_id=run, metric_key="m")
    assert json.dumps(history)


@pytest.mark.beyond
def test_clocks_that_are_wrong(api, experiment):
    for start in (0, -1, 1, 4_102_444_800_000, 9_223_372_036_854_775_807):
        answer = api.raw("POST", "runs/create", json={"experiment_id": experiment, "start_time": start})
        assert answer.status_code in (200, 400)
    assert api.raw("POST", "runs/search", json={"experiment_ids": [experiment]}).status_code == 200


def test_huge_bodies(api, run):
    """A batch over a megabyte is refused, or taken whole: MLflow's limit counts the entries of the object."""
    tags = [{"key": f"t{index}", "value": "v" * 8000} for index in range(100)]
    api.call("POST", "runs/log-batch", {"run_id": run, "tags": tags})
    answer = api.raw("POST", "runs/log-batch", json={"run_id": run, "unknown": "x" * 3_000_000})
    assert answer.status_code < 500


@pytest.mark.beyond
def test_a_body_without_end(api):
    try:
        answer = api.raw("POST", "experiments/create", data=b'{"name": "' + b"x" * 80_000_000 + b'"}', headers=JSON)
    except requests.ConnectionError:
        # Cut off while it was still sending; a fresh connection is served.
        answer = None
    assert answer is None or answer.status_code in (400, 413)
    assert api.raw("GET", "/health").status_code == 200


def test_a_client_that_stops_in_the_middle(base, api, run):
    uri = api.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    root = urllib.parse.urlparse(uri).path.strip("/")
    parts = urllib.parse.urlparse(base)
    for path, method in [(f"/api/2.0/mlflow-artifacts/artifacts/{root}/half.bin", "PUT"), (API + "runs/log-batch", "POST")]:
        with socket.create_connection((parts.hostname, parts.port)) as line:
            head = f"{method} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
            line.sendall(head.encode() + b"x" * 5000)
    assert api.raw("GET", "/health").status_code == 200
    assert api.get("runs/get", run_id=run)["run"]["info"]["status"] == "RUNNING"


@pytest.mark.beyond
def test_half_an_upload_is_no_file(base, api, run):
    import time

    test_a_client_that_stops_in_the_middle(base, api, run)
    time.sleep(0.5)
    assert api.get("artifacts/list", run_id=run).get("files", []) == []


def test_many_at_once(base, api, experiment):
    """Sixteen clients make runs, write into their own and into one that all share."""
    shared = api.run(experiment)

    def work(index):
        own = Speaker(base)
        run = own.run(experiment, run_name=f"worker {index}")
        for step in range(5):
            own.post("runs/log-metric", run_id=run, key="m", value=step, timestamp=step + 1, step=step)
            own.post("runs/log-metric", run_id=shared, key="m", value=index, timestamp=1000 + step, step=index * 5 + step)
        own.post("runs/log-batch", run_id=run, params=pairs({"index": str(index)}))
        return run

    with concurrent.futures.ThreadPoolExecutor(16) as crew:
        made = list(crew.map(work, range(16)))
    assert len(set(made)) == 16 and set(api.found(experiment)) == {*made, shared}
    assert len(api.get("metrics/get-history", run_id=shared, metric_key="m")["metrics"]) == 80
    assert all(api.run_data(run) [0] == {"m": 4.0} for run in made)


@pytest.mark.beyond
def test_a_thousand_runs_at_once(base, api, experiment):
    """All are open at the same time and written to in turn; MLflow's own server needs minutes for it."""
    with concurrent.futures.ThreadPoolExecutor(16) as crew:
        speakers = [Speaker(base) for _ in range(16)]
        runs = list(crew.map(lambda index: speakers[index % 16].run(experiment, start_time=1000 + index), range(1000)))
        log = lambda place: speakers[place[0] % 16].post("runs/log-metric", run_id=place[1], key="m", value=place[0], timestamp=1 + place[0])
        assert list(crew.map(log, enumerate(runs))) == [{}] * 1000
    assert api.found(experiment, max_results=5000) == runs[::-1]
    assert api.found(experiment, "metrics.m >= 990", max_results=5000) == runs[:989:-1]


@pytest.mark.beyond
def test_many_who_set_one_tag(base, api, run):
    """MLflow's own server answers some of them with an error of its database."""
    with concurrent.futures.ThreadPoolExecutor(8) as crew:
        set_tag = lambda index: Speaker(base).post("runs/set-tag", run_id=run, key="last", value=str(index))
        assert list(crew.map(set_tag, range(32))) == [{}] * 32
    assert api.run_data(run)[2]["last"] in [str(index) for index in range(32)]


def test_two_who_write_one_param(base, api, experiment):
    """Exactly one value survives, and everybody else is told."""
    run = api.run(experiment)

    def work(index):
        answer = Speaker(base).raw("POST", "runs/log-parameter", json={"run_id": run, "key": "p", "value": str(index)})
        return index, answer.status_code

    with concurrent.futures.ThreadPoolExecutor(8) as crew:
        answers = list(crew.map(work, range(8)))
    kept = [str(index) for index, status in answers if status == 200]
    assert kept == [api.run_data(run)[1]["p"]] and all(status in (200, 400) for _, status in answers)


def test_two_who_make_one_experiment(base):
    from speak import unique

    name = unique("race")

    def work(_):
        return Speaker(base).raw("POST", "experiments/create", json={"name": name}).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as crew:
        statuses = sorted(crew.map(work, range(8)))
    assert statuses == [200] + [400] * 7
