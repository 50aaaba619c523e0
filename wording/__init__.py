"""What people read, as text made of plain data: numbers, money, dates, plurals and the sentences around them.

Pure; knows no other room.
"""
