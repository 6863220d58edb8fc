"""Images of the log store and its collector, built from their Go module."""

from sandbox import golang
from sandbox.images.go_program import GoProgram

_PACKAGE = "github.com/VictoriaMetrics/VictoriaLogs"

MODULE = golang.Module(
    "victoria-logs",
    _PACKAGE,
    {"victoria-logs": f"{_PACKAGE}/app/victoria-logs", "vlagent": f"{_PACKAGE}/app/vlagent"},
    variables={"github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version": "{version}"},
)
IMAGES = (
    GoProgram(MODULE, "victoria-logs"),
    # Reads the logs of pods, which belong to root.
    GoProgram(MODULE, "vlagent", user="0:0"),
)
