"""Pulumi from package registries: the command, its Kubernetes provider, and its language host for Python.

No registry ships the `pulumi` command, but the Go module proxy has its source. The command and the provider are built
from `sandbox/modules/programs`, next to Kubernetes, which shares three quarters of the provider's packages. The
language host is `language_host.py`, on the Python SDK's own language server.

Two things in the provider's sources are changed (`sources`): without them it would not compile next to this command,
or would compile for a quarter of an hour.
"""

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox import golang
from sandbox.home import Home
from sandbox.lock import locked
from sandbox.report import Failure

_HERE = Path(__file__).resolve().parent
_COMMAND = "github.com/pulumi/pulumi/pkg/v3"
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_SDK = "github.com/pulumi/pulumi-kubernetes/sdk/v4"
_HOST = "pulumi-language-python"
_RESOURCE = "pulumi-resource-kubernetes"

PROVIDER_RELEASE = "4.34.2"
"""The version that the provider reports: that of `pulumi-kubernetes` in requirements.in, which asks for it. The module
proxy has no tag of the provider, only the commit in go.mod."""

# The engine's schema types have changed since the provider's commit.
_SCHEMA = ("pkg/gen/schema.go", "\t\tProvider: pschema.ResourceSpec{", "\t\tProvider: &pschema.ResourceSpec{")

# For components of other programs that read YAML: an object of any kind is registered without a typed class for it.
# The original imports a package for each kind and version, most of the compile time.
_KINDS = """\
package v2

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// IsListKind reports whether a kind is a list of objects.
func IsListKind(_, kind string) bool { return strings.HasSuffix(kind, "List") }

// RegisterResource registers an object of any kind by its type token.
func RegisterResource(ctx *pulumi.Context, apiVersion, kind, name string, props pulumi.Input,
	opts ...pulumi.ResourceOption) (pulumi.CustomResource, error) {
	if !strings.Contains(apiVersion, "/") {
		apiVersion = "core/" + apiVersion
	}
	var res pulumi.CustomResourceState
	if err := ctx.RegisterResource("kubernetes:"+apiVersion+":"+kind, name, props, &res, opts...); err != nil {
		return nil, err
	}
	return &res, nil
}
"""


@dataclass(frozen=True)
class _PulumiModule(golang.Module):
    """The command and the provider. Their folder also gets the language host: the command looks for it there."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The module's files, and what this package adds."""
        return (*super().inputs, *sorted(_HERE.glob("*.py")))

    @property
    def commands(self) -> tuple[str, ...]:
        """Not the provider: Pulumi warns of a plugin that it finds on PATH."""
        return ("pulumi",)

    def sources(self, go: str, work: Path) -> Path:
        """A copy of the module in which the provider and its SDK are folders, with the changes above.

        Raises:
            Failure: they cannot be had, or are not what the changes were written for.
        """
        folder = work / "module"
        shutil.copytree(self.folder, folder)
        provider, sdk = _modules(go, folder, _PROVIDER, _SDK)
        for part in ("cmd/pulumi-resource-kubernetes", "pkg", "go.mod"):
            _copy(provider / part, folder / "provider" / part)
        for part in ("go.mod", *(path.name for path in (sdk / "go/kubernetes").iterdir() if path.is_file())):
            place = part if part == "go.mod" else f"go/kubernetes/{part}"
            _copy(sdk / place, folder / "sdk" / place)
        for part in ("yaml/v2", "helm/v4", "utilities"):
            _copy(sdk / "go/kubernetes" / part, folder / "sdk/go/kubernetes" / part)
        (folder / "sdk/go/kubernetes/yaml/v2/kinds.go").write_text(_KINDS)
        name, before, after = _SCHEMA
        text = (folder / "provider" / name).read_text()
        if before not in text:
            raise Failure(f"{_PROVIDER}: {name} is not what sandbox/engine was written for")
        (folder / "provider" / name).write_text(text.replace(before, after))
        _embed(folder / "provider/cmd/pulumi-resource-kubernetes")
        replaced = (f"-replace={_PROVIDER}=./provider", f"-replace={_SDK}=./sdk")
        _go(go, folder, "mod", "edit", *replaced)
        return folder

    def finish(self, programs: Path) -> None:
        """Adds the language host."""
        shutil.copy(_HERE / "language_host.py", programs / _HOST)
        (programs / _HOST).chmod(0o755)


PULUMI = _PulumiModule(
    "pulumi",
    _COMMAND,
    {"pulumi": f"{_COMMAND}/cmd/pulumi", _RESOURCE: f"{_PROVIDER}/cmd/pulumi-resource-kubernetes"},
    variables={
        "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "{release}",
        f"{_PROVIDER}/pkg/version.Version": PROVIDER_RELEASE,
    },
    shared="programs",
)
"""The command, `$FLINK_K8S_HOME/bin/pulumi`, with its provider and language host next to it."""


def build(home: Home) -> Path:
    """Builds what is missing; returns the command's path.

    Raises:
        Failure: the sources cannot be had or do not compile.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with locked(home.lock, "build Pulumi"):
        install(home)
    return home.bin / "pulumi"


def is_built(home: Home) -> bool:
    """Whether the command was built before, by this version of the sandbox or another one."""
    return (home.bin / "pulumi").is_symlink()


def install(home: Home) -> None:
    """Builds what is missing, and installs the provider as Pulumi's plugin; the caller holds the build lock.

    A provider of that version that Pulumi has installed itself stays.

    Raises:
        Failure: the sources cannot be had or do not compile.
    """
    golang.build(home, (PULUMI,))
    pulumi_home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    plugin = pulumi_home / "plugins" / f"resource-kubernetes-v{PROVIDER_RELEASE}" / _RESOURCE
    plugin.parent.mkdir(parents=True, exist_ok=True)
    if plugin.is_symlink() or not plugin.exists():
        golang.link(plugin, str(PULUMI.program(home, _RESOURCE)))


def environment(home: Home) -> dict[str, str]:
    """What to export to type `pulumi` by hand: the programs, and the state of the stacks that `make` uses.

    Makes that state's folder and passphrase if `make` has not done so yet.
    """
    state = Path(os.environ.get("FLINK_K8S_STATE") or Path.home() / ".local" / "state" / "flink-k8s")
    state.mkdir(parents=True, exist_ok=True)
    passphrase = state / "passphrase"
    if not passphrase.exists():
        passphrase.touch(mode=0o600)
        passphrase.write_text(secrets.token_urlsafe(32))
    path = [str(home.bin), *(part for part in os.environ["PATH"].split(os.pathsep) if part != str(home.bin))]
    return {
        "PATH": os.pathsep.join(path),
        "KUBECONFIG": os.environ.get("KUBECONFIG") or str(home.kubeconfig),
        "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL") or f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE") or str(passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _modules(go: str, folder: Path, *modules: str) -> list[Path]:
    """Where Go has the sources of modules, downloaded and compared with go.sum."""
    text = _go(go, folder, "mod", "download", "-json", *modules)
    decoder, folders = json.JSONDecoder(), dict[str, Path]()
    while text := text.lstrip():
        module, end = decoder.raw_decode(text)
        folders[module["Path"]] = Path(module["Dir"])
        text = text[end:]
    return [folders[module] for module in modules]


def _embed(command: Path) -> None:
    """Writes the files that the provider's command embeds, as its own build does."""
    schema = json.loads((command / "schema.json").read_text())
    schema["version"] = PROVIDER_RELEASE
    (command / "schema-embed.json").write_text(json.dumps(schema))
    _copy(command / "terraform-mapping.json", command / "terraform-mapping-embed.json")


def _copy(source: Path, target: Path) -> None:
    """Copies a file or folder of Go's module cache, which is not writable, to a place where it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, target)
        return
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _go(go: str, folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [go, *arguments], cwd=folder, env=golang.environment(), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        raise Failure(f"go {' '.join(arguments)}: {(result.stderr or result.stdout).strip()}")
    return result.stdout
