"""Traces of MLflow 3: in by OpenTelemetry, found again, tagged, assessed, deleted."""

import os

import pytest

V3 = "/api/3.0/mlflow/traces"


def export(api, experiment, name="work", content_type="application/x-protobuf", children=1, **attributes):
    """Sends one trace of a root and its children by OTLP; its id as MLflow spells it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    trace, root = os.urandom(16), os.urandom(8)
    for index in range(children + 1):
        span = spans.add()
        span.trace_id, span.span_id = trace, os.urandom(8) if index else root
        span.parent_span_id = root if index else b""
        span.name = f"{name} {index}" if index else name
        span.start_time_unix_nano = 1_700_000_000_000_000_000 + index
        span.end_time_unix_nano = span.start_time_unix_nano + 5_000_000
        for key, value in attributes.items():
            attribute = span.attributes.add()
            attribute.key, attribute.value.string_value = key, value
    headers = {"content-type": content_type, "x-mlflow-experiment-id": experiment}
    answer = api.raw("POST", "/v1/traces", data=request.SerializeToString(), headers=headers)
    assert answer.status_code == 200, answer.text
    return "tr-" + trace.hex()


def search(api, experiment, filter="", **more):
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    answer = api.post(f"{V3}/search", locations=[location], **({"filter": filter} if filter else {}), **more)
    return [trace["trace_id"] for trace in answer.get("traces", [])]


def info(api, trace):
    return api.get(f"{V3}/{trace}")["trace"]["trace_info"]


@pytest.fixture(scope="module", autouse=True)
def only_where_taken(api):
    """Server 3.6 and newer take OTLP; whoever does not must say so."""
    answer = api.raw("POST", "/v1/traces", data=b"", headers={"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"})
    if answer.status_code in (404, 501):
        pytest.skip("the server takes no traces, and says so")


def test_a_trace_comes_in_and_is_found(api, experiment):
    trace = export(api, experiment)
    assert search(api, experiment) == [trace]
    found = info(api, trace)
    assert found["trace_location"]["mlflow_experiment"]["experiment_id"] == experiment
    assert found["state"] == "OK" and found["request_time"].startswith("2023-11-14T22:13:20") and found["execution_duration"].startswith("0.005")
    api.refused("GET", f"{V3}/tr-none", {}, "RESOURCE_DOES_NOT_EXIST", says="Trace with ID 'tr-none' not found")


def test_its_spans_come_back(api, experiment):
    traces = [export(api, experiment, name=f"root{index}", children=2) for index in range(2)]
    found = api.get(f"{V3}/batchGet", trace_ids=traces)["traces"]
    assert {entry["trace_info"]["trace_id"] for entry in found} == set(traces)
    names = {span["name"] for entry in found for span in entry["spans"]}
    assert names == {"root0", "root0 1", "root0 2", "root1", "root1 1", "root1 2"}


def test_bad_exports_are_refused(api, experiment):
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": experiment}
    for body, change in [(b"junk\xff", {}), (b"", {}), (b"x", {"content-type": "text/plain"}), (b"{bad", {"content-type": "application/json"})]:
        answer = api.raw("POST", "/v1/traces", data=body, headers={**headers, **change})
        assert 400 <= answer.status_code < 500, (body, answer.status_code)
    answer = api.raw("POST", "/v1/traces", data=b"", headers={"content-type": "application/x-protobuf"})
    assert 400 <= answer.status_code < 500


def test_tags(api, experiment):
    trace = export(api, experiment)
    api.patch(f"{V3}/{trace}/tags", trace_id=trace, key="k", value="v")
    assert info(api, trace)["tags"]["k"] == "v"
    assert search(api, experiment, "tags.k = 'v'") == [trace] and search(api, experiment, "tags.k = 'w'") == []
    api.call("DELETE", f"{V3}/{trace}/tags", {"trace_id": trace, "key": "k"}, params={"key": "k"})
    assert "k" not in info(api, trace).get("tags", {})


@pytest.mark.parametrize(
    "filter, found",
    [("trace.status = 'OK'", True), ("status = 'ERROR'", False), ("execution_time_ms >= 5", True), ("execution_time_ms > 5000", False), ("timestamp_ms > 5", True), ("timestamp_ms < 5", False)],
)
def test_filters(api, experiment, filter, found):
    trace = export(api, experiment)
    assert search(api, experiment, filter) == ([trace] if found else [])


def test_bad_searches_are_refused(api, experiment):
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    api.refused("POST", f"{V3}/search", {"max_results": 5}, says="Missing value for required parameter 'locations'")
    for wrong in ({"filter": "nothing = 1"}, {"max_results": 501}):
        api.refused("POST", f"{V3}/search", {"locations": [location], **wrong})


def test_assessments(api, experiment):
    trace = export(api, experiment)
    path = f"{V3}/{trace}/assessments"
    entry = {
        "assessment_name": "good", "trace_id": trace, "source": {"source_type": "HUMAN", "source_id": "me"}, "feedback": {"value": True},
        "create_time": "2026-01-01T00:00:00Z", "last_update_time": "2026-01-01T00:00:00Z",
    }
    made = api.post(path, assessment=entry)["assessment"]
    identity = made["assessment_id"]
    assert made["feedback"]["value"] is True and made["source"] == entry["source"]
    assert api.get(f"{path}/{identity}")["assessment"]["assessment_name"] == "good"
    assert [found["assessment_id"] for found in info(api, trace)["assessments"]] == [identity]
    changed = {"assessment_id": identity, "trace_id": trace, "feedback": {"value": False}}
    assert api.patch(f"{path}/{identity}", assessment=changed, update_mask="feedback")["assessment"]["feedback"]["value"] is False
    assert api.call("DELETE", f"{path}/{identity}") == {}
    api.refused("GET", f"{path}/{identity}", {}, "RESOURCE_DOES_NOT_EXIST")
    api.refused("POST", path, {}, says="Missing value for required parameter 'assessment'")
    api.refused("POST", f"{V3}/tr-none/assessments", {"assessment": {**entry, "trace_id": "tr-none"}}, "RESOURCE_DOES_NOT_EXIST")


def test_a_trace_without_spans(api, experiment):
    trace = "tr-" + os.urandom(16).hex()
    body = {
        "trace_id": trace, "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}, "state": "OK",
        "request_time": "2026-01-01T00:00:00Z", "execution_duration": "1.5s", "request_preview": "hello", "trace_metadata": {"a": "b"}, "tags": {"c": "d"},
    }
    api.post(V3, trace={"trace_info": body})
    found = info(api, trace)
    assert found["trace_metadata"]["a"] == "b" and found["tags"]["c"] == "d" and found["execution_duration"].startswith("1.5")


def test_deletion(api, experiment):
    kept, gone = export(api, experiment), export(api, experiment)
    answer = api.post(f"{V3}/delete-traces", experiment_id=experiment, request_ids=[gone])
    assert answer == {"traces_deleted": 1}
    assert search(api, experiment) == [kept]


def test_a_decorated_function(fluent):
    @fluent.trace
    def add(a, b):
        with fluent.start_span("inner") as span:
            span.set_inputs({"a": a})
            span.set_outputs(a + b)
        return a + b

    assert add(2, b=3) == 5
    fluent.flush_trace_async_logging()
    trace = fluent.get_trace(fluent.get_last_active_trace_id())
    assert {span.name for span in trace.data.spans} == {"add", "inner"}
    root = next(span for span in trace.data.spans if span.parent_id is None)
    assert root.inputs == {"a": 2, "b": 3} and root.outputs == 5
    found = fluent.search_traces(return_type="list")
    assert [entry.info.trace_id for entry in found] == [trace.info.trace_id]
    fluent.log_feedback(trace_id=trace.info.trace_id, name="right", value=True)
    assert fluent.get_trace(trace.info.trace_id).info.assessments[0].name == "right"
