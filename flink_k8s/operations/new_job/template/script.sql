-- Prints the lines of a text that contain a word.
--
--   make run JOB=new-job        run it in a local Flink
--   make test-job JOB=new-job   run its tests

/* flink-k8s
image: pyflink:dev
flinkVersion: v2_2
parallelism: 1
# A changed job starts without state. For a job with state, set savepoint or last-state.
upgradeMode: stateless
jobManager: {memory: 1600m, cpu: 0.5}
taskManager: {memory: 1600m, cpu: 0.5}
flinkConfiguration: {taskmanager.numberOfTaskSlots: 2}
spec: {imagePullPolicy: IfNotPresent}
parameters: {word: the}
*/

SET 'execution.runtime-mode' = 'batch';

CREATE TABLE texts (line STRING)
WITH ('connector' = 'filesystem', 'path' = '/opt/flink/usrlib/input', 'format' = 'raw');

CREATE TABLE kept (line STRING) WITH ('connector' = 'print');

INSERT INTO kept
SELECT line FROM texts WHERE ' ' || LOWER(line) || ' ' LIKE '% ${word} %';
