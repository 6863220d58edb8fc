"""The supply chain of a stack: bill of materials, licences, known vulnerabilities."""
