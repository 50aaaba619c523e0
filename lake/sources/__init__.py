"""What an export says, as a frame of the contract's columns: finding files, reading, SQL expressions, casting.

May read files and databases of others; writes nothing.
"""
