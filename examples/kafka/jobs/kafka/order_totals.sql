/* flink-k8s
image: pyflink:dev
connectors: [kafka]
flinkVersion: v2_2
parallelism: 2
upgradeMode: savepoint
jobManager: {memory: 1600m, cpu: 0.5}
taskManager: {memory: 1600m, cpu: 0.5}
flinkConfiguration:
  taskmanager.numberOfTaskSlots: "2"
  # A checkpoint commits the transactions of the sink: consumers see its rows at this interval.
  execution.checkpointing.interval: 10 s
  pipeline.max-parallelism: "120"
spec: {imagePullPolicy: IfNotPresent}
parameters: {currency: EUR, output: order-totals, guarantee: exactly-once}
*/
-- For each order: the number of orders and the turnover of its customer up to this order.
CREATE TABLE orders (
  id BIGINT,
  customer STRING,
  cents BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.bootstrap.servers' = '${brokers}',
  'properties.security.protocol' = 'SASL_PLAINTEXT',
  'properties.sasl.mechanism' = 'SCRAM-SHA-512',
  -- The connector contains Kafka's client in a package of its own.
  'properties.sasl.jaas.config' = 'org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule
    required username="order-totals" password="${secret:order-totals/password}";',
  'properties.group.id' = 'order-totals',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);
CREATE TABLE order_totals (
  customer STRING,
  orders BIGINT,
  turnover BIGINT,
  currency STRING,
  PRIMARY KEY (customer) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = '${output}',
  'properties.bootstrap.servers' = '${brokers}',
  'properties.security.protocol' = 'SASL_PLAINTEXT',
  'properties.sasl.mechanism' = 'SCRAM-SHA-512',
  'properties.sasl.jaas.config' = 'org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule
    required username="order-totals" password="${secret:order-totals/password}";',
  'sink.delivery-guarantee' = '${guarantee}',
  'sink.transactional-id-prefix' = 'order-totals',
  -- At most transaction.max.timeout.ms of the brokers, 15 minutes by default; the connector's default is an hour.
  'properties.transaction.timeout.ms' = '900000',
  'key.format' = 'json',
  'value.format' = 'json'
);
INSERT INTO order_totals
SELECT customer, COUNT(*), SUM(cents), '${currency}' FROM orders GROUP BY customer;
