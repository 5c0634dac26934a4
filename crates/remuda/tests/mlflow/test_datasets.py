"""Dataset inputs: runs/log-inputs, experiments/search-datasets, and runs found by their datasets."""

import json

import pytest
from speak import pairs

LOG, SEARCH = "runs/log-inputs", "/ajax-api/2.0/mlflow/experiments/search-datasets"


def dataset(name, digest, context=None, **more):
    tags = pairs({"mlflow.data.context": context}) if context else []
    made = {"name": name, "digest": digest, "source_type": "local", "source": json.dumps({"uri": f"/data/{name}"}), **more}
    return {"tags": tags, "dataset": made}


def test_inputs_come_back(api, run):
    entry = dataset("telco", "abc123", "training", schema='{"a": "b"}', profile='{"rows": 5}')
    assert api.post(LOG, run_id=run, datasets=[entry]) == {}
    found = api.get("runs/get", run_id=run)["run"]["inputs"]["dataset_inputs"]
    assert len(found) == 1
    assert found[0]["dataset"] == entry["dataset"] and found[0]["tags"] == entry["tags"]


def test_the_same_input_again_is_one(api, run):
    for _ in range(2):
        api.post(LOG, run_id=run, datasets=[dataset("telco", "abc123", "training")])
    api.post(LOG, run_id=run, datasets=[dataset("telco", "def456", "training"), dataset("other", "abc123")])
    found = api.get("runs/get", run_id=run)["run"]["inputs"]["dataset_inputs"]
    assert sorted((entry["dataset"]["name"], entry["dataset"]["digest"]) for entry in found) == [
        ("other", "abc123"), ("telco", "abc123"), ("telco", "def456")
    ]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"name": "n" * 501}, "500"),
        ({"digest": "d" * 37}, "36"),
        ({"source": "s" * 65536}, "65535"),
        ({"schema": "s" * 1048576}, "1048575"),
    ],
    ids=["name", "digest", "source", "schema"],
)
def test_what_is_too_long_is_refused(api, run, change, says):
    entry = dataset("telco", "abc123")
    entry["dataset"].update(change)
    api.refused("POST", LOG, {"run_id": run, "datasets": [entry]}, says=says)


def test_bad_inputs_are_refused(api, run):
    api.refused("POST", LOG, {}, says="Missing value for required parameter 'run_id'")
    api.refused("POST", LOG, {"run_id": run, "datasets": 5}, says="for parameter 'datasets' supplied")
    api.refused("POST", LOG, {"run_id": "f" * 32, "datasets": [dataset("a", "b")]}, "RESOURCE_DOES_NOT_EXIST")


def test_runs_are_found_by_their_datasets(api, experiment):
    first, second, third = (api.run(experiment) for _ in range(3))
    api.post(LOG, run_id=first, datasets=[dataset("telco", "d1", "train")])
    api.post(LOG, run_id=second, datasets=[dataset("telco", "d2", "test"), dataset("iris", "d3", "train")])
    found = lambda filter: set(api.found(experiment, filter))
    assert found("dataset.name = 'telco'") == {first, second}
    assert found("datasets.name = 'iris'") == {second}
    assert found("dataset.digest = 'd1'") == {first}
    assert found("dataset.name LIKE 'TEL%'") == set() and found("dataset.name ILIKE 'TEL%'") == {first, second}
    assert found("dataset.context = 'train'") == {first, second}
    assert found("dataset.context = 'test' AND dataset.name = 'telco'") == {second}
    assert found("dataset.digest IN ('d1', 'd3')") == {first, second}
    assert third not in found("dataset.name != 'nothing'")


def test_the_datasets_of_experiments(api):
    one, two = api.experiment(), api.experiment()
    for experiment, names in [(one, ["a", "b", "a"]), (two, ["c"])]:
        for name in names:
            api.post(LOG, run_id=api.run(experiment), datasets=[dataset(name, f"digest-{name}", "train")])
    api.post(LOG, run_id=api.run(one), datasets=[dataset("a", "digest-a", "test")])
    answer = api.post(SEARCH, experiment_ids=[one, two])["dataset_summaries"]
    assert sorted((found["experiment_id"], found["name"], found["digest"], found["context"]) for found in answer) == sorted(
        [(one, "a", "digest-a", "train"), (one, "a", "digest-a", "test"), (one, "b", "digest-b", "train"), (two, "c", "digest-c", "train")]
    )
    assert api.post(SEARCH, experiment_ids=["987654321987"]).get("dataset_summaries", []) == []
    api.refused("POST", SEARCH, {}, says="SearchDatasets request must specify at least one experiment_id.")
    api.refused("POST", SEARCH, {"experiment_ids": [str(index) for index in range(21)]}, says="cannot specify more than 20 experiment_ids")


def test_a_table_as_input(fluent):
    import pandas

    table = pandas.DataFrame({"age": [1, 2, 3], "label": ["a", "b", "a"]})
    made = fluent.data.from_pandas(table, source="/data/ages.csv", name="ages", targets="label")
    with fluent.start_run() as run:
        fluent.log_input(made, context="training", tags={"note": "first"})
    entry = fluent.get_run(run.info.run_id).inputs.dataset_inputs[0]
    assert (entry.dataset.name, entry.dataset.digest) == ("ages", made.digest)
    assert {tag.key: tag.value for tag in entry.tags} == {"mlflow.data.context": "training", "note": "first"}
    assert json.loads(entry.dataset.profile)["num_rows"] == 3
    found = fluent.search_runs(filter_string=f"dataset.digest = '{made.digest}' and dataset.name = 'ages'")
    assert list(found["run_id"]) == [run.info.run_id]
