"""Artifacts through the proxy: up, down, ranges, lists, deletion, paths that lead elsewhere, uploads in parts."""

import hashlib
import http.client
import os
import urllib.parse

import pytest
from speak import unique

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def root(api, run):
    """The proxy's path of a run's artifacts, without the leading part."""
    uri = api.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    assert uri.startswith("mlflow-artifacts:/"), "a client uses the proxy only for this scheme"
    return urllib.parse.urlparse(uri).path.strip("/")


def put(api, root, path, content):
    answer = api.raw("PUT", f"{PROXY}/{root}/{path}", data=content)
    assert answer.status_code == 200, answer.text


def fetch(api, root, path, **headers):
    return api.raw("GET", f"{PROXY}/{root}/{path}", headers=headers)


def listed(api, run, path=None):
    answer = api.get("artifacts/list", run_id=run, **({} if path is None else {"path": path}))
    return [(file["path"], file["is_dir"], file.get("file_size")) for file in answer.get("files", [])]


def test_what_goes_up_comes_down(api, root):
    content = os.urandom(3_000_000)
    put(api, root, "deep/er/data.bin", content)
    answer = fetch(api, root, "deep/er/data.bin")
    assert answer.status_code == 200 and answer.content == content
    assert int(answer.headers["content-length"]) == len(content)
    put(api, root, "deep/er/data.bin", b"new")
    assert fetch(api, root, "deep/er/data.bin").content == b"new"
    put(api, root, "empty", b"")
    assert fetch(api, root, "empty").content == b""


def test_an_upload_without_a_length(api, root):
    api.raw("PUT", f"{PROXY}/{root}/stream.txt", data=(piece for piece in [b"one ", b"two ", b"three"]))
    assert fetch(api, root, "stream.txt").content == b"one two three"


def test_a_download_is_never_a_page(api, root):
    put(api, root, "page.html", b"<script>alert(1)</script>")
    for answer in (fetch(api, root, "page.html"), api.raw("GET", "/get-artifact", params=run_and_path(root, "page.html"))):
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "attachment" in answer.headers["content-disposition"] and "page.html" in answer.headers["content-disposition"]


def run_and_path(root, path):
    return {"run_id": root.split("/")[-2], "path": path}


def test_ranges(api, root):
    put(api, root, "letters.txt", b"hello world")
    part = fetch(api, root, "letters.txt", Range="bytes=2-4")
    assert (part.status_code, part.content) == (206, b"llo")
    assert part.headers["content-range"] == "bytes 2-4/11"
    assert fetch(api, root, "letters.txt", Range="bytes=6-").content == b"world"
    assert fetch(api, root, "letters.txt", Range="bytes=-3").content == b"rld"
    assert fetch(api, root, "letters.txt", Range="bytes=6-600").content == b"world"
    beyond = fetch(api, root, "letters.txt", Range="bytes=500-")
    assert beyond.status_code == 416 and beyond.headers["content-range"] == "bytes */11"


def test_lists(api, run, root):
    assert listed(api, run) == []
    put(api, root, "top.txt", b"1234")
    put(api, root, "folder/b.txt", b"12")
    put(api, root, "folder/a.txt", b"1")
    put(api, root, "folder/deeper/c.txt", b"")
    assert listed(api, run) == [("folder", True, None), ("top.txt", False, 4)]
    assert listed(api, run, "") == listed(api, run)
    assert listed(api, run, "folder") == [("folder/a.txt", False, 1), ("folder/b.txt", False, 2), ("folder/deeper", True, None)]
    assert [(path, is_folder, size or 0) for path, is_folder, size in listed(api, run, "folder/deeper")] == [("folder/deeper/c.txt", False, 0)]
    # A file has nothing in it, nor has what is not there.
    assert listed(api, run, "top.txt") == [] and listed(api, run, "nothing") == []
    assert listed(api, run, "fold") == []
    uri = api.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    assert api.get("artifacts/list", run_id=run)["root_uri"] == uri


def test_the_proxy_lists_names_alone(api, root):
    put(api, root, "folder/a.txt", b"1")
    put(api, root, "folder/inner/b.txt", b"1")
    files = api.get(PROXY, path=f"{root}/folder")["files"]
    assert sorted((file["path"], file["is_dir"]) for file in files) == [("a.txt", False), ("inner", True)]
    assert api.get(PROXY, path=f"{root}/none").get("files", []) == []


def test_deletion(api, run, root):
    put(api, root, "folder/a.txt", b"1")
    put(api, root, "folder/b.txt", b"1")
    put(api, root, "other.txt", b"1")
    assert api.call("DELETE", f"{PROXY}/{root}/folder/a.txt") == {}
    assert fetch(api, root, "folder/a.txt").status_code == 404
    assert [path for path, _, _ in listed(api, run, "folder")] == ["folder/b.txt"]
    # A folder goes with all that is in it; what is gone already is no mistake.
    api.call("DELETE", f"{PROXY}/{root}/folder")
    api.call("DELETE", f"{PROXY}/{root}/folder")
    assert [path for path, _, _ in listed(api, run)] == ["other.txt"]


def test_what_is_not_there(api, root):
    put(api, root, "folder/a.txt", b"1")
    for path in ("nothing.txt", "folder/nothing.txt", "folder/a.txt/inside"):
        answer = fetch(api, root, path)
        assert answer.status_code == 404 and answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert fetch(api, root, "folder").status_code in (400, 404)
    assert api.raw("GET", "/get-artifact", params=run_and_path(root, "nothing")).status_code == 404
    assert api.raw("PUT", f"{PROXY}/{root}/folder/", data=b"x").status_code == 400


@pytest.mark.beyond
def test_a_file_is_no_folder(api, root):
    """MLflow's own server answers 500 to both."""
    put(api, root, "folder/a.txt", b"1")
    assert 400 <= api.raw("PUT", f"{PROXY}/{root}/folder", data=b"x").status_code < 500
    assert 400 <= api.raw("PUT", f"{PROXY}/{root}/folder/a.txt/inside", data=b"x").status_code < 500
    assert fetch(api, root, "folder/a.txt").content == b"1"


ELSEWHERE = ["..", "../x", "a/../../x", "%2e%2e", "%2e%2e/x", "a/%2e%2e/%2e%2e/x", "%252e%252e/x", "%2e%2e%2f%2e%2e%2fx", "..%2fx"]
BEYOND = ["/etc/passwd", "%2Fetc/passwd", "a%00b", ".", "a//b", "./a", "..%5cx", "%FF%FE", "a%0Ab"]


def unchanged(base, method, path):
    """A request whose path no client library has tidied: status and body."""
    parts = urllib.parse.urlparse(base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.putrequest(method, path)
        connection.putheader("content-length", "1")
        connection.endheaders(b"x")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ELSEWHERE)
def test_no_path_leads_out(base, root, method, path):
    status, body = unchanged(base, method, f"{PROXY}/{root}/{path}")
    assert 400 <= status < 500, (status, body)


@pytest.mark.beyond
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", BEYOND)
def test_no_odd_path_is_the_servers_mistake(base, api, run, root, method, path):
    put(api, root, "kept.txt", b"1")
    status, body = unchanged(base, method, f"{PROXY}/{root}/{path}")
    assert status < 500, (status, body)
    if "00" in path or method == "PUT":
        assert 400 <= status, (status, body)
    assert fetch(api, root, "kept.txt").content == b"1"


@pytest.mark.parametrize("path", ["..", "../", "/etc", "a/../..", "%2e%2e", "a/%2e%2e/%2e%2e", "%252e%252e", "file:///etc", "C:/x"])
def test_no_list_leads_out(api, run, path):
    api.refused("GET", "artifacts/list", {"run_id": run, "path": path}, says="Invalid path")
    api.refused("GET", "/get-artifact", {"run_id": run, "path": path}, says="Invalid path")
    answer = api.raw("GET", PROXY, params={"path": path})
    assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("name", ["with space.txt", "größe.txt", "実験.txt", "100%.txt", "a+b=c&d.txt", "semi;colon.txt", "'quoted'.txt", "[x]{y}.txt"])
def test_names_of_any_letters(client, name, tmp_path):
    run = client.create_run(client.create_experiment(unique("names"))).info.run_id
    (tmp_path / name).write_text("content of " + name)
    client.log_artifact(run, str(tmp_path / name), "in folder")
    assert [file.path for file in client.list_artifacts(run, "in folder")] == [f"in folder/{name}"]
    (tmp_path / "down").mkdir()
    got = client.download_artifacts(run, f"in folder/{name}", str(tmp_path / "down"))
    assert open(got, encoding="utf-8").read() == "content of " + name


def test_the_client_logs_folders(client, tmp_path):
    run = client.create_run(client.create_experiment(unique("folders"))).info.run_id
    (tmp_path / "tree" / "branch").mkdir(parents=True)
    (tmp_path / "tree" / "root.txt").write_text("root")
    (tmp_path / "tree" / "branch" / "leaf.bin").write_bytes(bytes(range(256)) * 1000)
    client.log_artifacts(run, str(tmp_path / "tree"))
    client.log_artifacts(run, str(tmp_path / "tree"), "copy")
    assert sorted((file.path, file.is_dir, file.file_size) for file in client.list_artifacts(run)) == [
        ("branch", True, None), ("copy", True, None), ("root.txt", False, 4)
    ]
    (tmp_path / "down").mkdir()
    got = client.download_artifacts(run, "", str(tmp_path / "down"))
    assert open(os.path.join(got, "copy", "branch", "leaf.bin"), "rb").read() == bytes(range(256)) * 1000
    assert open(os.path.join(got, "root.txt")).read() == "root"


def test_a_client_that_wants_parts_gets_its_file_there(client, api, tmp_path, monkeypatch):
    """Where the server cannot take parts it says 501, and the client sends the file whole."""
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 * 1024 * 1024))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 1024 * 1024))
    run = client.create_run(client.create_experiment(unique("parts"))).info.run_id
    content = os.urandom(12 * 1024 * 1024 + 7)
    (tmp_path / "big.bin").write_bytes(content)
    client.log_artifact(run, str(tmp_path / "big.bin"), "deep")
    assert [(file.path, file.file_size) for file in client.list_artifacts(run, "deep")] == [("deep/big.bin", len(content))]
    (tmp_path / "down").mkdir()
    got = client.download_artifacts(run, "deep/big.bin", str(tmp_path / "down"))
    assert hashlib.sha256(open(got, "rb").read()).digest() == hashlib.sha256(content).digest()


class TestParts:
    """An upload in parts, where the server says that it takes them."""

    @pytest.fixture(autouse=True)
    def only_where_taken(self, api, root):
        made = api.raw("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{root}", json={"path": "x.bin", "num_parts": 1})
        if made.status_code == 501:
            assert made.json()["error_code"] == "NOT_IMPLEMENTED"
            pytest.skip("the server takes no parts, and says so")
        assert made.status_code == 200

    def test_parts_become_one_file(self, api, base, root):
        pieces = [os.urandom(1_000_000), os.urandom(1_000_000), b"end"]
        made = api.call("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{root}/sub", {"path": "/tmp/local/big.bin", "num_parts": 3})
        assert [credential["part_number"] for credential in made["credentials"]] == [1, 2, 3]
        parts = []
        for credential, piece in list(zip(made["credentials"], pieces))[::-1]:
            url = urllib.parse.urljoin(base + "/", credential["url"])
            sent = api.session.put(url, data=piece, headers=credential.get("headers", {}))
            assert sent.status_code == 200, sent.text
            parts.append({"part_number": credential["part_number"], "etag": sent.headers["etag"], "url": credential["url"]})
        assert fetch(api, root, "sub/big.bin").status_code == 404
        body = {"path": "/tmp/local/big.bin", "upload_id": made["upload_id"], "parts": parts[::-1]}
        assert api.call("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{root}/sub", body) == {}
        assert fetch(api, root, "sub/big.bin").content == b"".join(pieces)

    def test_an_aborted_upload_leaves_nothing(self, api, root):
        made = api.call("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{root}", {"path": "gone.bin", "num_parts": 2})
        body = {"path": "gone.bin", "upload_id": made["upload_id"]}
        api.call("POST", f"/api/2.0/mlflow-artifacts/mpu/abort/{root}", body)
        again = api.raw("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{root}", json={**body, "parts": [{"part_number": 1, "etag": "x"}]})
        assert 400 <= again.status_code < 500
        assert fetch(api, root, "gone.bin").status_code == 404

    def test_bad_ones_are_refused(self, api, root):
        create = f"/api/2.0/mlflow-artifacts/mpu/create/{root}"
        for body in ({}, {"path": ""}, {"path": "x", "num_parts": 0}, {"path": "x", "num_parts": -1}, {"path": "x", "num_parts": "many"}, {"path": "x", "num_parts": 10**12}):
            answer = api.raw("POST", create, json=body)
            assert 400 <= answer.status_code < 500, (body, answer.status_code)
        for path in ("../..", "%2e%2e"):
            assert 400 <= api.raw("POST", f"{create}/{path}", json={"path": "x", "num_parts": 1}).status_code < 500
        answer = api.raw("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{root}", json={"path": "x", "upload_id": "never", "parts": [{"part_number": 1, "etag": "a"}]})
        assert 400 <= answer.status_code < 500
