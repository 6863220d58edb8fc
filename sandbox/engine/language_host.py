#!/usr/bin/env python3
"""`pulumi-language-python`: runs a project's `__main__.py` for Pulumi's engine, in the project's virtual environment.

Pulumi's own host is a Go program that no registry ships; the Python SDK has the larger part of it, the server of inline
programs (`pulumi.automation`). This is that server with the calls that a project on disk needs in addition. What it
leaves out: it installs no packages (`pulumi install`), lists none (`pulumi about`), and attaches no debugger.

The engine starts it in the project's folder, reads the port from the first line that it prints, and ends it by a signal
at the end of a run.
"""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent import futures
from pathlib import Path
from typing import Any

_MAX_BYTES = 400 * 1024 * 1024
"""Of one message, as in Pulumi's own host."""


def interpreter(folder: Path, virtualenv: str) -> str:
    """The Python of a project's virtual environment; this one if the project has none.

    Args:
        folder: the project's.
        virtualenv: relative to it; empty for none.
    """
    python = folder / virtualenv / "bin" / "python"
    return str(python) if virtualenv and python.exists() else sys.executable


def virtualenv_of(folder: Path) -> str:
    """`runtime.options.virtualenv` of the project that a folder is in; empty if it names none."""
    for parent in (folder, *folder.parents):
        project = parent / "Pulumi.yaml"
        if project.exists():
            match = re.search(r"^\s+virtualenv:\s*[\"']?([^\s\"'#]+)", project.read_text(), re.M)
            return str(parent / match[1]) if match else ""
    return ""


def serve(engine: str) -> None:
    """Serves until a signal ends it.

    Args:
        engine: the engine's address.
    """
    import grpc
    from google.protobuf import empty_pb2
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

    class Host(LanguageServer):
        """Programs and plugins that are folders."""

        def __init__(self) -> None:
            super().__init__(self._run_program)
            self._main = Path("__main__.py")

        def _run_program(self) -> None:
            runpy.run_path(str(self._main), run_name="__main__")

        def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
            del request, context
            return language_pb2.LanguageHandshakeResponse()

        def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
            del request, context
            return plugin_pb2.PluginInfo()

        def InstallDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
            del request, context
            return iter(())

        def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: N802
            del request, context
            return language_pb2.RuntimeOptionsResponse()

        def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
            del request, context
            return language_pb2.GetProgramDependenciesResponse()

        def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
            del request, context
            return empty_pb2.Empty()

        def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
            """Runs the program. The base class takes the engine's address from the arguments."""
            program = Path(request.info.program_directory, request.info.entry_point or ".")
            self._main = program / "__main__.py" if program.is_dir() else program
            os.chdir(request.pwd or request.info.program_directory)
            sys.path.insert(0, str(self._main.parent))
            if not request.args:
                request.args.append(engine)
            # As Pulumi's own language host for Python does.
            os.environ["PULUMI_CONFIG"] = json.dumps(dict(request.config))
            os.environ["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps([*request.configSecretKeys])
            response = super().Run(request, context)
            # The base class has logged the error; the engine would print it again.
            return language_pb2.RunResponse(bail=True) if response.error else response

        def RunPlugin(self, request: Any, context: Any) -> Generator[Any]:  # noqa: N802
            """Runs a plugin in Python, for example a policy pack, and hands on what it prints."""
            folder = Path(request.info.program_directory)
            options = dict(request.info.options)
            python = interpreter(folder, str(options.get("virtualenv") or ""))
            process = subprocess.Popen(
                [python, "-u", str(folder), *request.args],
                cwd=request.pwd,
                env=os.environ | dict(value.split("=", 1) for value in request.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            context.add_callback(process.terminate)
            lines: list[bytes] = []
            assert process.stdout is not None
            assert process.stderr is not None
            errors = process.stderr
            reader = threading.Thread(target=lambda: lines.extend(errors), daemon=True)
            reader.start()
            for line in process.stdout:
                yield language_pb2.RunPluginResponse(stdout=line)
            code = process.wait()
            reader.join()
            if lines:
                yield language_pb2.RunPluginResponse(stderr=b"".join(lines))
            yield language_pb2.RunPluginResponse(exitcode=code)

    limits = [("grpc.max_receive_message_length", _MAX_BYTES), ("grpc.max_send_message_length", _MAX_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server)
    port = server.add_insecure_port("127.0.0.1:0")

    def end(_number: int, _frame: object) -> None:
        # At the end of a run, or of a program that the engine has given up: what it still does would only print errors.
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


def _end_with(engine: int) -> None:
    """Ends this process soon after the engine's: one that was killed sends no signal."""
    while os.getppid() == engine:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """The command: its last argument is the engine's address."""
    python = interpreter(Path.cwd(), virtualenv_of(Path.cwd()))
    # A virtual environment's python is a link to the one that it was made with: compare the names.
    if python != sys.executable:
        os.execv(python, [python, *sys.argv])
    serve(sys.argv[-1])


if __name__ == "__main__":
    main()
