"""What people receive: lists, report, alerts, and tables in a database of theirs.

Writes files; computes nothing about members.
"""
