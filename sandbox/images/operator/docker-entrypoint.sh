#!/usr/bin/env bash
# Called by the chart: /docker-entrypoint.sh operator|webhook, with LOG_CONFIG and JVM_ARGS in the environment.
home=/flink-kubernetes-operator
case ${1:-} in
operator) main=org.apache.flink.kubernetes.operator.FlinkOperator ;;
webhook)
	echo "this image has no webhook: flink-kubernetes-webhook is published in no version; set webhook.create: false" >&2
	exit 1
	;;
*) exec "$@" ;;
esac
cd "$home" || exit
# Jars of the user's own go where the official image has them, behind the operator's.
# shellcheck disable=SC2086 # both are lists of options
exec java -cp "$(cat classpath):${OPERATOR_LIB:-/opt/flink/operator-lib}/*" $LOG_CONFIG $JVM_ARGS "$main"
