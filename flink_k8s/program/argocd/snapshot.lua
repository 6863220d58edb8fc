-- Health of a FlinkStateSnapshot, from the status that the Flink operator writes.
local status = obj.status or {}
local message = status.state or "not observed by the operator yet"
if (status.error or "") ~= "" then
  message = message .. ": " .. status.error
end
if status.state == "COMPLETED" then
  return { status = "Healthy", message = status.path or message }
end
if status.state == "FAILED" or status.state == "ABANDONED" then
  return { status = "Degraded", message = message }
end
return { status = "Progressing", message = message }
