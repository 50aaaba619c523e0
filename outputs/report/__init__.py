"""The morning report and its neighbours as self-contained pages, made of facts that name no member."""
