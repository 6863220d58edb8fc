-- The totals of orders by key: a job with state, which never ends.
/* flink-k8s
image: pyflink:dev
flinkVersion: v2_2
parallelism: 2
upgradeMode: savepoint
jobManager: {memory: 1600m, cpu: 0.5}
taskManager: {memory: 1600m, cpu: 0.5}
flinkConfiguration: {taskmanager.numberOfTaskSlots: 2}
parameters: {rate: 100, sink: totals}
*/
SET 'table.exec.mini-batch.enabled' = 'false';

CREATE TABLE orders (
  id BIGINT,
  amount AS id * 10, -- a computed column; not a statement
  ordered AS PROCTIME()
) WITH ('connector' = 'datagen', 'rows-per-second' = '${rate}', 'fields.id.kind' = 'sequence',
        'fields.id.start' = '1', 'fields.id.end' = '1000000');

CREATE TABLE `${sink}` (bucket BIGINT, orders BIGINT, amount BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO `${sink}` SELECT id % 10, COUNT(*), SUM(amount) FROM orders GROUP BY id % 10;
