"""Metric points: one at a time, NaN and infinities, latest, history, pages, many runs at once."""

import math

import pytest
from speak import unique

MOST = 1.7976931348623157e308


def log(api, run, key="loss", value=1.0, timestamp=1000, **more):
    assert api.post("runs/log-metric", run_id=run, key=key, value=value, timestamp=timestamp, **more) == {}


def history(api, run, key="loss", **more):
    answer = api.get("metrics/get-history", run_id=run, metric_key=key, **more)
    return answer.get("metrics", []), answer.get("next_page_token")


def test_a_point_comes_back(api, run):
    log(api, run, value=12.5, timestamp=1_234_567, step=7)
    points, token = history(api, run)
    assert token is None
    assert [{name: point[name] for name in ("key", "value", "timestamp", "step")} for point in points] == [
        {"key": "loss", "value": 12.5, "timestamp": 1_234_567, "step": 7}
    ]
    assert api.run_data(run)[0] == {"loss": 12.5}


def test_without_a_step_it_is_zero(api, run):
    log(api, run)
    assert history(api, run)[0][0]["step"] == 0


def test_the_latest_is_that_of_the_last_step_then_time_then_value(api, run):
    for step, timestamp, value in [(1, 50, 1.0), (3, 10, 2.0), (2, 90, 9.0), (3, 9, 8.0), (3, 10, 1.5)]:
        log(api, run, value=value, timestamp=timestamp, step=step)
    assert api.run_data(run)[0] == {"loss": 2.0}
    latest = api.get("runs/get", run_id=run)["run"]["data"]["metrics"][0]
    assert (latest["step"], latest["timestamp"]) == (3, 10)
    log(api, run, value=-4.0, timestamp=1, step=4)
    assert api.run_data(run)[0] == {"loss": -4.0}


def test_negative_steps(api, run):
    log(api, run, value=5.0, step=-3)
    log(api, run, value=6.0, step=-4)
    assert api.run_data(run)[0] == {"loss": 5.0}
    assert sorted(point["step"] for point in history(api, run)[0]) == [-4, -3]


def test_the_same_point_again_is_one_point(api, run):
    for _ in range(3):
        log(api, run, value=2.0, step=1)
    assert len(history(api, run)[0]) == 1
    log(api, run, value=3.0, step=1)
    assert sorted(point["value"] for point in history(api, run)[0]) == [2.0, 3.0]


@pytest.mark.parametrize("spelled, stored", [("NaN", math.nan), ("Infinity", MOST), ("-Infinity", -MOST)])
def test_numbers_that_are_none(api, run, spelled, stored):
    log(api, run, value=spelled)
    value = float(history(api, run)[0][0]["value"])
    assert math.isnan(value) if math.isnan(stored) else value == stored
    seen = float(api.run_data(run)[0]["loss"])
    assert math.isnan(seen) if math.isnan(stored) else seen == stored
    log(api, run, value=spelled)
    assert len(history(api, run)[0]) == 1


def test_numbers_keep_every_digit(api, run):
    for step, value in enumerate([0.1 + 0.2, 5e-324, MOST, -0.0, 1e22, 123456789.12345678]):
        log(api, run, value=value, step=step)
    assert [point["value"] for point in history(api, run)[0]] == [0.1 + 0.2, 5e-324, MOST, -0.0, 1e22, 123456789.12345678]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"key": None}, "Missing value for required parameter 'key'"),
        ({"key": ""}, "Missing value for required parameter 'key'"),
        ({"key": 31}, "Invalid value 31 for parameter 'key' supplied"),
        ({"key": ["a"]}, "for parameter 'key' supplied"),
        ({"value": None}, "Missing value for required parameter 'value'"),
        ({"value": "high"}, "Invalid value \"high\" for parameter 'value' supplied"),
        ({"timestamp": None}, "Missing value for required parameter 'timestamp'"),
        ({"timestamp": "59.2 yrs ago"}, "for parameter 'timestamp' supplied"),
        ({"step": "1/2 ton"}, "Invalid value \"1/2 ton\" for parameter 'step' supplied"),
        ({"run_id": None}, "Missing value for required parameter 'run_id'"),
        ({"run_id": 5}, "for parameter 'run_id' supplied"),
        ({"timestamp": -1}, "Timestamp must be a nonnegative long"),
        ({"key": "k" * 251}, "exceeds the maximum length of 250"),
        ({"key": "a#b"}, ["Invalid value \"a#b\"", "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."]),
        ({"key": "../a"}, "Names may be treated as files in certain cases, and must not resolve to other names"),
        ({"key": "a//b"}, "This name would resolve to 'a/b'"),
        ({"key": "/a"}, None),
        ({"key": "."}, None),
        ({"key": "a/"}, None),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_bad_point_is_refused(api, run, change, says):
    body = {"run_id": run, "key": "loss", "value": 1.0, "timestamp": 60, "step": 1, **change}
    body = {name: value for name, value in body.items() if value is not None}
    api.refused("POST", "runs/log-metric", body, says=says)
    assert api.run_data(run)[0] == {}


@pytest.mark.parametrize("key", ["a/b/c", "k" * 250, "with space", "val:acc", "_-.x", "größe", "a b/c.d-e_f:g"])
def test_good_keys(api, run, key):
    log(api, run, key=key)
    assert list(api.run_data(run)[0]) == [key]
    assert len(history(api, run, key)[0]) == 1


def test_history_is_empty_for_a_key_that_was_never_logged(api, run):
    assert history(api, run, "nothing") == ([], None)


def test_history_refuses(api, run):
    path = "metrics/get-history"
    api.refused("GET", path, {"run_id": run}, says="Missing value for required parameter 'metric_key'")
    api.refused("GET", path, {"metric_key": "a"}, says="Missing value for required parameter 'run_id'")


@pytest.mark.client("3.17")
def test_history_refuses_pages_of_nothing(api, run):
    for most in (0, -1):
        api.refused("GET", "metrics/get-history", {"run_id": run, "metric_key": "a", "max_results": most}, says="max_results")


@pytest.fixture(scope="module")
def long_run(api):
    """A run of 25 points of one key, and another key beside it."""
    run = api.run(api.experiment())
    points = [{"key": "loss", "value": step / 4, "timestamp": 1000 + step, "step": step} for step in range(25)]
    api.post("runs/log-batch", run_id=run, metrics=points + [{"key": "other", "value": 1, "timestamp": 1, "step": 0}])
    return run


def test_history_in_pages(api, long_run):
    everything, token = history(api, long_run)
    assert token is None and [point["step"] for point in everything] == list(range(25))
    for size in (1, 7, 24, 25, 1000):
        seen, token, pages = [], None, 0
        while pages == 0 or token:
            points, token = history(api, long_run, max_results=size, **({"page_token": token} if token else {}))
            assert 0 < len(points) <= size
            seen += points
            pages += 1
        assert seen == everything and pages == math.ceil(25 / size), f"pages of {size}"


def test_a_page_after_new_points_goes_on_where_it_was(api, run):
    for step in range(4):
        log(api, run, value=float(step), step=step, timestamp=100 + step)
    first, token = history(api, run, max_results=2)
    log(api, run, value=99.0, step=9, timestamp=900)
    rest, _ = history(api, run, max_results=10, page_token=token)
    assert [point["value"] for point in first + rest] == [0.0, 1.0, 2.0, 3.0, 99.0]


@pytest.fixture(scope="module")
def two(api):
    """Two runs of forty points each, in the order of their ids."""
    experiment = api.experiment()
    runs = sorted(api.run(experiment) for _ in range(2))
    for offset, run in enumerate(runs):
        points = [{"key": "m", "value": float(step + offset), "timestamp": 10 + step, "step": step} for step in range(40)]
        api.post("runs/log-batch", run_id=run, metrics=points)
    return runs


class TestManyRuns:
    """The routes of MLflow's pages that draw many curves at once."""

    BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"

    def test_bulk(self, api, two):
        points = api.get(self.BULK, run_id=two, metric_key="m")["metrics"]
        assert [(point["run_id"], point["step"], point["value"]) for point in points] == [
            (run, step, float(step + offset)) for offset, run in enumerate(two) for step in range(40)
        ]
        assert len(api.get(self.BULK, run_id=two, metric_key="m", max_results=5)["metrics"]) == 5
        assert api.get(self.BULK, run_id=two, metric_key="nothing")["metrics"] == []

    def test_bulk_refuses(self, api, two):
        api.refused("GET", self.BULK, {"metric_key": "m"}, says="GetMetricHistoryBulk request must specify at least one run_id.")
        api.refused("GET", self.BULK, {"run_id": two}, says="GetMetricHistoryBulk request must specify a metric_key.")
        many = {"run_id": [f"{index:032x}" for index in range(101)], "metric_key": "m"}
        api.refused("GET", self.BULK, many, says="cannot specify more than 100 run_ids")

    def test_interval(self, api, two):
        everything = api.get(self.INTERVAL, run_ids=two, metric_key="m")["metrics"]
        assert len(everything) == 80
        some = api.get(self.INTERVAL, run_ids=two, metric_key="m", start_step=10, end_step=19)["metrics"]
        assert {point["run_id"] for point in some} == set(two)
        assert sorted({point["step"] for point in some}) == list(range(10, 20))

    def test_a_sample_keeps_the_ends(self, api, two):
        few = api.get(self.INTERVAL, run_ids=two[:1], metric_key="m", max_results=5)["metrics"]
        steps = [point["step"] for point in few]
        assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == 39 and len(steps) <= 7

    def test_interval_refuses(self, api, two):
        good = {"run_ids": two, "metric_key": "m"}
        path = self.INTERVAL
        api.refused("GET", path, {"metric_key": "m"}, says="Missing value for required parameter 'run_ids'")
        api.refused("GET", path, {"run_ids": two}, says="Missing value for required parameter 'metric_key'")
        api.refused("GET", path, {**good, "start_step": 5, "end_step": 2}, says="end_step must be greater than start_step. Found start_step=5 and end_step=2.")
        api.refused("GET", path, {**good, "start_step": 5}, says="If either start step or end step are specified, both must be specified.")
        api.refused("GET", path, {**good, "max_results": 0}, says="max_results must be between 1 and 2500")
        api.refused("GET", path, {**good, "max_results": 2501}, says="max_results must be between 1 and 2500")
        many = {"run_ids": [f"{index:032x}" for index in range(101)], "metric_key": "m"}
        api.refused("GET", path, many, says="at most 100 run_ids. Received 101 run_ids.")


def test_the_client_logs_and_reads(client):
    run = client.create_run(client.create_experiment(unique("points"))).info.run_id
    for step in range(5):
        client.log_metric(run, "loss", 1 / (step + 1), timestamp=100 + step, step=step)
    client.log_metric(run, "weird", float("nan"))
    client.log_metric(run, "huge", float("inf"))
    assert [(point.step, point.value) for point in client.get_metric_history(run, "loss")] == [(step, 1 / (step + 1)) for step in range(5)]
    metrics = client.get_run(run).data.metrics
    assert math.isnan(metrics["weird"]) and metrics["huge"] == MOST and metrics["loss"] == 0.2
