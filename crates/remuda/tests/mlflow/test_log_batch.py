"""runs/log-batch: everything at once, its limits, all or nothing."""

import math

import pytest
from speak import pairs, unique

PATH = "runs/log-batch"


def points(count, key="m{}"):
    return [{"key": key.format(index), "value": index / 2, "timestamp": 1000 + index, "step": index} for index in range(count)]


def test_everything_at_once(api, run):
    body = {"metrics": points(3), "params": pairs({"p": "1", "empty": ""}), "tags": pairs({"t": "x", "none": ""})}
    assert api.post(PATH, run_id=run, **body) == {}
    metrics, params, tags = api.run_data(run)
    assert metrics == {"m0": 0.0, "m1": 0.5, "m2": 1.0}
    assert params == {"p": "1", "empty": ""}
    assert tags["t"] == "x" and tags["none"] == ""


def test_an_empty_batch_is_fine(api, run):
    assert api.post(PATH, run_id=run) == {}
    assert api.post(PATH, run_id=run, metrics=[], params=[], tags=[]) == {}


def test_the_last_tag_of_a_batch_wins(api, run):
    api.post(PATH, run_id=run, tags=pairs({"t": "1"}) + pairs({"t": "2"}))
    assert api.run_data(run)[2]["t"] == "2"


def test_many_points_of_one_key_and_the_same_point_twice(api, run):
    same = {"key": "m", "value": 3.0, "timestamp": 50, "step": 2}
    api.post(PATH, run_id=run, metrics=[same, same, {**same, "step": 1}, {**same, "value": "NaN", "step": 3}])
    api.post(PATH, run_id=run, metrics=[same])
    history = api.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
    assert sorted(point["step"] for point in history) == [1, 2, 3]
    assert math.isnan(float(api.run_data(run)[0]["m"]))


def test_the_limits(api, run):
    api.post(PATH, run_id=run, metrics=points(1000, key="one"))
    api.post(PATH, run_id=run, metrics=points(1000))
    api.post(PATH, run_id=run, metrics=points(800), params=[{"key": f"p{i}", "value": "v"} for i in range(100)],
             tags=[{"key": f"t{i}", "value": "v"} for i in range(100)])
    metrics, params, tags = api.run_data(run)
    assert len(metrics) == 1001 and len(params) == 100 and len(tags) == 101

    over = lambda **body: api.refused("POST", PATH, {"run_id": run, **body}, says=["A batch logging request can contain at most", "Please split up"])
    assert "at most 1000 metrics. Got 1001 metrics." in over(metrics=points(1001)).message
    many = [{"key": f"p{i}", "value": "v"} for i in range(101)]
    assert "at most 100 params. Got 101 params." in over(params=many).message
    assert "at most 100 tags. Got 101 tags." in over(tags=many).message
    assert "at most 1000 metrics, params, and tags. Got 1001" in over(metrics=points(950), params=many[:51]).message


@pytest.mark.parametrize(
    "body, says",
    [
        ({"metrics": 5}, "Invalid value 5 for parameter 'metrics' supplied"),
        ({"params": {"a": "b"}}, "for parameter 'params' supplied"),
        ({"tags": "a"}, "for parameter 'tags' supplied"),
        ({"metrics": [{"value": 1, "timestamp": 1}]}, "Missing value for required parameter 'metrics[0].key'"),
        ({"metrics": [{"key": "a", "timestamp": 1}]}, "Missing value for required parameter 'metrics[0].value'"),
        ({"metrics": [{"key": "a", "value": 1}]}, "Missing value for required parameter 'metrics[0].timestamp'"),
        ({"metrics": points(2) + [{"key": "a", "value": 1}]}, "'metrics[2].timestamp'"),
        ({"params": [{"value": "a"}]}, "Missing value for required parameter 'params[0].key'"),
        ({"tags": [{"value": "a"}]}, "Missing value for required parameter 'tags[0].key'"),
        ({"metrics": [{"key": "a#", "value": 1, "timestamp": 1}]}, ["Invalid value \"a#\" for parameter 'metrics[0].name' supplied", "Names may only contain"]),
        ({"params": [{"key": "a/../b", "value": "1"}]}, ["for parameter 'params[0].key' supplied", "must not resolve"]),
        ({"tags": [{"key": "a//b", "value": "1"}]}, ["for parameter 'tags[0].key' supplied", "must not resolve"]),
        ({"metrics": [{"key": "k" * 251, "value": 1, "timestamp": 1}]}, "exceeds the maximum length of 250"),
        ({"metrics": [{"key": "a", "value": 1, "timestamp": -5}]}, ["'metrics[0].timestamp'", "Timestamp must be a nonnegative long"]),
        ({"params": pairs({"a": "1"}) + pairs({"a": "2"})}, "Duplicate parameter keys have been submitted: ['a']"),
        ({"params": pairs({"a": "1"}) + pairs({"a": "1"})}, "Duplicate parameter keys have been submitted"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_bad_batch_is_refused_as_a_whole(api, run, body, says):
    good = {"metrics": points(1, key="good"), "params": pairs({"good": "1"}), "tags": pairs({"good": "1"})}
    api.refused("POST", PATH, {"run_id": run, **good, **body}, says=says)
    metrics, params, tags = api.run_data(run)
    assert metrics == {} and params == {} and list(tags) == ["mlflow.runName"]


def test_a_changed_param_refuses_the_batch(api, run):
    api.post(PATH, run_id=run, params=pairs({"old": "1"}))
    body = {"run_id": run, "params": pairs({"new": "1", "old": "2"}), "metrics": points(1)}
    api.refused("POST", PATH, body, says="Changing param values is not allowed")
    assert "new" not in api.run_data(run)[1]
    api.post(PATH, run_id=run, params=pairs({"new": "1", "old": "1"}))
    assert api.run_data(run)[1] == {"old": "1", "new": "1"}


def test_the_run_is_required(api):
    api.refused("POST", PATH, {"metrics": []}, says="Missing value for required parameter 'run_id'")
    api.refused("POST", PATH, {"run_id": 5}, says="for parameter 'run_id' supplied")


def test_the_client_splits_what_is_too_much(client):
    from mlflow.entities import Metric, Param, RunTag

    run = client.create_run(client.create_experiment(unique("batch"))).info.run_id
    client.log_batch(
        run,
        metrics=[Metric("m", step / 3, 1000 + step, step) for step in range(900)],
        params=[Param(f"p{index}", str(index)) for index in range(50)],
        tags=[RunTag("t", "x")],
    )
    found = client.get_run(run).data
    assert found.metrics["m"] == 899 / 3 and len(found.params) == 50 and found.tags["t"] == "x"
    assert len(client.get_metric_history(run, "m")) == 900
