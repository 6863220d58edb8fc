"""What a pending change does to each job: `python -m tools.plan STACK`.

`preview` reads what the engine would do, `spec_changes` compares specs as the operator does, `state` knows what a job
would lose, `effects` decides, `resources` counts CPU and memory, `report` writes it down.
"""
