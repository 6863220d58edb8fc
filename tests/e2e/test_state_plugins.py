"""Each of Flink's file system plugins, with the configuration and the pods' environment that the program derives from
`stateStorage`: a checkpoint is written to a server of that protocol, the Flink is killed, another one goes on from it.

The Flink is one on this machine without Kubernetes (`flink run --target local`), so without high availability; the
plugins are the jars of 2.3.0, the newest version of which all of them are published. What no server here can show is
described in docs/state.md.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import read_config
from flink_k8s.operations.pyflink import PyFlink, pyflink
from flink_k8s.snapshots import listing
from flink_k8s.snapshots.listing import LISTING, Listing, read_listing
from flink_k8s.store.run import rows_of
from sandbox.home import home as sandbox_home
from sandbox.images.pyflink import plugins
from tests.e2e import storage_servers as servers
from tests.e2e.running_totals import JOB
from tests.e2e.storage_servers import BUCKET
from tests.e2e.totals import Audit, audit
from tests.project import ROOT
from tests.waiting import until

pytestmark = pytest.mark.full

FLINK = "2.3.0"
_OF_CLUSTERS = ("kubernetes.", "high-availability", "metrics.")


@dataclass(frozen=True)
class Storage:
    """A store that answers.

    Attributes:
        settings: the key `stateStorage` for it.
        secrets: values of the Secrets that it names, by Secret and key.
        configuration: what the stand-in needs beyond what a real store would.
        output: where the sink writes to; None for a folder.
        read: gives the output's lines from there.
    """

    settings: dict[str, object]
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    configuration: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    read: Callable[[], Iterable[str]] | None = None


@contextmanager
def s3(scheme: str, folder: Path) -> Generator[Storage]:
    """moto."""
    port = servers.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with servers.serving([*servers.moto(), "--host", "127.0.0.1", "--port", str(port)], port, folder / "server.log"):
        servers.ask(f"{endpoint}/{BUCKET}", method="PUT")

        def read() -> Iterable[str]:
            for key in servers.s3_keys(endpoint, "out/"):
                if key.rpartition("/")[2].startswith(JOB):
                    yield from servers.ask(f"{endpoint}/{BUCKET}/{key}").decode().splitlines()

        keys = {"accessKey": {"secret": "s3", "key": "id"}, "secretKey": {"secret": "s3", "key": "secret"}}
        yield Storage(
            {"type": "s3", "uri": f"{scheme}://{BUCKET}/jobs", "endpoint": endpoint, "credentials": keys},
            secrets={("s3", "id"): "minio", ("s3", "secret"): "minio123"},
            # Hadoop's writes what an exactly-once sink needs, Presto's does not.
            output=f"s3a://{BUCKET}/out" if scheme == "s3a" else None,
            read=read if scheme == "s3a" else None,
        )


@contextmanager
def gcs(folder: Path) -> Generator[Storage]:
    """fake-gcs-server, and a server that gives tokens for the service account's key."""
    port = servers.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    listen = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    listen += ["-external-url", endpoint, "-public-host", f"127.0.0.1:{port}"]
    with (
        servers.serving([*servers.fake_gcs(), *listen], port, folder / "server.log"),
        servers.token_server() as tokens,
    ):
        servers.ask(f"{endpoint}/storage/v1/b?project=p", method="POST", body=json.dumps({"name": BUCKET}).encode())
        generate = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        private = subprocess.run(generate, capture_output=True, text=True, check=True).stdout
        account = {"type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": private}
        account |= {"client_email": "flink@p.example.org", "client_id": "1", "token_uri": tokens}
        yield Storage(
            {
                "type": "gcs",
                "uri": f"gs://{BUCKET}/jobs",
                "endpoint": f"{endpoint}/",
                "credentials": {"serviceAccountKey": {"secret": "gcs", "key": "key"}},
            },
            secrets={("gcs", "key"): json.dumps(account)},
            # The plugin requests tokens from Google's server, whatever the key file specifies.
            configuration={"gs.token.server.url": tokens},
        )


@contextmanager
def azure(folder: Path) -> Generator[Storage]:
    """Azurite, by the older of the plugin's two protocols: it does not speak that of abfs.

    The plugin looks for the emulator's account on this machine, with the key of every emulator.
    """
    port, account = servers.AZURITE_PORT, "devstoreaccount1.blob.core.windows.net"
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck"]
    with servers.serving([*servers.azurite(), *options, "--loose"], port, folder / "server.log"):
        yield Storage(
            {
                "type": "azure",
                "uri": f"wasb://{BUCKET}@{account}/jobs",
                "credentials": {"accountKey": {"secret": "azure", "key": "key"}},
            },
            secrets={("azure", "key"): "not asked for"},
            configuration={"fs.azure.storage.emulator.account.name": account},
        )


STORAGES: dict[str, Callable[[Path], Any]] = {
    "s3p": lambda folder: s3("s3p", folder),
    "s3a": lambda folder: s3("s3a", folder),
    "gcs": gcs,
    "azure": azure,
}


@pytest.fixture(scope="module")
def flink() -> PyFlink:
    return pyflink("v2_3")


@pytest.fixture(scope="module")
def jars() -> Path:
    """A folder with the plugins' jars, as an image has them in opt/."""
    return plugins.jars(sandbox_home(), FLINK)


def spec_of(folder: Path, storage: Storage) -> dict[str, Any]:
    """The spec of the job in a stack with that storage."""
    (folder / "jobs").mkdir(parents=True)
    shutil.copy(ROOT / "jobs" / "running_totals.yaml", folder / "jobs")
    job = {"enabled": True, "flinkVersion": "v2_3", "flinkConfiguration": {"execution.checkpointing.interval": "1 s"}}
    parameters = {"output": "/tmp/out"}  # the job mounts no claim; `LocalFlink` has its own output
    config = {"context": "c", "stateStorage": storage.settings, "jobs": {JOB: {**job, "parameters": parameters}}}
    stack = {"config": {f"flink-k8s:{key}": value for key, value in config.items()}}
    (folder / "Pulumi.x.yaml").write_text(yaml.safe_dump(stack))
    [declared] = load(folder, read_config(folder, "x")).jobs
    return cast(dict[str, Any], declared.spec)


class LocalFlink:
    """The job's program in a Flink of this machine, with the configuration and environment of its pods."""

    def __init__(self, flink: PyFlink, jars: Path, folder: Path, storage: Storage) -> None:
        spec = spec_of(folder / "project", storage)
        self.folder = folder
        self.flink = flink
        configuration = {
            key: value for key, value in spec["flinkConfiguration"].items() if not key.startswith(_OF_CLUSTERS)
        }
        self.checkpoints = configuration["execution.checkpointing.dir"]
        shipped = flink.distribution / "conf"
        shutil.copytree(shipped, folder / "conf")
        options = _flat(yaml.safe_load((shipped / "config.yaml").read_text()))
        options |= {**configuration, **storage.configuration}
        self.options = options
        (folder / "conf" / "config.yaml").write_text(yaml.safe_dump(options))
        self.environment = self._environment(spec, jars, storage)
        self.output = storage.output or str(folder / "out")
        self.read = storage.read or (
            lambda: [line for path in (folder / "out").glob(f"{JOB}-*") for line in path.read_text().splitlines()]
        )

    def _environment(self, spec: dict[str, Any], jars: Path, storage: Storage) -> dict[str, str]:
        template = spec["podTemplate"]["spec"]
        [container] = [container for container in template["containers"] if container["name"] == "flink-main-container"]
        settings: dict[str, str] = {}
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            settings[variable["name"]] = storage.secrets[source["name"], source["key"]] if source else variable["value"]
        # What kubelet does with the Secret's volume.
        mounts = {mount["name"]: Path(mount["mountPath"]) for mount in container.get("volumeMounts", [])}
        for volume in template.get("volumes", []):
            secret = volume["secret"]
            for item in secret["items"]:
                inside = mounts[volume["name"]] / item["path"]
                outside = self.folder / "secret"
                outside.write_text(storage.secrets[secret["secretName"], item["key"]])
                settings = {name: str(outside) if value == str(inside) else value for name, value in settings.items()}
        # What the image's entry point does with the variable.
        for jar in settings.pop("ENABLE_BUILT_IN_PLUGINS").split(";"):
            plugin = self.folder / "plugins" / jar.removesuffix(".jar")
            plugin.mkdir(parents=True)
            (plugin / jar).symlink_to(jars / jar)
        return {
            **os.environ,
            **settings,
            "PATH": f"{self.flink.python.parent}{os.pathsep}{os.environ['PATH']}",
            "FLINK_CONF_DIR": str(self.folder / "conf"),
            "FLINK_PLUGINS_DIR": str(self.folder / "plugins"),
            "FLINK_LOG_DIR": str(self.folder / "log"),
            # A machine of a cloud would be asked for its keys, and there is none here to answer.
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @contextmanager
    def running(self, start_from: str = "") -> Generator[subprocess.Popen[bytes]]:
        """The running job; at the end, all processes of Flink are killed, so nothing is cleaned up."""
        shutil.rmtree(self.folder / "log", ignore_errors=True)
        (self.folder / "log").mkdir()
        arguments: list[str | Path] = [self.flink.distribution / "bin" / "flink", "run", "--target", "local"]
        if start_from:
            arguments += ["--fromSavepoint", start_from]
        arguments += ["-pyclientexec", self.flink.python]
        arguments += ["-py", ROOT / "jobs/pyflink/src/running_totals.py", "--output", self.output]
        with (self.folder / "run.log").open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in arguments],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def log(self) -> str:
        """What Flink has written down in this run."""
        return "\n".join(path.read_text(errors="replace") for path in (self.folder / "log").glob("*.log"))

    def completed(self) -> str | None:
        """Where the newest complete checkpoint of this run is."""
        actual = re.findall(r"Completed checkpoint (\d+) for job ([0-9a-f]+)", self.log())
        return f"{self.checkpoints}/{actual[-1][1]}/chk-{actual[-1][0]}" if actual else None

    def listed(self) -> Listing:
        """The job's checkpoint directory as the pod of `make savepoints` lists it, with the same plugin and keys."""
        classes = f"{Path(listing.__file__).parent}{os.pathsep}{self.flink.distribution}/lib/*"
        configuration = "\n".join(f"{key}={value}" for key, value in self.options.items())
        result = subprocess.run(
            ["java", "-cp", classes, "ListSnapshots", self.checkpoints],
            env={**self.environment, "FLINK_K8S_CONFIGURATION": configuration},
            capture_output=True,
            text=True,
            check=False,
        )
        return read_listing(rows_of(result.stdout + result.stderr, LISTING))

    def exact(self, process: subprocess.Popen[bytes], *, beyond: int) -> Audit:
        """The output when it is exact and goes so far."""

        def look() -> Audit | None:
            assert process.poll() is None, (self.folder / "run.log").read_text()[-3000:] + self.log()[-3000:]
            actual = audit(self.read())
            return actual if actual.is_exact and actual.highest > beyond else None

        try:
            return until(f"an exact output beyond {beyond}", look, seconds=180)
        except AssertionError as error:
            raise AssertionError(f"{error}; {audit(self.read())}\n{self.log()[-5000:]}") from None


def _flat(mapping: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, dict):
            flat |= _flat(cast(dict[str, Any], value), f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat


@pytest.mark.parametrize("name", STORAGES)
def test_a_checkpoint_is_written_and_restored(name: str, flink: PyFlink, jars: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        storage: Storage = stack.enter_context(STORAGES[name](tmp_path))
        job = LocalFlink(flink, jars, tmp_path, storage)
        scheme = str(storage.settings["uri"]).partition(":")[0]
        assert job.checkpoints.startswith(f"{scheme}://")
        with job.running() as process:
            first = job.exact(process, beyond=200)
            checkpoint = until("a checkpoint", job.completed)
        listing = job.listed()
        assert listing.directories == (job.checkpoints,), listing.problems
        assert checkpoint in [snapshot.path for snapshot in listing.snapshots]
        with job.running(checkpoint) as process:
            second = job.exact(process, beyond=first.highest + 300)
        assert re.search(r"Restoring job [0-9a-f]+ from ", job.log())
        print(f"{name}: {first}; from {checkpoint}: {second}")
