#!/usr/bin/env bash
# Starts the broker; KAFKA_ADVERTISED_HOST is the name by which clients reach it. A new container is a new, empty broker.
set -e
properties=$KAFKA_HOME/config/server.properties
kafka-storage.sh format --standalone --ignore-formatted --cluster-id 5L6g3nShT-eMCtK--X86sw --config "$properties"
export KAFKA_LOG_LEVEL=${KAFKA_LOG_LEVEL:-INFO}
exec kafka-server-start.sh "$properties" \
	--override "advertised.listeners=CLIENTS://${KAFKA_ADVERTISED_HOST:?}:9092,LOCAL://127.0.0.1:9094"
