"""Params, which are written once, and tags, which are not."""

import pytest
from speak import unique

PARAM, TAG, UNTAG = "runs/log-parameter", "runs/set-tag", "runs/delete-tag"


def test_a_param_is_written_once(api, run):
    assert api.post(PARAM, run_id=run, key="depth", value="3") == {}
    # The same again is fine: clients repeat themselves.
    assert api.post(PARAM, run_id=run, key="depth", value="3") == {}
    refusal = api.refused("POST", PARAM, {"run_id": run, "key": "depth", "value": "5"}, says="Changing param values is not allowed")
    assert all(word in refusal.message for word in ("depth", "3", "5"))
    assert api.run_data(run)[1] == {"depth": "3"}


def test_an_empty_value_is_a_value(api, run):
    api.post(PARAM, run_id=run, key="empty", value="")
    api.post(PARAM, run_id=run, key="left out")
    api.post(TAG, run_id=run, key="empty", value="")
    assert api.run_data(run)[1] == {"empty": "", "left out": ""}
    assert api.run_data(run)[2]["empty"] == ""
    api.refused("POST", PARAM, {"run_id": run, "key": "empty", "value": "full"}, says="Changing param values is not allowed")


@pytest.mark.parametrize(
    "body, says",
    [
        ({"key": 31, "value": "a"}, "Invalid value 31 for parameter 'key' supplied"),
        ({"key": "a", "value": 41}, "Invalid value 41 for parameter 'value' supplied"),
        ({"key": "a", "value": ["x"]}, "for parameter 'value' supplied"),
        ({"value": "a"}, "Missing value for required parameter 'key'"),
        ({"key": "", "value": "a"}, "Missing value for required parameter 'key'"),
        ({"key": "k" * 251, "value": "a"}, "exceeds the maximum length of 250"),
        ({"key": "a$", "value": "a"}, "Names may only contain alphanumerics"),
        ({"key": "a/../b", "value": "a"}, "must not resolve to other names"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("path", [PARAM, TAG])
def test_bad_ones_are_refused(api, run, path, body, says):
    api.refused("POST", path, {"run_id": run, **body}, says=says)
    assert api.run_data(run)[1] == {} and list(api.run_data(run)[2]) == ["mlflow.runName"]


@pytest.mark.parametrize("path", [PARAM, TAG, UNTAG])
def test_the_run_is_required(api, path):
    api.refused("POST", path, {"key": "a", "value": "b"}, says="Missing value for required parameter 'run_id'")


def test_the_longest(api, run):
    """What is longer is cut, as MLflow's server does by default, or refused: never kept in part without a word."""
    api.post(PARAM, run_id=run, key="k" * 250, value="p" * 6000)
    api.post(TAG, run_id=run, key="t" * 250, value="t" * 8000)
    assert api.run_data(run)[1] == {"k" * 250: "p" * 6000}
    assert api.run_data(run)[2]["t" * 250] == "t" * 8000
    for path, most, kind in [(PARAM, 6000, 1), (TAG, 8000, 2)]:
        answer = api.raw("POST", path, json={"run_id": run, "key": "long", "value": "x" * (most + 1)})
        if answer.status_code == 200:
            assert api.run_data(run)[kind]["long"] == "x" * most
        else:
            assert answer.status_code == 400 and f"exceeds the maximum length of {most}" in answer.json()["message"]


def test_values_keep_every_letter(api, run):
    values = {"a": "Grüße 🐎 实验", "b": "line\nline\ttab \\ \"quoted\" 'single'", "c": " spaces ", "d": "%00 %2e <b>&amp;</b>", "e": "\u2028"}
    for key, value in values.items():
        api.post(PARAM, run_id=run, key=key, value=value)
        api.post(TAG, run_id=run, key=key, value=value)
    assert api.run_data(run)[1] == values
    assert {key: value for key, value in api.run_data(run)[2].items() if key in values} == values


def test_a_tag_may_change_and_go(api, run):
    api.post(TAG, run_id=run, key="state", value="one")
    api.post(TAG, run_id=run, key="state", value="two")
    assert api.run_data(run)[2]["state"] == "two"
    assert api.post(UNTAG, run_id=run, key="state") == {}
    assert "state" not in api.run_data(run)[2]
    api.refused("POST", UNTAG, {"run_id": run, "key": "state"}, "RESOURCE_DOES_NOT_EXIST", says="No tag with name: state")
    api.refused("POST", UNTAG, {"run_id": run}, says="Missing value for required parameter 'key'")


def test_the_client(client):
    import mlflow

    run = client.create_run(client.create_experiment(unique("params"))).info.run_id
    client.log_param(run, "depth", 3)
    client.log_param(run, "depth", 3)
    with pytest.raises(mlflow.exceptions.MlflowException, match="Changing param values is not allowed") as refused:
        client.log_param(run, "depth", 4)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    client.set_tag(run, "number", 1.5)
    assert client.get_run(run).data.tags["number"] == "1.5"
    client.delete_tag(run, "number")
    with pytest.raises(mlflow.exceptions.MlflowException):
        client.delete_tag(run, "number")


def test_one_thousand_params_through_the_fluent_calls(fluent):
    with fluent.start_run() as run:
        fluent.log_params({f"p{index}": index for index in range(1000)})
        fluent.set_tags({f"t{index}": index for index in range(150)})
    assert len(fluent.get_run(run.info.run_id).data.params) == 1000
