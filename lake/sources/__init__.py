"""Exports to frames of the contract's columns: finding files, reading, SQL expressions, mapping, casting.

May read files and databases of other systems; writes nothing.
"""
