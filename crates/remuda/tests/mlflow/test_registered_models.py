"""Registered models: create, describe, rename, tag, search, delete; aliases."""

import time

import pytest
from speak import pairs, unique, unpaired

MODELS = "registered-models"


@pytest.fixture
def model(api):
    name = unique("model")
    api.post(f"{MODELS}/create", name=name)
    return name


def get(api, name):
    return api.get(f"{MODELS}/get", name=name)["registered_model"]


def version(api, name, **more):
    more.setdefault("source", "s3://bucket/folder/model")
    return api.post("model-versions/create", name=name, **more)["model_version"]["version"]


def test_a_model_comes_back(api):
    name = unique("model")
    made = api.post(f"{MODELS}/create", name=name, description="what it is", tags=pairs({"a": "b", "c": ""}))["registered_model"]
    assert made["name"] == name and made["description"] == "what it is"
    assert unpaired(made["tags"]) == {"a": "b", "c": ""}
    assert made["creation_timestamp"] == made["last_updated_timestamp"] > 1_600_000_000_000
    assert get(api, name) == made


def test_names(api, model):
    create = f"{MODELS}/create"
    api.refused("POST", create, {"name": model}, "RESOURCE_ALREADY_EXISTS", 400, f"Registered Model (name={model}) already exists.")
    api.refused("POST", create, {}, says="Missing value for required parameter 'name'")
    api.refused("POST", create, {"name": ""}, says="Missing value for required parameter 'name'")
    api.refused("POST", create, {"name": "   "}, says="Missing value for required parameter 'name'")
    api.refused("POST", create, {"name": 5}, says="Invalid value 5 for parameter 'name' supplied")
    for name in ("a/b", "a:b", "models:/x"):
        api.refused("POST", create, {"name": name}, says=[f"Invalid model name '{name}'", "Names cannot contain '/' or ':'."])
    api.refused("POST", create, {"name": "fine", "tags": 5}, says="Invalid value 5 for parameter 'tags' supplied")
    api.refused("POST", create, {"name": "fine", "description": 5}, says="Invalid value 5 for parameter 'description' supplied")
    odd = unique("Größe 実験 'x' 100% a.b_c-d")
    api.post(create, name=odd)
    assert get(api, odd)["name"] == odd


def test_what_does_not_exist_is_not_found(api):
    name = unique("none")
    says = f"Registered Model with name={name} not found"
    for method, path, more in [
        ("GET", "get", {}), ("PATCH", "update", {"description": "x"}), ("DELETE", "delete", {}), ("POST", "rename", {"new_name": "y"}),
        ("POST", "set-tag", {"key": "a", "value": "b"}), ("POST", "get-latest-versions", {}), ("DELETE", "alias", {"alias": "a"}),
    ]:
        api.refused(method, f"{MODELS}/{path}", {"name": name, **more}, "RESOURCE_DOES_NOT_EXIST", says=says)
    api.refused("POST", "model-versions/create", {"name": name, "source": "s3://a/b"}, "RESOURCE_DOES_NOT_EXIST", says=says)
    for method, path in [("GET", "get"), ("PATCH", "update"), ("DELETE", "delete"), ("POST", "rename"), ("POST", "set-tag")]:
        api.refused(method, f"{MODELS}/{path}", {}, says="Missing value for required parameter 'name'")


def test_update(api, model):
    before = get(api, model)
    time.sleep(0.01)
    after = api.patch(f"{MODELS}/update", name=model, description="newer")["registered_model"]
    assert after["description"] == "newer" and after["creation_timestamp"] == before["creation_timestamp"]
    assert after["last_updated_timestamp"] > before["last_updated_timestamp"]
    assert get(api, model) == after


def test_rename_takes_everything_along(api, model):
    version(api, model)
    api.post(f"{MODELS}/alias", name=model, alias="champion", version="1")
    api.post(f"{MODELS}/set-tag", name=model, key="a", value="b")
    new = unique("renamed")
    renamed = api.post(f"{MODELS}/rename", name=model, new_name=new)["registered_model"]
    assert renamed["name"] == new and renamed["latest_versions"][0]["name"] == new
    api.refused("GET", f"{MODELS}/get", {"name": model}, "RESOURCE_DOES_NOT_EXIST")
    assert api.get("model-versions/get", name=new, version="1")["model_version"]["aliases"] == ["champion"]
    assert unpaired(get(api, new)["tags"]) == {"a": "b"}
    # The old name is free again; a taken one is refused.
    api.post(f"{MODELS}/create", name=model)
    api.refused("POST", f"{MODELS}/rename", {"name": new, "new_name": model}, "RESOURCE_ALREADY_EXISTS", 400)
    api.refused("POST", f"{MODELS}/rename", {"name": new, "new_name": "a/b"}, says="Invalid model name 'a/b'")
    api.refused("POST", f"{MODELS}/rename", {"name": new}, says="Missing value for required parameter 'new_name'")


def test_delete(api, model):
    version(api, model)
    assert api.delete(f"{MODELS}/delete", name=model) == {}
    api.refused("GET", f"{MODELS}/get", {"name": model}, "RESOURCE_DOES_NOT_EXIST")
    api.refused("GET", "model-versions/get", {"name": model, "version": "1"}, "RESOURCE_DOES_NOT_EXIST")
    api.refused("DELETE", f"{MODELS}/delete", {"name": model}, "RESOURCE_DOES_NOT_EXIST")
    assert api.get("model-versions/search", filter=f"name = '{model}'").get("model_versions", []) == []
    # A new one of that name begins anew.
    api.post(f"{MODELS}/create", name=model)
    assert version(api, model) == "1"


def test_tags(api, model):
    tag = lambda **body: api.post(f"{MODELS}/set-tag", name=model, **body)
    tag(key="state", value="one")
    tag(key="state", value="two")
    tag(key="empty", value="")
    assert unpaired(get(api, model)["tags"]) == {"state": "two", "empty": ""}
    assert api.delete(f"{MODELS}/delete-tag", name=model, key="state") == {}
    assert unpaired(get(api, model)["tags"]) == {"empty": ""}
    # What is gone already is no mistake.
    assert api.delete(f"{MODELS}/delete-tag", name=model, key="state") == {}
    tag(key="k" * 250, value="v" * 100_000)
    path = f"{MODELS}/set-tag"
    api.refused("POST", path, {"name": model, "key": "k" * 251, "value": "v"}, says="exceeds the maximum length of 250")
    api.refused("POST", path, {"name": model, "key": "k", "value": "v" * 100_001}, says="exceeds the maximum length of 100000")
    api.refused("POST", path, {"name": model, "value": "v"}, says="Missing value for required parameter 'key'")
    api.refused("POST", path, {"name": model, "key": 5, "value": "v"}, says="Invalid value 5 for parameter 'key' supplied")


class TestAliases:
    def by_alias(self, api, model, alias="champion"):
        return api.get(f"{MODELS}/alias", name=model, alias=alias)["model_version"]

    def test_an_alias_leads_to_one_version(self, api, model):
        first, second = version(api, model), version(api, model)
        assert api.post(f"{MODELS}/alias", name=model, alias="champion", version=first) == {}
        api.post(f"{MODELS}/alias", name=model, alias="other_one-2", version=first)
        found = self.by_alias(api, model)
        assert found["version"] == first and sorted(found["aliases"]) == ["champion", "other_one-2"]
        assert sorted((entry["alias"], entry["version"]) for entry in get(api, model)["aliases"]) == [("champion", first), ("other_one-2", first)]

        api.post(f"{MODELS}/alias", name=model, alias="champion", version=second)
        assert self.by_alias(api, model)["version"] == second
        assert api.get("model-versions/get", name=model, version=first)["model_version"]["aliases"] == ["other_one-2"]

    def test_an_alias_goes(self, api, model):
        one = version(api, model)
        api.post(f"{MODELS}/alias", name=model, alias="champion", version=one)
        assert api.delete(f"{MODELS}/alias", name=model, alias="champion") == {}
        api.refused("GET", f"{MODELS}/alias", {"name": model, "alias": "champion"}, says="Registered model alias champion not found.")
        # What is gone already is no mistake.
        assert api.delete(f"{MODELS}/alias", name=model, alias="champion") == {}
        api.post(f"{MODELS}/alias", name=model, alias="champion", version=one)
        api.delete("model-versions/delete", name=model, version=one)
        assert "aliases" not in get(api, model) or get(api, model)["aliases"] == []

    def test_latest_is_the_newest_version(self, api, model):
        version(api, model)
        newest = version(api, model)
        assert self.by_alias(api, model, "latest")["version"] == newest

    def test_bad_aliases_are_refused(self, api, model):
        version(api, model)
        path, good = f"{MODELS}/alias", {"name": model, "alias": "a", "version": "1"}
        for reserved in ("latest", "Latest"):
            api.refused("POST", path, {**good, "alias": reserved}, says="'latest' alias name (case insensitive) is reserved.")
        for reserved in ("v1", "V42"):
            api.refused("POST", path, {**good, "alias": reserved}, says=f"Version alias name '{reserved}' is reserved.")
        for odd in ("a b", "a/b", "a@b", "a.b"):
            api.refused("POST", path, {**good, "alias": odd}, says=[f"Invalid alias name: '{odd}'.", "Names may only contain alphanumerics, underscores (_), and dashes (-)."])
        api.refused("POST", path, {**good, "alias": "x" * 256}, says="exceeds the maximum length of 255")
        api.post(path, **{**good, "alias": "x" * 255})
        api.refused("POST", path, {**good, "version": "99"}, "RESOURCE_DOES_NOT_EXIST", says=f"Model Version (name={model}, version=99) not found")
        api.refused("POST", path, {**good, "version": "one"}, says="version")
        for missing in good:
            rest = {name: value for name, value in good.items() if name != missing}
            api.refused("POST", path, rest, says=f"Missing value for required parameter '{missing}'")


@pytest.fixture(scope="module")
def shelf(api):
    """Four models with a common prefix."""
    prefix = unique("shelf")
    for word, colour in [("apple", "red"), ("Banana", "yellow"), ("cherry", "red"), ("date", None)]:
        api.post(f"{MODELS}/create", name=f"{prefix}.{word}", tags=pairs({"colour": colour} if colour else {}))
        time.sleep(0.003)
    return prefix


class TestSearch:
    def names(self, api, shelf, filter="", **more):
        joined = f"name LIKE '{shelf}.%'" + (f" AND {filter}" if filter else "")
        answer = api.get(f"{MODELS}/search", filter=joined, **more)
        return [model["name"].split(".")[1] for model in answer.get("registered_models", [])]

    @pytest.mark.parametrize(
        "filter, expected",
        [
            ("", "Banana apple cherry date"),
            ("name LIKE '%.a%'", "apple"),
            ("name ILIKE '%.BAN%'", "Banana"),
            ("name LIKE '%.BAN%'", ""),
            ("tags.colour = 'red'", "apple cherry"),
            ("tag.colour != 'red'", "Banana"),
            ("tags.`colour` LIKE 'y%'", "Banana"),
            ("tags.colour ILIKE 'RED'", "apple cherry"),
            ("tags.nothing = 'x'", ""),
        ],
    )
    def test_filters(self, api, shelf, filter, expected):
        assert " ".join(self.names(api, shelf, filter)) == expected

    def test_exactly(self, api, shelf):
        found = api.get(f"{MODELS}/search", filter=f"name = '{shelf}.date'")["registered_models"]
        assert [model["name"] for model in found] == [f"{shelf}.date"]

    @pytest.mark.parametrize(
        "order, expected",
        [
            (["name DESC"], "date cherry apple Banana"),
            (["timestamp ASC"], "apple Banana cherry date"),
            (["last_updated_timestamp DESC"], "date cherry Banana apple"),
        ],
    )
    def test_order(self, api, shelf, order, expected):
        assert " ".join(self.names(api, shelf, order_by=order)) == expected

    def test_pages(self, api, shelf):
        seen, token = [], None
        while not seen or token:
            answer = api.get(f"{MODELS}/search", filter=f"name LIKE '{shelf}.%'", max_results=3, **({"page_token": token} if token else {}))
            seen += [model["name"].split(".")[1] for model in answer["registered_models"]]
            token = answer.get("next_page_token")
            assert len(seen) <= 4
        assert seen == ["Banana", "apple", "cherry", "date"]

    @pytest.mark.parametrize(
        "query",
        [{"filter": "nothing = 'x'"}, {"filter": "name > 'x'"}, {"filter": "name"}, {"max_results": 1001}, {"max_results": "many"}, {"order_by": ["nothing"]}, {"page_token": "hm"}],
        ids=str,
    )
    def test_bad_searches_are_refused(self, api, query):
        api.refused("GET", f"{MODELS}/search", query)

    def test_prompts_are_hidden_unless_asked_for(self, api):
        name = unique("prompt")
        api.post(f"{MODELS}/create", name=name, tags=pairs({"mlflow.prompt.is_prompt": "true"}))
        assert "registered_models" not in api.get(f"{MODELS}/search", filter=f"name = '{name}'")
        asked = api.get(f"{MODELS}/search", filter=f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` = 'true'")
        assert [model["name"] for model in asked["registered_models"]] == [name]


def test_the_client(client):
    name = unique("client-model")
    client.create_registered_model(name, tags={"a": "b"}, description="first")
    client.update_registered_model(name, description="second")
    client.set_registered_model_tag(name, "n", 4)
    found = client.get_registered_model(name)
    assert (found.description, found.tags) == ("second", {"a": "b", "n": "4"})
    client.delete_registered_model_tag(name, "n")
    made = client.create_model_version(name, "s3://bucket/x", await_creation_for=5)
    client.set_registered_model_alias(name, "champion", made.version)
    assert client.get_model_version_by_alias(name, "champion").version == made.version
    assert client.get_registered_model(name).aliases == {"champion": made.version} or client.get_registered_model(name).aliases == {"champion": int(made.version)}
    client.delete_registered_model_alias(name, "champion")
    assert [model.name for model in client.search_registered_models(f"name = '{name}'")] == [name]
    client.rename_registered_model(name, name + "-new")
    client.delete_registered_model(name + "-new")
    assert client.search_registered_models(f"name LIKE '{name}%'") == []
