"""Data at rest: what tables hold, and how tonight's records take their place in them.

`sources` reads and maps exports, `storage` keeps tables in a folder or a bucket. May touch the disk; knows no other room.
"""
