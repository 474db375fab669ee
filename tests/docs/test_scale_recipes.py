"""The recipes of docs/scale.md do what they say, with stand-ins for what a test has not: ssh, srun, the AWS CLI."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pupline.local import LocalBackend
from pupline.tasks.bulk_limits import MAX_IMAGES_PER_RUN, MAX_MANIFEST_BYTES, BulkPlan
from tests.shared.sharded_world import World, sharded_world

pytestmark = [pytest.mark.slow, pytest.mark.long]

RECIPES = Path(__file__).parents[2] / "examples" / "scale"

STAND_INS = {
    # Commands of a cluster's job run on this node.
    "srun": 'exec "$@"',
    # A host is a directory.
    "ssh": 'cd "$HOSTS/$1" && exec bash -c "$2"',
    "rsync": """
while [ "${1#-}" != "$1" ]; do shift; done
place() { case $1 in *:*) echo "$HOSTS/${1%%:*}/${1#*:}" ;; *) echo "$1" ;; esac; }
from=$(place "$1") to=$(place "$2")
if [ -d "$from" ]; then rm -rf "$to"; mkdir -p "$to"; cp -a "$from/." "$to/"; else cp -a "$from" "$to"; fi
""",
    # s3://bucket/key is a file below a directory.
    "aws": """
[ "$1" = s3 ] && action=$2 && shift 2
while [ "${1#-}" != "$1" ]; do shift; done
from=${1/#s3:\\/\\//$S3/} to=${2/#s3:\\/\\//$S3/}
if [ "$action" = cp ]; then cp -p "$from" "$to"; elif [ -d "$from" ]; then mkdir -p "$to"; cp -a "$from/." "$to/"; fi
""",
}


class Cluster:
    """Stand-ins on the path, and a list on four hosts."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world
        programs = folder / "bin"
        programs.mkdir()
        for name, body in STAND_INS.items():
            (programs / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
            (programs / name).chmod(0o755)
        allowed = " ".join(f"--allow-origin {host.origin}" for host in world.hosts.values())
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "OPTIONS": f"{allowed} --workers 1", "TMPDIR": str(folder)}

    def run(self, recipe: str, *arguments: str | Path, **environment: str) -> None:
        """Run a recipe to its end. EXPECTED: its exit status, if not 0."""
        command = ["bash", RECIPES / recipe, *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == int(environment.get("EXPECTED", 0)), done.stderr

    def merge(self, *folders: Path) -> None:
        """Join the shards into `all`."""
        command = ["pupline", "merge", *map(str, folders), "--data", str(self.folder / "all")]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=60)

    def check(self, data: Path) -> None:
        """Each URL of the list is stored, or a duplicate, in one run."""
        with LocalBackend.open(data, exclusive=False) as backend:
            records = [one for one in backend.audit.records() if one.outcome != "refused"]
        assert sorted(str(one.source_url) for one in records) == sorted(self.world.urls)
        assert {one.outcome for one in records} <= {"stored", "duplicate"}
        assert all(host.images_asked.keys() <= host.bodies.keys() for host in self.world.hosts.values())
        assert {count for host in self.world.hosts.values() for count in host.images_asked.values()} == {1}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A world of its own."""
    with sharded_world(tmp_path) as world:
        yield Cluster(tmp_path, world)


def test_slurm(cluster: Cluster) -> None:
    """An array job whose first index is 0 or 1; a task that runs again continues and fetches nothing twice."""
    results = cluster.folder / "results"
    names = {"LIST": str(cluster.world.list), "RUN": "monday", "RESULTS": str(results), "SLURM_ARRAY_TASK_COUNT": "3"}
    for task in (0, 1, 2, 1):
        cluster.run("slurm.sh", SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_MIN="0", **names)
    cluster.merge(*(results / "monday").iterdir())
    cluster.check(cluster.folder / "all")
    assert not list(cluster.folder.glob("pupline-*"))


def test_aws_batch(cluster: Cluster) -> None:
    """A child of an array job, whose index begins at 0; its data directory is in S3 at the end."""
    bucket = cluster.folder / "s3" / "bucket"
    bucket.mkdir(parents=True)
    (bucket / "urls.txt").write_bytes(cluster.world.list.read_bytes())
    names = {"LIST": "s3://bucket/urls.txt", "RUN": "monday", "RESULTS": "s3://bucket/results"}
    names |= {"S3": str(cluster.folder / "s3"), "AWS_BATCH_JOB_ARRAY_SIZE": "3"}
    work = cluster.folder / "work"
    for index in (0, 1, 2, 2):
        work.mkdir()
        cluster.run("aws-batch.sh", AWS_BATCH_JOB_ARRAY_INDEX=str(index), WORK=str(work), **names)
        shutil.rmtree(work)  # another attempt is on another instance
    cluster.merge(*(bucket / "results" / "monday").iterdir())
    cluster.check(cluster.folder / "all")


def test_ssh(cluster: Cluster) -> None:
    """Machines that are reached by ssh; repeated, nothing is fetched twice."""
    hosts = cluster.folder / "hosts"
    for name in ("alpha", "beta"):
        (hosts / name).mkdir(parents=True)
    for _ in range(2):
        cluster.run("ssh.sh", cluster.world.list, "monday", "joined", "alpha", "beta", HOSTS=str(hosts))
    cluster.check(cluster.folder / "joined" / "all")


def test_parts(cluster: Cluster) -> None:
    """A list that is too large for one run through Step Functions; repeated, no part is fetched twice.

    An address that stands in two parts is fetched for each, and its image is stored once.
    """
    options = cluster.environment["OPTIONS"].removesuffix(" --workers 1").split()
    for _ in range(2):
        cluster.run("parts.sh", cluster.world.list, "big", *options, "--data", "all", PART="7", EXPECTED="1")
    with LocalBackend.open(cluster.folder / "all", exclusive=False) as backend:
        records = list(backend.audit.records())
        datasets = {key.split("/")[1] for key in backend.bucket().keys("datasets/")}
    fetched = sorted(str(one.source_url) for one in records if one.outcome != "refused")
    assert fetched == sorted([*cluster.world.urls, cluster.world.urls[0]])
    assert sum(sum(host.images_asked.values()) for host in cluster.world.hosts.values()) == len(fetched)
    runs = Counter(str(one.execution).rpartition("-")[0] for one in records)
    assert (runs, datasets) == ({"big-001": 7, "big-002": 7}, {"dogs"})


def test_a_part_is_what_one_run_takes() -> None:
    """The script's size, what the page says, and the limit that the command has; a batch's time is that of the page."""
    assert f"${{PART:-{MAX_IMAGES_PER_RUN}}}" in (RECIPES / "parts.sh").read_text()
    page = (RECIPES.parents[1] / "docs" / "scale.md").read_text()
    plan = BulkPlan(MAX_IMAGES_PER_RUN)
    assert f"| images | {MAX_IMAGES_PER_RUN:,} |" in page
    assert f"| manifest | {MAX_MANIFEST_BYTES // 10**9} GB |" in page
    assert f"a run of {plan.batches:,} batches takes {plan.summary_seconds:,.0f} seconds" in " ".join(page.split())
