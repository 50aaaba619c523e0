"""What people read, as text made of plain data: numbers, money, dates, plurals and the sentences around them.

One catalogue a language (`english`, a module a subject) holds the sentences as templates; `texts` fills them with values,
`columns` with Polars expressions, and `report` chooses those that depend on several numbers. Pure; knows no other room:
what a sentence needs arrives as plain data.
"""
