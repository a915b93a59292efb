"""`grade batch --dask`: a real cluster of two processes, one of which dies on the way, gives what one machine gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from batch_kit import EXERCISE, a_class, stripped
from kit import solution

GRADE = [sys.executable, "-P", "-m", "grader", "batch"]

# dask's own warnings are not ours, and its processes are not pytest's: a cluster is a process of its own.
CLUSTER = """
import json, os, sys
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    pids = [worker.process.pid for worker in cluster.workers.values()]
    print(json.dumps([cluster.scheduler_address, *pids]), flush=True)
    sys.stdin.read()
    cluster.close()
"""


@pytest.fixture
def cluster(tmp_path):
    """(address, the worker processes)."""
    import json

    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    running = subprocess.Popen(
        [sys.executable, "-P", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=tmp_path,
    )  # fmt: skip
    assert running.stdout is not None
    address, *pids = json.loads(running.stdout.readline())
    yield address, pids
    running.communicate(timeout=60)


def test_a_cluster_that_loses_a_worker_gives_what_this_machine_gives(cluster, tmp_path):
    address, pids = cluster
    folder = a_class(tmp_path / "class", *(f"right{number}" for number in range(5)))
    wrong = solution(EXERCISE).replace("return room // stride + 1", "return room // stride + 2", 1)
    for name, text in {"wrong": wrong, "exits": "import os\nos._exit(0)\n", "text": "no Python"}.items():
        (folder / name).mkdir()
        (folder / name / f"{EXERCISE}.py").write_text(text)

    def kill_one() -> None:
        ends = time.monotonic() + 120
        while not list((tmp_path / "there" / "results").glob("*.json")) and time.monotonic() < ends:
            time.sleep(0.02)
        os.kill(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    options = ["--only", "ex03::conv_output_size"]
    there = subprocess.run(
        [*GRADE, str(folder), "--out", str(tmp_path / "there"), *options, "--dask", address],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    killer.join()
    here = subprocess.run(
        [*GRADE, str(folder), "--out", str(tmp_path / "here"), *options],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert (there.returncode, here.returncode) == (0, 0), there.stdout + there.stderr
    assert "8 graded" in there.stdout
    assert stripped(tmp_path / "there") == stripped(tmp_path / "here")
    grades = Path("grades.csv")
    assert (tmp_path / "there" / grades).read_text() == (tmp_path / "here" / grades).read_text()


def test_a_scheduler_that_is_not_there_is_said(tmp_path, monkeypatch):
    from grader.batch import cluster
    from grader.batch.run import setup_of
    from grader.errors import UsageError

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(UsageError, match="no scheduler answers"):
        cluster.Cluster("tcp://127.0.0.1:1", setup_of({}, "cpu", None)).__enter__()


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1", "http://127.0.0.1:8786"])
def test_what_is_no_address_is_said_at_once(address):
    from grader.batch import cluster
    from grader.batch.run import setup_of
    from grader.errors import UsageError

    made = cluster.Cluster(address, setup_of({}, "cpu", None))
    with pytest.raises(UsageError, match="no scheduler answers there"):
        made.__enter__()
    assert made._client is None


class Client:
    """Of a cluster with these workers: address -> the mark of its grader."""

    status = "running"

    def __init__(self, **marks):
        self.marks = marks

    def nthreads(self):
        return dict.fromkeys(self.marks, 1)

    def run(self, function, on_error):
        return self.marks

    def submit(self, *work, **options):
        self.status = "closed"
        raise RuntimeError("the client is closed")


def with_client(client, **options):
    from grader.batch import cluster
    from grader.batch.run import setup_of

    return cluster.Cluster("tcp://here:1", setup_of({}, "cpu", None), _client=client, **options)


def test_workers_with_another_grader_are_named_before_anything_is_graded():
    from grader.errors import UsageError

    own = with_client(None)._mark
    with pytest.raises(UsageError, match="b, c of 3 workers have another grader"):
        with_client(Client(a=own, b="another", c=ImportError("grader"))).rehearse()


def test_a_cluster_without_a_worker_is_waited_for_and_can_be_stopped():
    said = []
    with pytest.raises(KeyboardInterrupt):
        with_client(Client(), stopping=lambda: True, say=said.append).rehearse()

    assert said == ["The cluster at tcp://here:1 has no worker yet; waiting for one."]


def test_a_scheduler_that_goes_takes_no_grade_along():
    from grader.batch.parcel import Parcel
    from grader.errors import UsageError

    client = Client()
    client.marks["a"] = with_client(None)._mark
    client.loop = object()
    made = with_client(client)
    with pytest.raises(UsageError, match="the scheduler has gone; what was graded is kept"):
        made.rehearse()
    client.status = "running"
    with pytest.raises(UsageError, match="the scheduler has gone"):
        next(made.run(iter([Parcel("ada", "", {})])))


def test_a_worker_with_another_grader_gives_no_grade():
    from grader.batch import cluster, parcel
    from grader.batch.parcel import Parcel, packed
    from grader.batch.run import setup_of

    setup = packed(setup_of({}, "cpu", None))
    told = parcel.graded(cluster.grade_there(setup, packed(Parcel("a", "", {})), "another"))

    assert "another grader" in told.fault
    assert "another grader" in cluster.rehearse_there(setup, "another")
