-- Health of a FlinkDeployment or FlinkSessionJob, from the status that the Flink operator writes.
local status = obj.status or {}
local lifecycle = status.lifecycleState or ""
local job = (status.jobStatus or {}).state or ""
local message = lifecycle
if job ~= "" then
  message = message .. ", job " .. job
end
if (status.error or "") ~= "" then
  message = message .. ": " .. status.error
end

local suspended = obj.spec.job ~= nil and obj.spec.job.state == "suspended"
-- The operator does not process a job that is suspended from the start: its state remains CREATED.
if suspended and (lifecycle == "" or lifecycle == "CREATED" or lifecycle == "SUSPENDED") then
  return { status = "Healthy", message = "suspended, as declared" }
end
if lifecycle == "" then
  return { status = "Progressing", message = "not observed by the operator yet" }
end
-- Before operator 1.9 the status contains no generation.
if status.observedGeneration ~= nil and status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "change not observed by the operator yet; " .. message }
end
if lifecycle == "FAILED" or lifecycle == "ROLLED_BACK" or status.jobManagerDeploymentStatus == "ERROR" then
  return { status = "Degraded", message = message }
end
-- The lifecycle remains STABLE while the job restarts repeatedly. A session cluster has no job.
if lifecycle == "STABLE" and not suspended and (job == "" or job == "RUNNING" or job == "FINISHED") then
  return { status = "Healthy", message = message }
end
return { status = "Progressing", message = message }
