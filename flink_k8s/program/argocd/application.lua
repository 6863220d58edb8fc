-- Health of an Application inside of an Application: its own health, so that a sync wave waits for its chart.
local health = (obj.status or {}).health or {}
return { status = health.status or "Progressing", message = health.message or "" }
