"""runs/search: the filter grammar, order, pages, views."""

import time

import pytest
from speak import pairs, unique

NAMES = ["amber", "Bronze", "copper", "denim", "ebony", "fern"]


@pytest.fixture(scope="module")
def six(api):
    """Six runs, started one second after another; their ids in that order, and their experiment."""
    experiment = api.experiment()
    made = []
    for index, name in enumerate(NAMES):
        tags = {"group": "warm" if index < 3 else "cold", "with space": f"s{index}"}
        if index == 4:
            tags["only"] = "here"
        run = api.run(experiment, run_name=name, user_id=f"user{index % 2}", start_time=1000 * (index + 1), tags=pairs(tags))
        params = {"lr": f"0.{index}", "opt": "Adam" if index % 2 else "sgd"}
        if index > 2:
            params["deep/layer.size"] = str(2**index)
        metrics = [
            {"key": "acc", "value": index / 10, "timestamp": 5, "step": 1},
            {"key": "acc", "value": 0.99 if index == 0 else 0.0, "timestamp": 4, "step": 0},
            {"key": "val loss", "value": 10.0 - index, "timestamp": 5, "step": 0},
        ]
        if index == 5:
            metrics.append({"key": "rare", "value": "NaN", "timestamp": 5, "step": 0})
        if index == 3:
            metrics.append({"key": "rare", "value": -2.5, "timestamp": 5, "step": 0})
        api.post("runs/log-batch", run_id=run, params=pairs(params), metrics=metrics)
        if index % 3 == 0:
            api.post("runs/update", run_id=run, status="FINISHED", end_time=1000 * (index + 1) + 500)
        made.append(run)
    return experiment, made


def names(api, six, filter="", **more):
    experiment, made = six
    return [NAMES[made.index(run)] for run in api.found(experiment, filter, **more)]


def test_without_a_filter_the_newest_start_comes_first(api, six):
    assert names(api, six) == NAMES[::-1]


@pytest.mark.parametrize(
    "filter, expected",
    [
        # Metrics are the latest of their key.
        ("metrics.acc > 0.3", "ebony fern"),
        ("metrics.acc >= 0.3", "denim ebony fern"),
        ("metrics.acc < 0.1", "amber"),
        ("metrics.acc <= 0.1", "amber Bronze"),
        ("metrics.acc = 0.2", "copper"),
        ("metrics.acc != 0.2", "amber Bronze denim ebony fern"),
        ("metric.acc > 0.4", "fern"),
        ("metrics.acc > 0.98", ""),
        ("metrics.`val loss` < 6.5", "ebony fern"),
        ('metrics."val loss" < 6.5', "ebony fern"),
        ("metrics.acc > -1", "amber Bronze copper denim ebony fern"),
        ("metrics.acc > 1e-1", "copper denim ebony fern"),
        ("metrics.acc>0.3 and metrics.acc<0.5", "ebony"),
        ("metrics.nothing > 0", ""),
        ("metrics.nothing != 0", ""),
        # A quotient of whole numbers and a number in many digits.
        ("metrics.rare = -2.5", "denim"),
        ("metrics.rare < 0", "denim"),
        # Params and tags are words.
        ("params.lr = '0.3'", "denim"),
        ('params.lr = "0.3"', "denim"),
        ("param.lr != '0.3'", "amber Bronze copper ebony fern"),
        ("parameters.opt = 'Adam'", "Bronze denim fern"),
        ("parameter.opt = 'adam'", ""),
        ("params.opt LIKE 'A%'", "Bronze denim fern"),
        ("params.opt LIKE 'a%'", ""),
        ("params.opt ILIKE 'aDAM'", "Bronze denim fern"),
        ("params.opt like '_gd'", "amber copper ebony"),
        ("params.`deep/layer.size` = '16'", "ebony"),
        ("params.`deep/layer.size` IS NULL", "amber Bronze copper"),
        ("params.`deep/layer.size` IS NOT NULL", "denim ebony fern"),
        ("params.nothing = 'x'", ""),
        ("tags.group = 'warm'", "amber Bronze copper"),
        ("tag.group != 'warm'", "denim ebony fern"),
        ("tags.`with space` = 's1'", "Bronze"),
        ("tags.'with space' = 's1'", "Bronze"),
        ("tags.group LIKE 'c%'", "denim ebony fern"),
        ("tags.group ILIKE 'C%LD'", "denim ebony fern"),
        ("tags.only IS NULL", "amber Bronze copper denim fern"),
        ("tags.only IS NOT NULL", "ebony"),
        ("tags.only != 'x'", "ebony"),
        ("tags.mlflow.runName = 'fern'", "fern"),
        # What a run has of itself.
        ("attributes.status = 'FINISHED'", "amber denim"),
        ("attribute.status != 'FINISHED'", "Bronze copper ebony fern"),
        ("attr.status = 'RUNNING'", "Bronze copper ebony fern"),
        ("run.status LIKE 'FIN%'", "amber denim"),
        ("status = 'FINISHED'", "amber denim"),
        ("status = 'finished'", ""),
        ("status ILIKE 'finished'", "amber denim"),
        ("run_name = 'Bronze'", "Bronze"),
        ("attributes.run_name LIKE '%er%'", "amber copper fern"),
        ("run_name ILIKE 'b%'", "Bronze"),
        ("attributes.`run name` = 'ebony'", "ebony"),
        ("user_id = 'user1'", "Bronze denim fern"),
        ("start_time = 3000", "copper"),
        ("start_time != 3000", "amber Bronze denim ebony fern"),
        ("attributes.start_time > 3000", "denim ebony fern"),
        ("start_time >= 3000 AND start_time <= 4000", "copper denim"),
        ("created < 2000", "amber"),
        ("end_time > 0", "amber denim"),
        ("end_time < 2000", "amber"),
        ("artifact_uri LIKE '%/artifacts'", "amber Bronze copper denim ebony fern"),
        # Together.
        ("metrics.acc > 0.1 AND params.opt = 'Adam' AND tags.group = 'cold'", "denim fern"),
        ("metrics.acc > 0.1 and params.opt = 'Adam' AnD status = 'FINISHED'", "denim"),
        ("  metrics.acc   >   0.3   ", "ebony fern"),
    ],
)
def test_filters(api, six, filter, expected):
    assert sorted(names(api, six, filter), key=NAMES.index) == expected.split()


def test_ids(api, six):
    _, made = six
    quoted = ", ".join(f"'{run}'" for run in made[1:3])
    assert names(api, six, f"run_id = '{made[0]}'") == ["amber"]
    assert names(api, six, f"attributes.run_id IN ({quoted})") == ["copper", "Bronze"]
    assert names(api, six, f"run_id in ('{made[5]}')") == ["fern"]
    assert names(api, six, f"run_id NOT IN ({quoted})") == ["fern", "ebony", "denim", "amber"]
    assert names(api, six, f"run_id NOT IN ({quoted}) AND metrics.acc > 0.3") == ["fern", "ebony"]
    assert names(api, six, f"run_id != '{made[0]}'") == NAMES[:0:-1]
    assert names(api, six, f"run_id LIKE '{made[0][:20]}%'") == ["amber"]


@pytest.mark.beyond
@pytest.mark.parametrize(
    "filter, expected",
    [
        ("run_name = 'amber' OR run_name = 'fern'", "amber fern"),
        ("NOT tags.group = 'warm'", "denim ebony fern"),
        ("(metrics.acc < 0.1 OR metrics.acc > 0.4) AND params.opt = 'sgd'", "amber"),
        ("metrics.acc < 0.1 OR metrics.acc > 0.2 AND params.opt = 'sgd'", "amber ebony"),
        ("params.opt IN ('Adam', 'x')", "Bronze denim fern"),
        ("status IN ('FINISHED', 'FAILED')", "amber denim"),
        ("metrics.rare IS NULL", "amber Bronze copper ebony"),
    ],
)
def test_more_than_mlflow_understands(api, six, filter, expected):
    assert sorted(names(api, six, filter), key=NAMES.index) == expected.split()


@pytest.mark.parametrize(
    "order, expected",
    [
        (["metrics.acc"], NAMES),
        (["metrics.acc ASC"], NAMES),
        (["metrics.acc DESC"], NAMES[::-1]),
        (["metrics.`val loss` asc"], NAMES[::-1]),
        (["params.lr DESC"], NAMES[::-1]),
        (["attributes.start_time ASC"], NAMES),
        (["start_time"], NAMES),
        (["attributes.run_name ASC"], ["Bronze", "amber", "copper", "denim", "ebony", "fern"]),
        (["tags.group", "metrics.acc DESC"], ["fern", "ebony", "denim", "copper", "Bronze", "amber"]),
        (["params.opt ASC", "start_time ASC"], ["Bronze", "denim", "fern", "amber", "copper", "ebony"]),
        # Equal ones: the newest start first.
        (["tags.group DESC"], ["copper", "Bronze", "amber", "fern", "ebony", "denim"]),
        (["metrics.nothing"], NAMES[::-1]),
        # Numbers come before NaN, and NaN before nothing, both ways.
        (["metrics.rare ASC"], ["denim", "fern", "ebony", "copper", "Bronze", "amber"]),
        (["metrics.rare DESC"], ["denim", "fern", "ebony", "copper", "Bronze", "amber"]),
        # Without an end there is nothing to sort by.
        (["end_time DESC"], ["denim", "amber", "fern", "ebony", "copper", "Bronze"]),
        (["status DESC", "start_time"], ["Bronze", "copper", "ebony", "fern", "amber", "denim"]),
    ],
    ids=str,
)
def test_order(api, six, order, expected):
    assert names(api, six, order_by=order) == expected


@pytest.mark.parametrize("order", [[], ["metrics.acc DESC"], ["tags.group ASC"], ["metrics.rare ASC"], ["params.opt"]], ids=str)
@pytest.mark.parametrize("size", [1, 2, 4, 6, 50])
def test_pages(api, six, order, size):
    experiment, _ = six
    everything = api.found(experiment, order_by=order)
    seen, token = [], None
    while not seen or token:
        body = {"experiment_ids": [experiment], "order_by": order, "max_results": size}
        answer = api.post("runs/search", **body, **({"page_token": token} if token else {}))
        page = [run["info"]["run_id"] for run in answer.get("runs", [])]
        assert len(page) <= size and len(seen) <= 6
        seen += page
        token = answer.get("next_page_token")
        if not page:
            break
    assert seen == everything


def test_many_experiments(api, six):
    experiment, made = six
    other = api.experiment()
    run = api.run(other, start_time=2500)
    answer = api.post("runs/search", experiment_ids=[experiment, other], filter="start_time > 2000 AND start_time <= 3000")
    assert [found["info"]["run_id"] for found in answer["runs"]] == [made[2], run]
    assert api.post("runs/search", experiment_ids=[]) .get("runs", []) == []
    assert api.post("runs/search", experiment_ids=["987654321987"]).get("runs", []) == []


def test_an_answer_holds_the_whole_run(api, six):
    experiment, made = six
    found = api.post("runs/search", experiment_ids=[experiment], filter="run_name = 'fern'")["runs"][0]
    assert found == api.get("runs/get", run_id=made[5])["run"]


@pytest.mark.parametrize(
    "filter",
    [
        "metrics.acc > 'x'", "tags.group LIKE 5", "params.lr > '5'", "foo.acc = '1'", "attributes.nothing = 'x'", "nothing = 'x'", "start_time = 'x'",
        "acc", "metrics.acc", "metrics.acc > ", "run_id IN ('a', 5)", "run_id > 'a'", "dataset.nothing = 'x'", "metrics.acc > 1; DROP TABLE runs", "'",
        "params.lr = 'open",
    ],
)
def test_bad_filters_are_refused(api, six, filter):
    """The words may be better than MLflow's; the code and the status are the same."""
    assert api.refused("POST", "runs/search", {"experiment_ids": [six[0]], "filter": filter}).message


@pytest.mark.parametrize(
    "body, says",
    [
        ({"max_results": 50001}, "Invalid value 50001 for parameter 'max_results' supplied"),
        ({"max_results": 0}, "Invalid value 0 for parameter 'max_results' supplied"),
        ({"max_results": -5}, None),
        ({"max_results": "many"}, "for parameter 'max_results' supplied"),
        ({"filter": 5}, "Invalid value 5 for parameter 'filter' supplied"),
        ({"order_by": [5]}, None),
        ({"order_by": ["nothing"]}, None),
        ({"order_by": ["start_time SIDEWAYS"]}, None),
        ({"page_token": "not a token"}, "Invalid page token"),
    ],
    ids=str,
)
def test_bad_searches_are_refused(api, six, body, says):
    api.refused("POST", "runs/search", {"experiment_ids": [six[0]], **body}, says=says)


def test_the_client_searches_and_pages(client):
    experiment = client.create_experiment(unique("search"))
    made = [client.create_run(experiment, start_time=100 + index).info.run_id for index in range(7)]
    for index, run in enumerate(made):
        client.log_metric(run, "score", index)
        client.set_tag(run, "odd", index % 2 == 1)
    page = client.search_runs([experiment], "metrics.score >= 1 and tags.odd = 'True'", order_by=["metrics.score"], max_results=2)
    assert [run.info.run_id for run in page] == [made[1], made[3]] and page.token
    rest = client.search_runs([experiment], "metrics.score >= 1 and tags.odd = 'True'", order_by=["metrics.score"], max_results=2, page_token=page.token)
    assert [run.info.run_id for run in rest] == [made[5]] and not rest.token


def test_into_pandas(fluent):
    for index in range(3):
        with fluent.start_run(run_name=f"r{index}"):
            fluent.log_metrics({"acc": index / 10, "loss": 1.0})
            fluent.log_param("lr", 10**-index)
            time.sleep(0.002)
    table = fluent.search_runs(order_by=["metrics.acc DESC"])
    assert list(table["metrics.acc"]) == [0.2, 0.1, 0.0]
    assert list(table["params.lr"]) == ["0.01", "0.1", "1"]
    assert list(table["tags.mlflow.runName"]) == ["r2", "r1", "r0"]
    assert set(table["status"]) == {"FINISHED"} and table["end_time"].notna().all()
    assert len(fluent.search_runs(filter_string="metrics.acc > 0.05 and params.lr = '0.1'")) == 1
    assert fluent.search_runs(filter_string="metrics.acc > 7").empty
