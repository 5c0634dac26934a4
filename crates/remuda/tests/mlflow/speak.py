"""Speaks the protocol without MLflow's client: one call is one request, and every answer is looked at.

Used by the tests that check the wire; scripts of users go through the `mlflow` package instead.
"""

import uuid

import requests

API = "/api/2.0/mlflow/"


def unique(prefix):
    """A name that nothing else on the server has."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def pairs(mapping):
    """{"a": "1"} as the protocol spells it."""
    return [{"key": key, "value": value} for key, value in mapping.items()]


def unpaired(entries):
    """The protocol's list of key and value as a mapping."""
    return {entry["key"]: entry.get("value", "") for entry in entries or []}


class Refused:
    """What a refused request was answered with."""

    def __init__(self, answer):
        body = answer.json()
        self.status = answer.status_code
        self.code = body["error_code"]
        self.message = body["message"]

    def __repr__(self):
        return f"{self.status} {self.code}: {self.message}"


class Speaker:
    """One keep-alive connection to the server under test."""

    def __init__(self, base):
        self.base = base
        self.session = requests.Session()

    def raw(self, method, path, /, **how):
        """Any request; a path without a leading slash lies under /api/2.0/mlflow/. A 5xx fails the test."""
        url = self.base + (path if path.startswith("/") else API + path)
        answer = self.session.request(method, url, timeout=60, **how)
        may_fail = answer.status_code in (501, 503)
        assert answer.status_code < 500 or may_fail, f"{method} {path}: {answer.status_code} {answer.text[:400]}"
        return answer

    def call(self, method, path, body=None, **how):
        """A request that must succeed: its JSON answer."""
        if method == "GET":
            how.setdefault("params", body)
        elif body is not None:
            how.setdefault("json", body)
        answer = self.raw(method, path, **how)
        assert answer.status_code == 200, f"{method} {path} {body}: {answer.status_code} {answer.text[:600]}"
        return answer.json()

    def get(self, path, /, **query):
        return self.call("GET", path, query)

    def post(self, path, /, **body):
        return self.call("POST", path, body)

    def patch(self, path, /, **body):
        return self.call("PATCH", path, body)

    def delete(self, path, /, **body):
        return self.call("DELETE", path, body)

    def refused(self, method, path, body=None, code="INVALID_PARAMETER_VALUE", status=None, says=None, **how):
        """A request that must be refused with this error code; `says` are fragments of its message."""
        if method == "GET":
            how.setdefault("params", body)
        elif body is not None:
            how.setdefault("json", body)
        answer = self.raw(method, path, **how)
        assert 400 <= answer.status_code < 500, f"{method} {path} {body}: {answer.status_code} {answer.text[:400]}"
        refused = Refused(answer)
        expected = status or {"RESOURCE_DOES_NOT_EXIST": 404, "ENDPOINT_NOT_FOUND": 404}.get(code, 400)
        assert (refused.status, refused.code) == (expected, code), f"{method} {path} {body}: {refused}"
        for fragment in [says] if isinstance(says, str) else says or []:
            assert fragment in refused.message, f"{method} {path} {body}: {fragment!r} is not in {refused.message!r}"
        return refused

    # What nearly every test needs first.

    def experiment(self, **more):
        return self.post("experiments/create", name=more.pop("name", None) or unique("experiment"), **more)["experiment_id"]

    def run(self, experiment_id, **more):
        more.setdefault("start_time", 1_700_000_000_000)
        return self.post("runs/create", experiment_id=experiment_id, **more)["run"]["info"]["run_id"]

    def run_data(self, run_id):
        """Metrics, params and tags of a run as three mappings."""
        data = self.get("runs/get", run_id=run_id)["run"]["data"]
        return tuple(unpaired(data.get(kind)) for kind in ("metrics", "params", "tags"))

    def found(self, experiment_id, filter="", **more):
        """Ids of the runs that a search answers, in its order."""
        body = {"experiment_ids": [experiment_id], "filter": filter, **more}
        return [run["info"]["run_id"] for run in self.post("runs/search", **body).get("runs", [])]
