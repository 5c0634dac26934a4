"""What scientists' scripts do with the module `mlflow`: logging of every kind, read back through the server."""

import json
import time

import numpy
import pytest
from speak import unique


def files(fluent, run, folder=""):
    return sorted(file.path for file in fluent.MlflowClient().list_artifacts(run.info.run_id, folder))


def load(fluent, run, path):
    return open(fluent.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=path), "rb").read()


def test_params_metrics_and_tags(fluent):
    with fluent.start_run(run_name="all", description="a **note**", tags={"team": "x"}) as run:
        fluent.log_param("lr", 0.1)
        fluent.log_params({"depth": 3, "flags": [1, 2], "nested/key": None})
        fluent.log_metric("loss", 0.5)
        for step in range(3):
            fluent.log_metrics({"train/loss": 1 / (step + 1), "train/acc": step}, step=step)
        fluent.set_tag("mode", "fast")
        fluent.set_tags({"a": 1, "b": None})
    found = fluent.get_run(run.info.run_id)
    assert found.data.params == {"lr": "0.1", "depth": "3", "flags": "[1, 2]", "nested/key": "None"}
    assert found.data.metrics == {"loss": 0.5, "train/loss": 1 / 3, "train/acc": 2.0}
    tags = found.data.tags
    assert (tags["team"], tags["mode"], tags["a"], tags["mlflow.note.content"], tags["mlflow.runName"]) == ("x", "fast", "1", "a **note**", "all")
    assert tags["mlflow.source.type"] == "LOCAL" and tags["mlflow.user"] and found.info.status == "FINISHED"


def test_logging_that_does_not_wait(fluent):
    with fluent.start_run() as run:
        for step in range(200):
            fluent.log_metric("loss", step, step=step, synchronous=False)
        fluent.log_params({f"p{index}": index for index in range(30)}, synchronous=False)
        fluent.flush_async_logging()
    assert len(fluent.MlflowClient().get_metric_history(run.info.run_id, "loss")) == 200
    assert len(fluent.get_run(run.info.run_id).data.params) == 30


def test_texts_and_dictionaries(fluent):
    with fluent.start_run() as run:
        fluent.log_text("größe\n", "notes/a.txt")
        fluent.log_dict({"a": [1, 2]}, "config.json")
        fluent.log_dict({"b": "c"}, "config.yaml")
    assert load(fluent, run, "notes/a.txt").decode() == "größe\n"
    assert json.loads(load(fluent, run, "config.json")) == {"a": [1, 2]} and load(fluent, run, "config.yaml") == b"b: c\n"
    assert files(fluent, run) == ["config.json", "config.yaml", "notes"]
    assert fluent.artifacts.load_dict(f"runs:/{run.info.run_id}/config.json") == {"a": [1, 2]}
    assert fluent.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a.txt") == "größe\n"


def test_tables(fluent):
    import pandas

    table = pandas.DataFrame({"question": ["a", "b"], "score": [0.5, None]})
    with fluent.start_run() as run:
        fluent.log_table(table, "eval.json")
        fluent.log_table({"question": ["c"], "score": [1.0]}, "eval.json")
    found = fluent.load_table("eval.json", run_ids=[run.info.run_id])
    assert list(found["question"]) == ["a", "b", "c"]
    assert "eval.json" in fluent.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"]


def test_figures_and_images(fluent):
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    picture = numpy.zeros((8, 8, 3), dtype=numpy.uint8)
    with fluent.start_run() as run:
        fluent.log_figure(figure, "plots/line.png")
        fluent.log_image(picture, "black.png")
        for step in range(3):
            # A year ago the client lost a key with a slash on its own way to the proxy.
            fluent.log_image(Image.fromarray(picture), key="picture", step=step)
        fluent.flush_artifact_async_logging()
    assert load(fluent, run, "plots/line.png")[:4] == b"\x89PNG" and load(fluent, run, "black.png")[:4] == b"\x89PNG"
    assert len([path for path in files(fluent, run, "images") if path.endswith(".png")]) == 3


def test_a_nested_search_for_parameters(fluent):
    with fluent.start_run(run_name="study") as study:
        for trial in range(4):
            with fluent.start_run(run_name=f"trial {trial}", nested=True):
                fluent.log_param("x", trial)
                fluent.log_metric("score", -((trial - 2) ** 2))
    best = fluent.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{study.info.run_id}' and metrics.score > -2", order_by=["metrics.score DESC"], max_results=1
    )
    assert list(best["params.x"]) == ["2"] and list(best["tags.mlflow.runName"]) == ["trial 2"]
    assert [run.info.run_name for run in fluent.search_runs(output_format="list", order_by=["start_time ASC"])] == ["study"] + [f"trial {trial}" for trial in range(4)]


def test_system_metrics(fluent):
    fluent.set_system_metrics_sampling_interval(0.2)
    fluent.set_system_metrics_samples_before_logging(1)
    try:
        with fluent.start_run(log_system_metrics=True) as run:
            time.sleep(1.2)
    finally:
        fluent.set_system_metrics_sampling_interval(None)
        fluent.set_system_metrics_samples_before_logging(None)
    metrics = fluent.get_run(run.info.run_id).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(metrics)
    assert fluent.MlflowClient().get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")


def test_a_run_is_deleted_and_restored(fluent):
    with fluent.start_run() as run:
        pass
    fluent.delete_run(run.info.run_id)
    assert fluent.search_runs().empty
    fluent.MlflowClient().restore_run(run.info.run_id)
    assert len(fluent.search_runs()) == 1


def test_an_experiment_by_name(fluent):
    name = unique("by-name")
    made = fluent.set_experiment(name)
    assert fluent.set_experiment(name).experiment_id == made.experiment_id
    fluent.set_experiment_tags({"a": "b"})
    assert fluent.get_experiment_by_name(name).tags["a"] == "b"
    assert [found.name for found in fluent.search_experiments(filter_string=f"name = '{name}'")] == [name]
    with fluent.start_run():
        pass
    assert len(fluent.search_runs(experiment_names=[name])) == 1
    fluent.delete_experiment(made.experiment_id)
    with pytest.raises(fluent.exceptions.MlflowException, match="deleted experiment"):
        fluent.set_experiment(name)
