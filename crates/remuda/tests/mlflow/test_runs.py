"""Runs over REST: create, get, update, delete, restore, names."""

import re
import time

import pytest
from speak import pairs, unique, unpaired


def test_a_run_comes_back_as_it_was_made(api, experiment):
    tags = {"tag1": "my tag value", "mlflow.note.content": "described"}
    made = api.post(
        "runs/create", experiment_id=experiment, user_id="someone", run_name="first try",
        start_time=1_234_567, tags=pairs(tags),
    )["run"]
    info = made["info"]
    assert info["experiment_id"] == experiment
    assert info["run_name"] == "first try"
    assert info["user_id"] == "someone"
    assert info["status"] == "RUNNING" and info["lifecycle_stage"] == "active"
    assert info["start_time"] == 1_234_567 and "end_time" not in info
    assert info["run_id"] == info["run_uuid"] and re.fullmatch(r"[A-Za-z0-9][\w-]{0,255}", info["run_id"])
    assert info["run_id"] in info["artifact_uri"] and info["artifact_uri"].endswith("/artifacts")
    assert unpaired(made["data"]["tags"]) == {**tags, "mlflow.runName": "first try"}

    assert api.get("runs/get", run_id=info["run_id"])["run"]["info"] == info
    assert api.get("runs/get", run_uuid=info["run_id"], run_id=info["run_id"])["run"]["info"] == info


def test_a_run_without_a_name_gets_one(api, experiment):
    run = api.post("runs/create", experiment_id=experiment, start_time=5)["run"]
    assert run["info"]["run_name"]
    assert unpaired(run["data"]["tags"])["mlflow.runName"] == run["info"]["run_name"]


def test_a_name_may_come_as_a_tag(api, experiment):
    run = api.post("runs/create", experiment_id=experiment, start_time=5, tags=pairs({"mlflow.runName": "by tag"}))["run"]
    assert run["info"]["run_name"] == "by tag"
    both = {"run_name": "one", "tags": pairs({"mlflow.runName": "two"})}
    api.refused("POST", "runs/create", {"experiment_id": experiment, "start_time": 5, **both})
    same = {"run_name": "one", "tags": pairs({"mlflow.runName": "one"})}
    assert api.post("runs/create", experiment_id=experiment, start_time=5, **same)["run"]["info"]["run_name"] == "one"


def test_empty_parts_of_an_answer_may_be_missing_but_the_metrics_are_none(api, run):
    metrics, params, tags = api.run_data(run)
    assert metrics == {} and params == {} and list(tags) == ["mlflow.runName"]


@pytest.mark.parametrize(
    "body, says",
    [
        ({"experiment_id": 5.5}, None),
        ({"start_time": "soon"}, "Invalid value \"soon\" for parameter 'start_time' supplied"),
        ({"start_time": 1, "run_name": 5}, "Invalid value 5 for parameter 'run_name' supplied"),
    ],
)
def test_a_bad_run_is_refused(api, experiment, body, says):
    api.refused("POST", "runs/create", {"experiment_id": experiment, **body}, says=says)


def test_a_run_needs_an_experiment_that_exists(api):
    api.refused("POST", "runs/create", {"experiment_id": "987654321987", "start_time": 1}, "RESOURCE_DOES_NOT_EXIST")


def test_what_does_not_exist_is_not_found(api):
    unknown = "f" * 32
    for method, path, more in [
        ("GET", "runs/get", {}),
        ("POST", "runs/update", {"status": "FINISHED"}),
        ("POST", "runs/delete", {}),
        ("POST", "runs/restore", {}),
        ("POST", "runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}),
        ("POST", "runs/log-parameter", {"key": "a", "value": "1"}),
        ("POST", "runs/set-tag", {"key": "a", "value": "1"}),
        ("POST", "runs/delete-tag", {"key": "a"}),
        ("POST", "runs/log-batch", {"metrics": [{"key": "a", "value": 1, "timestamp": 1}]}),
        ("GET", "artifacts/list", {}),
    ]:
        api.refused(method, path, {"run_id": unknown, **more}, "RESOURCE_DOES_NOT_EXIST", says=unknown)


def test_the_id_is_required(api):
    for method, path in [("GET", "runs/get"), ("POST", "runs/update"), ("POST", "runs/delete"), ("POST", "runs/restore")]:
        api.refused(method, path, {}, says="Missing value for required parameter 'run_id'")


def test_update(api, run):
    update = lambda **body: api.post("runs/update", run_id=run, **body)["run_info"]
    assert update(run_name="renamed")["run_name"] == "renamed"
    # A name changes nothing else, and its tag follows.
    info = api.get("runs/get", run_id=run)["run"]["info"]
    assert info["status"] == "RUNNING" and "end_time" not in info
    assert api.run_data(run)[2]["mlflow.runName"] == "renamed"

    finished = update(status="FINISHED", end_time=1_700_000_001_000)
    assert finished["status"] == "FINISHED" and finished["end_time"] == 1_700_000_001_000
    assert finished["run_name"] == "renamed"
    for status in ("FAILED", "KILLED", "SCHEDULED", "RUNNING"):
        assert update(status=status)["status"] == status
    assert api.get("runs/get", run_id=run)["run"]["info"]["end_time"] == 1_700_000_001_000


def test_the_tag_renames_the_run(api, run):
    api.post("runs/set-tag", run_id=run, key="mlflow.runName", value="by tag")
    assert api.get("runs/get", run_id=run)["run"]["info"]["run_name"] == "by tag"
    assert api.run_data(run)[2]["mlflow.runName"] == "by tag"


def test_a_bad_update_is_refused(api, run):
    api.refused("POST", "runs/update", {"run_id": run, "end_time": "later"}, says="for parameter 'end_time' supplied")
    api.refused("POST", "runs/update", {"run_id": run, "run_name": 5}, says="for parameter 'run_name' supplied")


@pytest.mark.beyond
def test_an_unknown_status_is_refused(api, run):
    api.refused("POST", "runs/update", {"run_id": run, "status": "SLEEPING"})


def test_delete_and_restore(api, experiment, run):
    assert api.post("runs/delete", run_id=run) == {}
    assert api.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
    assert api.found(experiment) == []
    assert api.found(experiment, run_view_type="DELETED_ONLY") == [run]
    assert api.found(experiment, run_view_type="ALL") == [run]
    for path, more in [
        ("runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"key": "a", "value": "1"}),
        ("runs/set-tag", {"key": "a", "value": "1"}),
        ("runs/update", {"status": "FINISHED"}),
        ("runs/log-batch", {"params": pairs({"a": "b"})}),
    ]:
        api.refused("POST", path, {"run_id": run, **more}, says="active")
    # Deleting again changes nothing; so does restoring what is active.
    api.post("runs/delete", run_id=run)
    assert api.post("runs/restore", run_id=run) == {}
    api.post("runs/restore", run_id=run)
    assert api.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "active"
    assert api.found(experiment) == [run]


def test_the_client_makes_and_ends_runs(client):
    experiment = client.create_experiment(unique("client-runs"))
    begun = int(time.time() * 1000)
    run = client.create_run(experiment, run_name="by client", tags={"a": "b"})
    assert run.info.run_name == "by client" and run.data.tags["a"] == "b"
    client.update_run(run.info.run_id, status="SCHEDULED", name="again")
    again = client.get_run(run.info.run_id)
    assert (again.info.status, again.info.run_name) == ("SCHEDULED", "again")
    client.set_terminated(run.info.run_id, status="FAILED")
    ended = client.get_run(run.info.run_id).info
    assert ended.status == "FAILED" and ended.end_time >= begun - 5000
    client.delete_run(run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"


def test_runs_end_and_children_know_their_parent(fluent):
    with fluent.start_run(run_name="parent") as parent:
        with fluent.start_run(run_name="child", nested=True) as child:
            fluent.log_param("depth", 2)
        with pytest.raises(ValueError, match="broke"):
            with fluent.start_run(nested=True) as broken:
                raise ValueError("broke")
    get = lambda run: fluent.get_run(run.info.run_id)
    assert get(parent).info.status == get(child).info.status == "FINISHED"
    assert get(broken).info.status == "FAILED"
    assert get(child).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert fluent.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    found = fluent.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert set(found["run_id"]) == {child.info.run_id, broken.info.run_id}
    # Going on with a run that has ended makes it run again.
    with fluent.start_run(run_id=parent.info.run_id):
        assert get(parent).info.status == "RUNNING"
    assert get(parent).info.status == "FINISHED"
