"""Data at rest: the contracts of tables, and how tonight's records are landed in them.

`sources` reads and maps exports, `storage` keeps tables in a folder or a bucket. May touch the disk; knows no other room.
"""
