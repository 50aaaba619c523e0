"""Great Expectations suites, one JSON file per table, and the runner that splits good rows from bad."""
