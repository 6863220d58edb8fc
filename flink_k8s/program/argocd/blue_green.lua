-- Health of a FlinkBlueGreenDeployment, from the status that the Flink operator writes.
local status = obj.status or {}
local state = status.blueGreenState or ""
local job = (status.jobStatus or {}).state or ""
local message = state
if job ~= "" then
  message = message .. ", job " .. job
end
if (status.error or "") ~= "" then
  message = message .. ": " .. status.error
end

local template = (obj.spec.template or {}).spec or {}
local suspended = template.job ~= nil and template.job.state == "suspended"
if suspended and (state == "" or state == "INITIALIZING_BLUE" or job == "SUSPENDED") then
  return { status = "Healthy", message = "suspended, as declared" }
end
if state == "" then
  return { status = "Progressing", message = "not observed by the operator yet" }
end
if job == "FAILING" or job == "FAILED" then
  return { status = "Degraded", message = message }
end
local active = state == "ACTIVE_BLUE" or state == "ACTIVE_GREEN"
if active and not suspended and (job == "RUNNING" or job == "FINISHED") then
  return { status = "Healthy", message = message }
end
return { status = "Progressing", message = message }
