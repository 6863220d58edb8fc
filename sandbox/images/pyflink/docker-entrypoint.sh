#!/usr/bin/env bash
# Runs the command that it is given. Flink's native Kubernetes mode gives it, for example,
#   bash -c 'kubernetes-jobmanager.sh kubernetes-application '
# and looks for Flink's scripts on the PATH.
set -e
# As in the official image: optional jars that the pod names become plugins, each in its own folder.
for jar in ${ENABLE_BUILT_IN_PLUGINS//;/ }; do
	mkdir -p "$FLINK_HOME/plugins/${jar%.jar}"
	ln -sf "$FLINK_HOME/opt/$jar" "$FLINK_HOME/plugins/${jar%.jar}/"
done
exec "$@"
