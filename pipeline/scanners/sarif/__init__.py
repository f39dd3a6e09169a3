"""SARIF 2.1.0, written by any tool: schema, locations, rules, results and the reader."""
