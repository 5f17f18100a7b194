"""Real Spark, a standalone master and two workers: the same answers as DuckDB and pandas."""

import os
import shutil
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from types import SimpleNamespace

import pandas as pd
import pytest
from cluster import QUICK, busy, cluster, executors
from pandas.testing import assert_frame_equal

import collabnet as cn
from collabnet import cli, engine, schema
from conftest import ROOT

pytestmark = [pytest.mark.spark, pytest.mark.slow]
LIEGE = "00afp2z80"
EDGES = [
    ("work", "institution", "full"),
    ("work", "institution", "fractional"),
    ("work", "country", "full"),
    ("work", "country", "fractional"),
    ("work", "person", "fractional"),
    ("work", "region", "full"),
    ("agreement", "institution", "full"),
    ("agreement", "institution", "fractional"),
    ("agreement", "country", "full"),
]
TABLES = {
    "output": lambda records: cn.output(records, count="fractional").sort_values("unit"),
    "collaboration": lambda records: cn.collaboration(records, level="country"),
    "behind": lambda records: cn.behind(records, ("BE", "FR"), level="country"),
    "flows": cn.flows,
    "intervals": lambda records: cn.partner_intervals(records, LIEGE, count="fractional"),
    "shares": lambda records: cn.share_intervals(records, LIEGE),
    "trend": lambda records: cn.trend(records, LIEGE, by="cumulative", level="region"),
    "years": lambda records: cn.edges(records, "agreement", years=(2015, 2020)),
}


def submit(**more):
    """Return what is handed to Spark: Java that starts quickly, and `more`."""
    java = {f"spark.{who}.extraJavaOptions": QUICK for who in ("driver", "executor")}
    given = {**java, **more}.items()
    return " ".join([*(f'--conf "{name}={value}"' for name, value in given), "pyspark-shell"])


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Run the cluster; skip where there is no PySpark or no Java, but never in CI without Java."""
    if not find_spec("pyspark"):
        pytest.skip("needs PySpark: make test-spark installs it and runs these tests")
    if not shutil.which("java"):
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("needs Java; on Debian or Ubuntu: apt-get install openjdk-17-jre-headless")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", submit())
        # No Python runs on the workers: they need not have any.
        patch.setitem(engine.LOOPBACK, "spark.pyspark.python", "/no/python")
        patch.setitem(engine.LOOPBACK, "spark.sql.shuffle.partitions", "2")
        with cluster(tmp_path_factory.mktemp("cluster")) as started:
            yield started


@pytest.fixture(scope="module")
def session(running):
    """Return a session on the cluster: the one the commands run in this process find too."""
    session = engine.spark_session(running.master)
    yield session
    session.stop()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store of the shipped data, in a folder whose name means something to Spark."""
    folder = tmp_path_factory.mktemp("shipped") / "a [1] {store}*"
    cn.ingest([ROOT / "data"], folder)
    return folder


@pytest.fixture(scope="module")
def here(store):
    """Return the store on DuckDB."""
    return cn.read(store)


@pytest.fixture(scope="module")
def corpus(store, here):
    """Return the store, and what it holds on DuckDB and in pandas."""
    tables = {name: getattr(here, name) for name in schema.TABLES}
    return store, here, cn.Records(tables)


@pytest.fixture(scope="module")
def there(store, session):
    """Return the store on Spark."""
    return cn.read(store, session=session)


def alike(one, other):
    """Check that two tables are equal, but for the last bits of sums and the types of columns."""
    assert one.columns.tolist() == other.columns.tolist()
    tables = [table.reset_index(drop=True) for table in (one, other)]
    assert_frame_equal(*tables, check_dtype=False, rtol=1e-9, atol=0)


def command(capsys, *arguments):
    """Run a command that must succeed and return what it prints."""
    code = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("asked", EDGES, ids="-".join)
def test_edges_of_the_command_on_a_cluster_are_those_of_duckdb_and_pandas(
    corpus, running, tmp_path, capsys, asked
):
    store, *others = corpus
    kind, level, count = asked
    out = tmp_path / "edges.parquet"
    options = ("--kind", kind, "--level", level, "--count", count, "--out", out)
    command(capsys, "edges", store, "--engine", "spark", "--master", running.master, *options)
    table = pd.read_parquet(out)
    assert len(table)
    for records in others:
        alike(table, cn.edges(records, kind, level=level, count=count))


@pytest.mark.usefixtures("session")
def test_partners_of_the_command_on_a_cluster_are_those_of_duckdb(running, store, capsys):
    said = [
        command(capsys, "partners", store, "--kind", "agreement", *options)
        for options in ([], ["--engine", "spark", "--master", running.master])
    ]
    assert said[0] == said[1]
    assert "partners in" in said[0]


@pytest.mark.parametrize("name", TABLES)
def test_other_tables_on_a_cluster_are_those_of_duckdb(here, there, name):
    alike(TABLES[name](there), TABLES[name](here))


def test_a_store_on_spark_tells_the_counts_of_the_store(here, there):
    assert repr(there) == repr(here)


def test_a_store_without_any_row_gives_an_empty_table_on_spark(session, tmp_path):
    records = cn.read(cn.write_store(cn.Records({}), tmp_path / "store"), session=session)
    for level in ("institution", "region"):
        assert len(cn.edges(records, level=level)) == 0


def test_settled_tables_are_kept_until_they_are_released(session, there):
    held = session.sparkContext._jsc.getPersistentRDDs
    frame = engine.settle(there.lazy("activities").select("kind"))
    assert len(engine.collect(frame)) == there.lazy("activities").collect().shape[0]
    assert held().size() == 1
    engine.release(frame)
    assert held().size() == 0
    cn.edges(there, "agreement")
    assert held().size() == 0


def test_a_worker_killed_in_the_middle_of_a_job_changes_nothing(
    running, session, here, there, monkeypatch
):
    until = time.monotonic() + 60
    while executors(session) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert executors(session) == 2
    struck, persist = [], engine.settle

    def strike():
        while not busy(session) and time.monotonic() < until:
            time.sleep(0.005)
        running.kill(running.workers[0])
        struck.append(executors(session))

    other = threading.Thread(target=strike)

    def settle(frame):
        """Hold what was asked for, and stop a worker: its tasks cannot end before its death."""
        settled = persist(frame)
        if not other.ident:
            assert len(engine.collect(settled)) > 0
            running.stop(running.workers[0])
            other.start()
        return settled

    monkeypatch.setattr(engine, "settle", settle)
    table = cn.edges(there, level="country", count="fractional")
    finished = time.monotonic()
    assert struck, "the job was over before the worker was killed"
    other.join()
    assert finished < until
    assert executors(session) == 1
    alike(table, cn.edges(here, level="country", count="fractional"))
    running.add_worker()


def test_the_commands_of_the_guide_run(running, session, store, tmp_path, monkeypatch):
    guide = (ROOT / "docs" / "how-to" / "cluster.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "store").symlink_to(store)
    lines = [line for line in guide.splitlines() if line.startswith("collabnet ")]
    at = [line.replace("spark://127.0.0.1:7077", running.master) for line in lines]
    at = [line.replace("--master local[2]", f"--master {running.master}") for line in at]
    for line in at:
        assert cli.main(line.split()[1:]) == 0, line
    assert len(lines) >= 3
    code = "".join(part.split("```")[0] for part in guide.split("```python\n")[1:])
    exec(compile(code.replace("spark://127.0.0.1:7077", running.master), "guide", "exec"), {})  # noqa: S102
    assert session.sparkContext.master == running.master


# --- what goes wrong --------------------------------------------------------------------------


def test_a_table_that_vanishes_is_told_in_one_sentence(store, session, tmp_path):
    copy = shutil.copytree(store, tmp_path / "store")
    records = cn.read(copy, session=session)
    (copy / "participants.parquet").unlink()
    with pytest.raises(cn.CollabnetError, match=r"cannot be computed: .*cluster\.md") as caught:
        cn.edges(records)
    assert "\n" not in str(caught.value)


def test_a_damaged_table_is_told_in_one_sentence(store, session, tmp_path):
    copy = shutil.copytree(store, tmp_path / "store")
    (copy / "fields.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(cn.StoreError, match=r"fields\.parquet: damaged"):
        cn.read(copy, session=session)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_however_a_table_is_damaged_it_is_named(store, session, tmp_path, raw):
    copy = shutil.copytree(store, tmp_path / "store")
    (copy / "fields.parquet").write_bytes(raw)
    with pytest.raises(cn.StoreError, match=r"fields\.parquet: damaged"):
        cn.read(copy, session=session)


@pytest.mark.usefixtures("running")
def test_a_failure_of_spark_is_not_taken_for_a_damaged_table(store):
    from py4j.protocol import Py4JNetworkError

    def parquet(_):
        raise Py4JNetworkError("Answer from Java side is empty")

    with pytest.raises(cn.CollabnetError, match=r"cannot be opened: Answer from Java side") as told:
        cn.read(store, session=SimpleNamespace(read=SimpleNamespace(parquet=parquet)))
    assert not isinstance(told.value, cn.StoreError)


def test_a_folder_that_is_no_store_is_told_on_spark_too(session, tmp_path):
    with pytest.raises(cn.StoreError, match="no store here"):
        cn.read(tmp_path, session=session)


def test_a_second_master_in_one_process_is_refused(session):
    with pytest.raises(cn.CollabnetError, match=rf"runs on {session.sparkContext.master} already"):
        engine.spark_session("local[2]")


@pytest.mark.parametrize(
    "master", ["spark://127.0.0.1:1", "spark://127.0.0.1:99999", "spark://127.0.0.1", "spark:"]
)
@pytest.mark.usefixtures("running")
def test_a_master_that_does_not_answer_is_told_at_once(store, capsys, master):
    started = time.monotonic()
    assert cli.main(["edges", str(store), "--engine", "spark", "--master", master]) == 2
    assert f"{master}: no Spark master answers there" in capsys.readouterr().err
    assert time.monotonic() - started < 20


@pytest.mark.usefixtures("running")
def test_spark_without_java_says_what_to_install(monkeypatch):
    for name, place in (("JAVA_HOME", "/no/java"), ("PATH", "/nowhere")):
        monkeypatch.setenv(name, place)
        with pytest.raises(cn.CollabnetError, match=r"in /no/java\. Install it .*apt-get"):
            engine.spark_session()
    monkeypatch.delenv("JAVA_HOME")
    with pytest.raises(cn.CollabnetError, match="there is none in PATH"):
        engine.spark_session()


def in_a_process(lines, **environment):
    """Run Python lines in a process of their own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "from collabnet import engine\n" + lines],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_workers_too_small_for_an_executor_are_told(running):
    greedy = submit(**{"spark.executor.memory": "3g"})
    lines = f"engine.PATIENCE = 1\nengine.spark_session({running.master!r})"
    done = in_a_process(lines, PYSPARK_SUBMIT_ARGS=greedy)
    assert "no worker with a core and memory (1g) is free" in done.stderr


@pytest.mark.usefixtures("running")
def test_a_master_of_no_known_kind_is_told_in_one_sentence():
    done = in_a_process("engine.spark_session('nowhere')")
    assert "CollabnetError: Spark does not start on nowhere: " in done.stderr
