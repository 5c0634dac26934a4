"""Where the server under test is, and what each test gets from it.

    MLFLOW_UNDER_TEST=http://127.0.0.1:7777 python -m pytest crates/remuda/tests/mlflow

Any server that speaks MLflow's protocol can be asked. Two markers tell apart what is asked of whom:
`beyond` is what remuda promises and MLflow's own server does not do (left out there); `client(VERSION)` needs that
client or a newer one.
"""

import os
import time
import warnings

# Before mlflow is imported: a 5xx fails at once instead of after four minutes of retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import requests

from speak import Speaker, unique


def pytest_addoption(parser):
    parser.addoption("--server", help="base URL of the server under test; else MLFLOW_UNDER_TEST")


def pytest_configure(config):
    config.addinivalue_line("markers", "beyond: remuda promises this, MLflow's own server does not do it")
    config.addinivalue_line("markers", "client(version): needs this version of the mlflow package or a newer one")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)


def address(config):
    named = config.getoption("--server") or os.environ.get("MLFLOW_UNDER_TEST")
    if not named:
        raise pytest.UsageError("name the server: MLFLOW_UNDER_TEST=http://127.0.0.1:PORT, or --server URL")
    return named.rstrip("/")


def pytest_collection_modifyitems(config, items):
    from packaging.version import Version

    base = address(config)
    wait_for(base)
    is_mlflow_itself = requests.get(base + "/api/v1/openapi.json", timeout=10).status_code != 200
    here = Version(installed())
    for item in items:
        if item.get_closest_marker("beyond") and is_mlflow_itself:
            item.add_marker(pytest.mark.skip(reason="MLflow's own server does not promise it"))
        asked = item.get_closest_marker("client")
        if asked and here < Version(asked.args[0]):
            item.add_marker(pytest.mark.skip(reason=f"needs mlflow {asked.args[0]}, here is {here}"))


def installed():
    from importlib.metadata import version

    return version("mlflow")


def pytest_report_header(config):
    return f"mlflow {installed()} against {address(config)}"


def wait_for(base):
    """A server that was started a moment ago may take its time."""
    until = time.monotonic() + 60
    while True:
        try:
            if requests.get(base + "/health", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        if time.monotonic() > until:
            raise pytest.UsageError(f"nothing answers at {base}/health")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def base(request):
    return address(request.config)


@pytest.fixture(scope="session")
def api(base):
    return Speaker(base)


@pytest.fixture
def experiment(api):
    return api.experiment()


@pytest.fixture
def run(api, experiment):
    return api.run(experiment)


@pytest.fixture
def client(base):
    """MLflow's own client, aimed at the server under test and at nothing else."""
    import mlflow

    mlflow.set_tracking_uri(base)
    mlflow.set_registry_uri(base)
    while mlflow.active_run():
        mlflow.end_run()
    yield mlflow.MlflowClient()
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def fluent(client):
    """The module `mlflow` with a fresh experiment set."""
    import mlflow

    mlflow.set_experiment(unique("script"))
    return mlflow
