"""Great Expectations suites, one JSON file per table, and the runner that splits good rows from bad.

The only room that imports great_expectations; of the lake it knows the contracts and errors.
"""
