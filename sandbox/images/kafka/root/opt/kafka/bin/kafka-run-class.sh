#!/usr/bin/env bash
# Runs a Java class of Kafka; under the name of one of Kafka's scripts (a link to this one), the class of that script.
set -e
case "${0##*/}" in
kafka-acls.sh) class=org.apache.kafka.tools.AclCommand ;;
kafka-configs.sh) class=kafka.admin.ConfigCommand ;;
kafka-console-consumer.sh) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
kafka-console-producer.sh) class=org.apache.kafka.tools.ConsoleProducer ;;
kafka-get-offsets.sh) class=org.apache.kafka.tools.GetOffsetShell ;;
kafka-server-start.sh) class=kafka.Kafka ;;
kafka-storage.sh) class=kafka.tools.StorageTool ;;
kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
*) class=$1 && shift ;;
esac
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -Dlog4j2.configurationFile="$KAFKA_HOME/config/log4j2.properties" \
	-cp "$KAFKA_HOME/lib/*" "$class" "$@"
