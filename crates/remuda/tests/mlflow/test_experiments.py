"""Experiments over REST and through the client: create, get, rename, delete, restore, tags, search."""

import math
import time

import pytest
from speak import pairs, unique, unpaired


def test_an_experiment_comes_back_as_it_was_made(api):
    name = unique("iris")
    begun = int(time.time() * 1000)
    made = api.post("experiments/create", name=name, tags=pairs({"team": "flowers", "empty": ""}))
    assert set(made) == {"experiment_id"} and isinstance(made["experiment_id"], str)

    by_id = api.get("experiments/get", experiment_id=made["experiment_id"])["experiment"]
    assert by_id["name"] == name
    assert by_id["experiment_id"] == made["experiment_id"]
    assert by_id["lifecycle_stage"] == "active"
    assert unpaired(by_id["tags"]) == {"team": "flowers", "empty": ""}
    assert by_id["artifact_location"]
    assert isinstance(by_id["creation_time"], int) and by_id["creation_time"] >= begun - 5000
    assert by_id["last_update_time"] >= by_id["creation_time"]

    by_name = api.get("experiments/get-by-name", experiment_name=name)["experiment"]
    assert by_name == by_id


def test_the_default_experiment_is_there(api):
    default = api.get("experiments/get", experiment_id="0")["experiment"]
    assert default["name"] == "Default" and default["lifecycle_stage"] == "active"


def test_two_experiments_never_share_a_name(api):
    name = unique("twice")
    first = api.experiment(name=name)
    api.refused("POST", "experiments/create", {"name": name}, "RESOURCE_ALREADY_EXISTS", 400, name)
    # A deleted experiment keeps its name taken.
    api.post("experiments/delete", experiment_id=first)
    api.refused("POST", "experiments/create", {"name": name}, "RESOURCE_ALREADY_EXISTS", 400)


@pytest.mark.parametrize(
    "body, says",
    [
        ({}, "Missing value for required parameter 'name'"),
        ({"name": ""}, "Missing value for required parameter 'name'"),
        ({"name": 123}, ["Invalid value 123 for parameter 'name' supplied", "Hint: Value was of type 'int'"]),
        ({"name": ["a"]}, ["for parameter 'name' supplied", "Hint: Value was of type 'list'"]),
        ({"name": "fine", "artifact_location": 9.0}, "Invalid value 9.0 for parameter 'artifact_location' supplied"),
        ({"name": "fine", "artifact_location": {}}, "Invalid value {} for parameter 'artifact_location' supplied"),
        ({"name": "fine", "tags": 5}, "Invalid value 5 for parameter 'tags' supplied"),
        ({"name": "n" * 501}, "exceeds the maximum length of 500"),
    ],
)
def test_a_bad_experiment_is_refused(api, body, says):
    api.refused("POST", "experiments/create", body, says=says)


def test_a_name_of_five_hundred_letters_is_allowed(api):
    name = unique("n").ljust(500, "n")
    assert api.get("experiments/get", experiment_id=api.experiment(name=name))["experiment"]["name"] == name


def test_names_may_hold_any_letters(api):
    name = unique("Füße / 实验 'quoted' \"double\" %41 🐎")
    identity = api.experiment(name=name)
    assert api.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"] == identity


def test_an_artifact_location_has_no_fragment(api):
    body = {"name": unique("location"), "artifact_location": "s3://bucket/path#fragment"}
    api.refused("POST", "experiments/create", body, says="URL can't include fragments or params")


def test_what_does_not_exist_is_not_found(api):
    missing = "RESOURCE_DOES_NOT_EXIST"
    api.refused("GET", "experiments/get", {"experiment_id": "987654321987"}, missing)
    api.refused("GET", "experiments/get-by-name", {"experiment_name": unique("none")}, missing)
    api.refused("POST", "experiments/delete", {"experiment_id": "987654321987"}, missing)
    api.refused("POST", "experiments/restore", {"experiment_id": "987654321987"}, missing)
    api.refused("POST", "experiments/update", {"experiment_id": "987654321987", "new_name": "x"}, missing)


@pytest.mark.parametrize("path", ["experiments/delete", "experiments/restore", "experiments/update"])
def test_the_id_is_required(api, path):
    api.refused("POST", path, {"new_name": "x"}, says="Missing value for required parameter 'experiment_id'")
    api.refused("POST", path, {"experiment_id": 0.5, "new_name": "x"}, says="for parameter 'experiment_id' supplied")


def test_get_requires_its_parameter(api):
    api.refused("GET", "experiments/get", {}, says="Missing value for required parameter 'experiment_id'")
    api.refused("GET", "experiments/get-by-name", {}, says="Missing value for required parameter 'experiment_name'")


def test_delete_and_restore(api):
    identity = api.experiment()
    run_id = api.run(identity)
    assert api.post("experiments/delete", experiment_id=identity) == {}
    deleted = api.get("experiments/get", experiment_id=identity)["experiment"]
    assert deleted["lifecycle_stage"] == "deleted"
    # Its name still leads to it, and its runs went with it.
    assert api.get("experiments/get-by-name", experiment_name=deleted["name"])["experiment"] == deleted
    assert api.get("runs/get", run_id=run_id)["run"]["info"]["lifecycle_stage"] == "deleted"

    assert api.post("experiments/restore", experiment_id=identity) == {}
    assert api.get("experiments/get", experiment_id=identity)["experiment"]["lifecycle_stage"] == "active"
    assert api.get("runs/get", run_id=run_id)["run"]["info"]["lifecycle_stage"] == "active"


@pytest.mark.beyond
def test_a_deleted_experiment_cannot_be_renamed(api, experiment):
    """MLflow's own server answers 500 here, which its client would repeat for four minutes."""
    api.post("experiments/delete", experiment_id=experiment)
    answer = api.raw("POST", "experiments/update", json={"experiment_id": experiment, "new_name": unique("x")})
    assert 400 <= answer.status_code < 500 and answer.json()["message"]


def test_nothing_is_created_in_a_deleted_experiment(api, experiment):
    api.post("experiments/delete", experiment_id=experiment)
    body = {"experiment_id": experiment, "start_time": 1}
    api.refused("POST", "runs/create", body, says="active")
    api.refused("POST", "experiments/set-experiment-tag", {"experiment_id": experiment, "key": "a", "value": "b"})


def test_rename(api, experiment):
    name = unique("renamed")
    before = api.get("experiments/get", experiment_id=experiment)["experiment"]
    assert api.post("experiments/update", experiment_id=experiment, new_name=name) == {}
    after = api.get("experiments/get", experiment_id=experiment)["experiment"]
    assert after["name"] == name and after["last_update_time"] >= before["last_update_time"]
    assert after["creation_time"] == before["creation_time"]
    other = api.experiment()
    taken = api.raw("POST", "experiments/update", json={"experiment_id": other, "new_name": name})
    assert taken.status_code == 400 and taken.json()["error_code"] in ("RESOURCE_ALREADY_EXISTS", "BAD_REQUEST")
    api.refused("POST", "experiments/update", {"experiment_id": other, "new_name": 5}, says="for parameter 'new_name' supplied")
    api.refused("POST", "experiments/update", {"experiment_id": other}, says="'new_name'")


def test_experiment_tags(api, experiment):
    tag = lambda **body: api.post("experiments/set-experiment-tag", experiment_id=experiment, **body)
    tags = lambda: unpaired(api.get("experiments/get", experiment_id=experiment)["experiment"].get("tags"))
    assert tag(key="dataset", value="imagenet1K") == {}
    assert tags()["dataset"] == "imagenet1K"
    tag(key="dataset", value="birdbike")
    tag(key="volume", value="3\n5 line")
    tag(key="empty", value="")
    assert {key: tags()[key] for key in ("dataset", "volume", "empty")} == {"dataset": "birdbike", "volume": "3\n5 line", "empty": ""}
    assert api.post("experiments/delete-experiment-tag", experiment_id=experiment, key="volume") == {}
    assert "volume" not in tags()
    api.refused("POST", "experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "volume"}, "RESOURCE_DOES_NOT_EXIST")


def test_bad_experiment_tags_are_refused(api, experiment):
    path = "experiments/set-experiment-tag"
    good = {"experiment_id": experiment, "key": "k", "value": "v"}
    api.refused("POST", path, {**good, "key": 20}, says="Invalid value 20 for parameter 'key' supplied")
    api.refused("POST", path, {**good, "value": 20}, says="Invalid value 20 for parameter 'value' supplied")
    api.refused("POST", path, {"experiment_id": experiment, "value": "v"}, says="Missing value for required parameter 'key'")
    api.refused("POST", path, {"key": "k", "value": "v"}, says="Missing value for required parameter 'experiment_id'")
    api.refused("POST", path, {**good, "value": "v" * 20001}, says="exceeds the maximum length of 20000")
    api.refused("POST", path, {**good, "key": "k" * 251}, says="exceeds the maximum length of 250")
    api.refused("POST", path, {**good, "key": "../up"})
    api.post(path, **{**good, "value": "v" * 20000})


@pytest.fixture(scope="module")
def group(api):
    """Five experiments with a common tag, made one after another."""
    mark = unique("group")
    made = []
    for index, word in enumerate(["alpha", "Beta", "gamma", "delta", "alphabet"]):
        tags = pairs({"mark": mark, "parity": "even" if index % 2 == 0 else "odd"})
        made.append(api.post("experiments/create", name=f"{mark}/{word}", tags=tags)["experiment_id"])
        time.sleep(0.003)
    return mark, made


class TestSearch:
    """experiments/search: filters, order, view, pages."""

    def names(self, api, group, filter="", **more):
        mark, _ = group
        joined = f"tags.mark = '{mark}'" + (f" AND {filter}" if filter else "")
        answer = api.post("experiments/search", filter=joined, max_results=100, **more)
        return [experiment["name"].split("/")[1] for experiment in answer.get("experiments", [])]

    def test_newest_first(self, api, group):
        assert self.names(api, group) == ["alphabet", "delta", "gamma", "Beta", "alpha"]

    @pytest.mark.parametrize(
        "filter, expected",
        [
            ("name LIKE '%/alpha%'", ["alphabet", "alpha"]),
            ("name ILIKE '%/b%'", ["Beta"]),
            ("name LIKE '%/b%'", []),
            ("attribute.name ILIKE '%/ALPHA'", ["alpha"]),
            ("tags.parity = 'odd'", ["delta", "Beta"]),
            ("tags.parity != 'odd'", ["alphabet", "gamma", "alpha"]),
            ("tag.parity ILIKE 'ODD'", ["delta", "Beta"]),
            ("tags.`parity` LIKE 'ev%'", ["alphabet", "gamma", "alpha"]),
            ("tags.none = 'x'", []),
            ("creation_time > 0", ["alphabet", "delta", "gamma", "Beta", "alpha"]),
            ("creation_time < 5", []),
            ("last_update_time >= 5", ["alphabet", "delta", "gamma", "Beta", "alpha"]),
        ],
    )
    def test_filters(self, api, group, filter, expected):
        assert self.names(api, group, filter) == expected

    def test_equal_names(self, api, group):
        mark, made = group
        answer = api.post("experiments/search", filter=f"name = '{mark}/gamma'", max_results=5)
        assert [found["experiment_id"] for found in answer["experiments"]] == [made[2]]

    @pytest.mark.parametrize(
        "order, expected",
        [
            (["name"], ["Beta", "alpha", "alphabet", "delta", "gamma"]),
            (["name DESC"], ["gamma", "delta", "alphabet", "alpha", "Beta"]),
            (["creation_time ASC"], ["alpha", "Beta", "gamma", "delta", "alphabet"]),
            (["last_update_time DESC"], ["alphabet", "delta", "gamma", "Beta", "alpha"]),
            (["experiment_id ASC"], ["alpha", "Beta", "gamma", "delta", "alphabet"]),
        ],
    )
    def test_order(self, api, group, order, expected):
        assert self.names(api, group, order_by=order) == expected

    def test_pages(self, api, group):
        mark, made = group
        seen, token = [], None
        while True:
            body = {"filter": f"tags.mark = '{mark}'", "max_results": 2, **({"page_token": token} if token else {})}
            answer = api.post("experiments/search", **body)
            assert len(answer["experiments"]) <= 2
            seen += [found["experiment_id"] for found in answer["experiments"]]
            token = answer.get("next_page_token")
            if not token:
                break
        assert seen == made[::-1]

    def test_get_asks_too(self, api, group):
        mark, made = group
        answer = api.get("experiments/search", filter=f"tags.mark = '{mark}'", max_results=3, view_type="ALL")
        assert [found["experiment_id"] for found in answer["experiments"]] == made[:1:-1]

    def test_views(self, api):
        mark = unique("view")
        kept, gone = (api.post("experiments/create", name=unique("v"), tags=pairs({"mark": mark}))["experiment_id"] for _ in range(2))
        api.post("experiments/delete", experiment_id=gone)

        def seen(**view):
            answer = api.post("experiments/search", filter=f"tags.mark = '{mark}'", max_results=10, **view)
            return {found["experiment_id"] for found in answer.get("experiments", [])}

        assert seen() == {kept}
        assert seen(view_type="ACTIVE_ONLY") == {kept}
        assert seen(view_type="DELETED_ONLY") == {gone}
        assert seen(view_type="ALL") == {kept, gone}

    @pytest.mark.parametrize(
        "body",
        [
            {"filter": "nothing = 'x'"},
            {"filter": "name = "},
            {"filter": "name = 5"},
            {"filter": "metrics.a > 1"},
            {"filter": 5},
            {"order_by": ["nothing"]},
            {"order_by": ["name SIDEWAYS"]},
            {"max_results": 0},
            {"max_results": 1_000_000},
            {"page_token": "not a token"},
        ],
    )
    def test_bad_searches_are_refused(self, api, body):
        api.refused("POST", "experiments/search", {"max_results": 10, **body})


def test_the_client_sees_the_same(client):
    name = unique("client")
    identity = client.create_experiment(name, tags={"a": "b"})
    assert client.get_experiment_by_name(name).experiment_id == identity
    assert client.get_experiment_by_name(unique("none")) is None
    client.set_experiment_tag(identity, "number", 4)
    assert client.get_experiment(identity).tags["number"] == "4"
    client.rename_experiment(identity, name + "-new")
    assert [found.name for found in client.search_experiments(filter_string=f"name LIKE '{name}%'")] == [name + "-new"]
    client.delete_experiment(identity)
    assert client.get_experiment(identity).lifecycle_stage == "deleted"
    client.restore_experiment(identity)
    assert not math.isnan(client.get_experiment(identity).creation_time)
