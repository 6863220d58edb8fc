"""What a stack is made of: a bill of materials, licences, known vulnerabilities."""
