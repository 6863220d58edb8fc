"""What a user may say, checked: stack config, job files, versions, the operator's rules.

Pure Python without resources: the program (`__main__.py`), `make check` and the tests all read a stack through
`settings.platform.load`.
"""
